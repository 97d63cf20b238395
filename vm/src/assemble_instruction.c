/* The assembler's instructions: operands by their kinds, and constants. */
#include "vm/src/assemble.h"
#include "vm/src/text.h"

#include <stdarg.h>
#include <stdio.h>

bool vm__assemble_fail(struct vm__assembler *assembler, tagged_value_t node, const char *format, ...) {
    char why[200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return cupel_error_set(assembler->error, vm__node_line(node), vm__node_column(node), "%s", why);
}

bool vm__assemble_starved(struct vm__assembler *assembler) {
    assembler->is_starved = true;
    return cupel_error_set(assembler->error, 0, 0, "out of memory");
}

bool vm__assemble_is(tagged_value_t node, const char *word) {
    if (vm__node_kind(node) != VM__NODE_SYMBOL) {
        return false;
    }
    struct vm__text text = vm__text(vm__node_value(node));
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

bool vm__assemble_name(struct vm__assembler *assembler, tagged_value_t node, uint32_t *name) {
    if (vm__node_kind(node) != VM__NODE_SYMBOL && vm__node_kind(node) != VM__NODE_STRING) {
        return vm__assemble_fail(assembler, node, "a name or a string is wanted");
    }
    struct vm__text text = vm__text(vm__node_value(node));
    int64_t number = vm__pool_name(&assembler->pool, text.bytes, text.length);
    *name = (uint32_t)number;
    return number >= 0 || vm__assemble_starved(assembler);
}

bool vm__assemble_integer(struct vm__assembler *assembler, tagged_value_t node, int64_t min, int64_t max,
                          int64_t *value) {
    bool is_integer = vm__node_kind(node) == VM__NODE_INTEGER;
    *value = is_integer ? vm_integer(vm__node_value(node)) : 0;
    return (is_integer && *value >= min && *value <= max) ||
           vm__assemble_fail(assembler, node, "an integer from %lld to %lld is wanted", (long long)min, (long long)max);
}

bool vm__assemble_register(struct vm__unit *unit, tagged_value_t node, uint32_t *number) {
    struct vm__text text = {NULL, 0};
    if (vm__node_kind(node) == VM__NODE_SYMBOL) {
        text = vm__text(vm__node_value(node));
    }
    bool is_register =
        text.length >= 2 && text.length <= 4 && text.bytes[0] == 'r' && (text.bytes[1] != '0' || text.length == 2);
    *number = 0;
    for (size_t i = 1; is_register && i < text.length; i++) {
        is_register = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        *number = *number * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    if (!is_register || *number >= VM__REGISTERS_MAX) {
        return vm__assemble_fail(unit->assembler, node, "a register, r0 to r%d, is wanted", VM__REGISTERS_MAX - 1);
    }
    unit->registers = unit->registers > *number + 1 ? unit->registers : *number + 1;
    return true;
}

static bool constant_number(struct vm__assembler *assembler, tagged_value_t node, int64_t number, uint32_t *result) {
    if (number == VM__POOL_STARVED) {
        return vm__assemble_starved(assembler);
    }
    *result = (uint32_t)number;
    return number >= 0 || vm__assemble_fail(assembler, node, "more than %d constants", VM__TABLE_MAX);
}

static bool atom_constant(struct vm__assembler *assembler, tagged_value_t node, uint32_t *number) {
    struct vm__constant constant = {.kind = VM__CONSTANT_INTEGER};
    tagged_value_t value = vm__node_kind(node) == VM__NODE_QUOTE ? vm__node_item(node, 0) : node;
    uint32_t name;
    switch (vm__node_kind(node)) {
    case VM__NODE_INTEGER:
        constant.bits = (uint64_t)vm_integer(vm__node_value(node));
        break;
    case VM__NODE_DOUBLE: {
        double real = vm_double(vm__node_value(node));
        constant.kind = VM__CONSTANT_DOUBLE;
        memcpy(&constant.bits, &real, sizeof real);
        constant.bits = real != real ? vm__nan_bits : constant.bits;
        break;
    }
    case VM__NODE_STRING:
    case VM__NODE_QUOTE:
        if (vm__node_kind(value) != VM__NODE_STRING && vm__node_kind(value) != VM__NODE_SYMBOL) {
            return vm__assemble_fail(assembler, node, "only a name can be quoted");
        }
        constant.kind = vm__node_kind(node) == VM__NODE_STRING ? VM__CONSTANT_STRING : VM__CONSTANT_SYMBOL;
        if (!vm__assemble_name(assembler, value, &name)) {
            return false;
        }
        vm__pool_at(&assembler->pool, name)->is_used = true;
        constant.bits = name;
        break;
    default:
        return vm__assemble_fail(assembler, node, "a constant is wanted: a number, a string, 'name or [constants]");
    }
    return constant_number(assembler, node, vm__pool_constant(&assembler->pool, constant, NULL), number);
}

/* Arrays nest, but not deeper than VM__NESTING_MAX. */
static bool constant(struct vm__assembler *assembler, tagged_value_t node, unsigned depth, uint32_t *number) {
    if (vm__node_kind(node) != VM__NODE_ARRAY) {
        return atom_constant(assembler, node, number);
    }
    if (depth > VM__NESTING_MAX) {
        return vm__assemble_fail(assembler, node, "arrays are nested too deep");
    }
    struct vm__constant array = {.kind = VM__CONSTANT_ARRAY};
    struct vm__list elements = {NULL, 0, 0};
    bool is_done = true;
    for (size_t i = 0; is_done && i < vm__node_count(node); i++) {
        uint32_t *element = vm__list_push(&elements, assembler->vm->allocator, sizeof *element);
        is_done = element != NULL || vm__assemble_starved(assembler);
        uint32_t part = 0;
        is_done = is_done && constant(assembler, vm__node_item(node, i), depth + 1, &part);
        if (is_done) {
            const struct vm__constant *inner = VM__AT(struct vm__constant, &assembler->program.constants, part);
            *VM__AT(uint32_t, &elements, i) = part;
            if (inner->kind == VM__CONSTANT_ARRAY && inner->depth >= array.depth) {
                array.depth = (uint8_t)(inner->depth + 1);
            }
        }
    }
    array.count = elements.count;
    if (is_done && array.count > VM__TABLE_MAX) {
        is_done = vm__assemble_fail(assembler, node, "an array of more than %d elements", VM__TABLE_MAX);
    }
    is_done =
        is_done && constant_number(assembler, node, vm__pool_constant(&assembler->pool, array, elements.items), number);
    vm__list_free(&elements, assembler->vm->allocator, sizeof(uint32_t));
    return is_done;
}

static bool word_of(struct vm__assembler *assembler, tagged_value_t node, const char *const *names, uint32_t count,
                    const char *what, uint32_t *bits) {
    for (*bits = 0; *bits < count; ++*bits) {
        if (vm__assemble_is(node, names[*bits])) {
            return true;
        }
    }
    return vm__assemble_fail(assembler, node, "%s is wanted", what);
}

static bool add_fix(struct vm__unit *unit, struct vm__list *fixes, tagged_value_t node, struct vm__fix fix) {
    if (!vm__assemble_name(unit->assembler, node, &fix.label)) {
        return false;
    }
    struct vm__fix *added = vm__list_push(fixes, unit->assembler->vm->allocator, sizeof *added);
    if (added == NULL) {
        return vm__assemble_starved(unit->assembler);
    }
    fix.line = vm__node_line(node);
    fix.column = vm__node_column(node);
    *added = fix;
    return true;
}

/* An operand's bits, at their place in the word. */
static bool operand(struct vm__unit *unit, tagged_value_t node, enum vm__operand kind, uint32_t at, uint32_t *bits) {
    static const char *const flags[] = {"false", "true"};
    struct vm__assembler *assembler = unit->assembler;
    int64_t value = 0;
    uint32_t name;
    bool is_good = true;
    switch (kind) {
    case VM__EMPTY:
        return true;
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        return vm__assemble_register(unit, node, bits);
    case VM__FLAG:
        return word_of(assembler, node, flags, 2, "true or false", bits);
    case VM__PRIMITIVE:
        return word_of(assembler, node, vm__primitive_names, VM__PRIMITIVE_COUNT, "nil, false, true or undefined",
                       bits);
    case VM__KIND:
        return word_of(assembler, node, vm__kind_names, VM__KIND_COUNT, "a kind of value", bits);
    case VM__COUNT:
    case VM__NUMBER8:
    case VM__CAPTURE:
        is_good = vm__assemble_integer(assembler, node, 0, UINT8_MAX, &value);
        break;
    case VM__INTEGER8:
        is_good = vm__assemble_integer(assembler, node, INT8_MIN, INT8_MAX, &value);
        value = (uint8_t)value;
        break;
    case VM__INTEGER16:
        is_good = vm__assemble_integer(assembler, node, INT16_MIN, INT16_MAX, &value);
        value = (uint16_t)value;
        break;
    case VM__CONSTANT16:
        return constant(assembler, node, 0, bits);
    case VM__GLOBAL16:
        is_good = vm__assemble_name(assembler, node, &name);
        value = is_good ? vm__pool_import(&assembler->pool, name) : 0;
        if (value == VM__POOL_STARVED) {
            return vm__assemble_starved(assembler);
        }
        is_good = is_good && (value >= 0 || vm__assemble_fail(assembler, node, "more than %d globals", VM__TABLE_MAX));
        break;
    case VM__FUNCTION16:
        return add_fix(unit, &unit->closures, node, (struct vm__fix){.word = at});
    case VM__JUMP16:
    case VM__JUMP24:
        return add_fix(unit, &unit->fixes, node, (struct vm__fix){.word = at, .from = at + 1, .kind = (uint8_t)kind});
    }
    *bits = (uint32_t)value;
    return is_good;
}

/* The program's next word. */
static bool emit(struct vm__unit *unit, tagged_value_t node, uint32_t word) {
    struct vm__function *function = vm__assemble_function(unit);
    if (function->code.count == VM__CODE_MAX) {
        return vm__assemble_fail(unit->assembler, node, "more than %d words in one function", VM__CODE_MAX);
    }
    uint32_t *place = vm__list_push(&unit->assembler->program.code, unit->assembler->vm->allocator, sizeof *place);
    if (place == NULL) {
        return vm__assemble_starved(unit->assembler);
    }
    *place = word;
    function->code.count++;
    return true;
}

static bool add_line(struct vm__unit *unit, tagged_value_t node) {
    struct vm__program *program = &unit->assembler->program;
    struct vm__function *function = vm__assemble_function(unit);
    uint32_t line = unit->has_line ? unit->line : vm__node_line(node);
    if (unit->has_no_lines || (function->lines.count > 0 &&
                               VM__AT(struct vm__line, &program->lines, program->lines.count - 1)->line == line)) {
        return true;
    }
    struct vm__line *added = vm__list_push(&program->lines, unit->assembler->vm->allocator, sizeof *added);
    if (added == NULL) {
        return vm__assemble_starved(unit->assembler);
    }
    *added = (struct vm__line){function->code.count, line};
    function->lines.count++;
    return true;
}

static void need_span(struct vm__unit *unit, uint32_t word, const struct vm__span *span) {
    if (span->operand != 0) {
        uint32_t end = vm__operand_bits(word, span->operand) + span->offset + span->count +
                       (span->counter != 0 ? vm__operand_bits(word, span->counter) : 0);
        unit->registers = unit->registers > end ? unit->registers : end;
    }
}

static bool find_opcode(struct vm__unit *unit, tagged_value_t node, enum vm__opcode *op) {
    struct vm__assembler *assembler = unit->assembler;
    uint32_t name;
    if (vm__node_kind(node) != VM__NODE_SYMBOL || !vm__assemble_name(assembler, node, &name)) {
        return !assembler->is_starved && vm__assemble_fail(assembler, node, "an instruction's name is wanted");
    }
    for (unsigned i = 1; i < VM__OP_COUNT; i++) {
        if (assembler->opcode_names[i] == name && (vm__opcodes[i].traits & VM__INNER) == 0) {
            *op = (enum vm__opcode)i;
            return true;
        }
    }
    struct vm__text text = vm__text(vm__node_value(node));
    return vm__assemble_fail(assembler, node, "there is no instruction '%.*s'",
                             (int)(text.length < 40 ? text.length : 40), text.bytes);
}

static bool operands(struct vm__unit *unit, tagged_value_t node, const struct vm__opcode_info *info, size_t *used,
                     uint32_t *word) {
    uint32_t at = vm__assemble_function(unit)->code.count;
    for (unsigned i = 0; i < 3; i++) {
        enum vm__operand kind = (enum vm__operand)info->operands[i];
        uint32_t bits = 0;
        if (kind == VM__EMPTY) {
            continue;
        }
        if (*used >= vm__node_count(node)) {
            return vm__assemble_fail(unit->assembler, node, "%s wants more operands", info->name);
        }
        if (!operand(unit, vm__node_item(node, (*used)++), kind, at, &bits)) {
            return false;
        }
        *word |= kind >= VM__INTEGER16 ? bits << 16 : bits << 8 * (i + 1);
        if (kind >= VM__INTEGER16) {
            break;
        }
    }
    return true;
}

bool vm__assemble_instruction(struct vm__unit *unit, tagged_value_t node) {
    enum vm__opcode op = VM__OP_NONE;
    if (vm__node_kind(node) != VM__NODE_LIST || vm__node_count(node) == 0) {
        return vm__assemble_fail(unit->assembler, node, "an instruction, (name operands), or a label is wanted");
    }
    if (!find_opcode(unit, vm__node_item(node, 0), &op) || !add_line(unit, node)) {
        return false;
    }
    const struct vm__opcode_info *info = &vm__opcodes[op];
    uint32_t word = op;
    size_t used = 1;
    uint32_t at = vm__assemble_function(unit)->code.count;
    if (!operands(unit, node, info, &used, &word) || !emit(unit, node, word)) {
        return false;
    }
    need_span(unit, word, &info->reads);
    need_span(unit, word, &info->writes);
    if ((info->traits & (VM__PAIR | VM__WIDE)) != 0) {
        bool is_pair = (info->traits & VM__PAIR) != 0;
        uint32_t second = is_pair ? VM__OP_JMP : 0;
        uint32_t bits = 0;
        if (used >= vm__node_count(node)) {
            return vm__assemble_fail(unit->assembler, node, "%s wants more operands", info->name);
        }
        if (!operand(unit, vm__node_item(node, used++), is_pair ? VM__JUMP24 : VM__CONSTANT16, at + 1, &bits) ||
            !emit(unit, node, is_pair ? second : bits)) {
            return false;
        }
    }
    return used == vm__node_count(node) ||
           vm__assemble_fail(unit->assembler, vm__node_item(node, used), "%s wants no more operands", info->name);
}
