/* The assembler: functions, their clauses and labels, and all that is known only at the end. */
#include "vm/text.h"

#include "vm/src/assemble.h"
#include "vm/src/text.h"

#include <stdlib.h>

static uint32_t *code_word(const struct vm__unit *unit, uint32_t at) {
    return VM__AT(uint32_t, &unit->assembler->program.code, vm__assemble_function(unit)->code.first + at);
}

static bool define_label(struct vm__unit *unit, tagged_value_t node) {
    struct vm__assembler *assembler = unit->assembler;
    struct vm__text text = vm__text(vm__node_value(node));
    if (text.length < 2 || text.bytes[text.length - 1] != ':') {
        return vm__assemble_fail(assembler, node, "a label, 'name:', or an instruction is wanted");
    }
    int64_t number = vm__pool_name(&assembler->pool, text.bytes, text.length - 1);
    if (number < 0) {
        return vm__assemble_starved(assembler);
    }
    struct vm__name *name = vm__pool_at(&assembler->pool, (uint32_t)number);
    if (name->label_owner == unit->number + 1) {
        return vm__assemble_fail(assembler, node, "the label '%.*s' is there already", (int)text.length - 1,
                                 text.bytes);
    }
    name->label_owner = unit->number + 1;
    name->label = vm__assemble_function(unit)->code.count;
    return true;
}

/* Clauses: false where one is wrong; *is_clause says whether the node was one. */
typedef bool clause(struct vm__unit *unit, tagged_value_t node);

static bool count_clause(struct vm__unit *unit, tagged_value_t node, int64_t max, uint8_t *target) {
    int64_t value;
    if (vm__node_count(node) != 2) {
        return vm__assemble_fail(unit->assembler, node, "one number is wanted here");
    }
    if (!vm__assemble_integer(unit->assembler, vm__node_item(node, 1), 0, max, &value)) {
        return false;
    }
    *target = (uint8_t)value;
    return true;
}

static bool arguments_clause(struct vm__unit *unit, tagged_value_t node) {
    return count_clause(unit, node, VM__REGISTERS_MAX, &vm__assemble_function(unit)->arity);
}

static bool optional_clause(struct vm__unit *unit, tagged_value_t node) {
    return count_clause(unit, node, VM__REGISTERS_MAX, &vm__assemble_function(unit)->optional);
}

static bool registers_clause(struct vm__unit *unit, tagged_value_t node) {
    unit->has_registers = true;
    return count_clause(unit, node, VM__REGISTERS_MAX, &vm__assemble_function(unit)->registers);
}

static bool rest_clause(struct vm__unit *unit, tagged_value_t node) {
    vm__assemble_function(unit)->has_rest = true;
    return vm__node_count(node) == 1 || vm__assemble_fail(unit->assembler, node, "(rest) has nothing in it");
}

static bool file_clause(struct vm__unit *unit, tagged_value_t node) {
    uint32_t name = 0;
    if (vm__node_count(node) > 2) {
        return vm__assemble_fail(unit->assembler, node, "one file, or none, is wanted here");
    }
    vm__assemble_function(unit)->file = 0;
    if (vm__node_count(node) == 2) {
        if (!vm__assemble_name(unit->assembler, vm__node_item(node, 1), &name)) {
            return false;
        }
        vm__assemble_function(unit)->file = name + 1;
    }
    return true;
}

static bool line_clause(struct vm__unit *unit, tagged_value_t node) {
    int64_t line = 0;
    if (vm__node_count(node) > 2) {
        return vm__assemble_fail(unit->assembler, node, "one line, or none, is wanted here");
    }
    unit->has_no_lines = vm__node_count(node) == 1;
    unit->has_line = true;
    if (unit->has_no_lines) {
        return vm__assemble_function(unit)->lines.count == 0 ||
               vm__assemble_fail(unit->assembler, node, "(line) must come before the first line");
    }
    bool is_good = vm__assemble_integer(unit->assembler, vm__node_item(node, 1), 0, INT32_MAX, &line);
    unit->line = (uint32_t)line;
    return is_good;
}

static bool captures_clause(struct vm__unit *unit, tagged_value_t node) {
    struct vm__program *program = &unit->assembler->program;
    for (size_t i = 1; i < vm__node_count(node); i++) {
        tagged_value_t item = vm__node_item(node, i);
        struct vm__capture *capture =
            vm__list_push(&program->captures, unit->assembler->vm->allocator, sizeof *capture);
        if (capture == NULL) {
            return vm__assemble_starved(unit->assembler);
        }
        vm__assemble_function(unit)->captures.count++;
        uint32_t before = unit->registers;
        uint32_t index = 0;
        int64_t number;
        if (vm__node_kind(item) == VM__NODE_INTEGER) {
            if (!vm__assemble_integer(unit->assembler, item, 0, UINT8_MAX, &number)) {
                return false;
            }
            *capture = (struct vm__capture){1, (uint8_t)number};
        } else if (vm__assemble_register(unit, item, &index)) {
            *capture = (struct vm__capture){0, (uint8_t)index};
            unit->registers = before; /* it is the parent's */
        } else {
            return false;
        }
    }
    return vm__assemble_function(unit)->captures.count <= UINT8_MAX + 1u ||
           vm__assemble_fail(unit->assembler, node, "more than %d captures", UINT8_MAX + 1);
}

static bool handler_clause(struct vm__unit *unit, tagged_value_t node) {
    struct vm__assembler *assembler = unit->assembler;
    struct vm__function *function = vm__assemble_function(unit);
    uint32_t reg;
    if (vm__node_count(node) != 5) {
        return vm__assemble_fail(assembler, node, "(handler START END TARGET REGISTER) is wanted");
    }
    if (function->handlers.count == VM__TABLE_MAX) {
        return vm__assemble_fail(assembler, node, "more than %d handlers", VM__TABLE_MAX);
    }
    struct vm__handler *handler =
        vm__list_push(&assembler->program.handlers, assembler->vm->allocator, sizeof *handler);
    if (handler == NULL) {
        return vm__assemble_starved(assembler);
    }
    for (size_t i = 1; i < 4; i++) {
        struct vm__fix fix = {.word = function->handlers.count, .kind = VM__EMPTY, .part = (uint8_t)i};
        fix.line = vm__node_line(vm__node_item(node, i));
        fix.column = vm__node_column(vm__node_item(node, i));
        struct vm__fix *added = vm__list_push(&unit->fixes, assembler->vm->allocator, sizeof *added);
        if (added == NULL) {
            return vm__assemble_starved(assembler);
        }
        *added = fix;
        if (!vm__assemble_name(assembler, vm__node_item(node, i), &added->label)) {
            return false;
        }
    }
    function->handlers.count++;
    if (!vm__assemble_register(unit, vm__node_item(node, 4), &reg)) {
        return false;
    }
    handler->reg = (uint8_t)reg;
    return true;
}

static bool child_clause(struct vm__unit *unit, tagged_value_t node) {
    /* Where it stands is stored by who walks the list. */
    return vm__node_count(node) >= 2 ||
           vm__assemble_fail(unit->assembler, node, "a function without a name; () says so");
}

static const struct {
    const char *word;
    clause *run;
} clauses[] = {{"arguments", arguments_clause}, {"optional", optional_clause}, {"rest", rest_clause},
               {"registers", registers_clause}, {"captures", captures_clause}, {"file", file_clause},
               {"line", line_clause},           {"handler", handler_clause},   {"function", child_clause}};

/* One form of a body: a label, a clause or an instruction. */
static bool body_form(struct vm__unit *unit, tagged_value_t node, uint32_t place) {
    if (vm__node_kind(node) == VM__NODE_SYMBOL) {
        return define_label(unit, node);
    }
    bool is_list = vm__node_kind(node) == VM__NODE_LIST && vm__node_count(node) > 0;
    for (size_t i = 0; is_list && i < sizeof clauses / sizeof clauses[0]; i++) {
        if (!vm__assemble_is(vm__node_item(node, 0), clauses[i].word)) {
            continue;
        }
        if (clauses[i].run == child_clause) {
            uint32_t *child = vm__list_push(&unit->children, unit->assembler->vm->allocator, sizeof *child);
            if (child == NULL) {
                return vm__assemble_starved(unit->assembler);
            }
            *child = place;
        }
        return clauses[i].run(unit, node);
    }
    return vm__assemble_instruction(unit, node);
}

/* A fix without its node, which may be gone: the place is in the fix. */
static bool fix_fail(struct vm__unit *unit, const struct vm__fix *fix, const char *why) {
    const struct vm__string *name = &vm__pool_at(&unit->assembler->pool, fix->label)->string;
    return cupel_error_set(unit->assembler->error, fix->line, fix->column, "%s '%.*s'", why,
                           (int)(name->length < 60 ? name->length : 60), name->text);
}

static bool apply_fix(struct vm__unit *unit, const struct vm__fix *fix) {
    const struct vm__name *name = vm__pool_at(&unit->assembler->pool, fix->label);
    if (name->label_owner != unit->number + 1) {
        return fix_fail(unit, fix, "there is no label");
    }
    if (fix->kind == VM__EMPTY) {
        struct vm__handler *handler = VM__AT(struct vm__handler, &unit->assembler->program.handlers,
                                             vm__assemble_function(unit)->handlers.first + fix->word);
        *(fix->part == 1 ? &handler->start : fix->part == 2 ? &handler->end : &handler->target) = name->label;
        return true;
    }
    int64_t offset = (int64_t)name->label - fix->from;
    int64_t limit = fix->kind == VM__JUMP24 ? 1 << 23 : 1 << 15;
    if (offset < -limit || offset >= limit) {
        return fix_fail(unit, fix, "too far away is the label");
    }
    *code_word(unit, fix->word) |= fix->kind == VM__JUMP24 ? (uint32_t)offset << 8 : (uint32_t)offset << 16;
    return true;
}

static int compare_handlers(const void *a, const void *b) {
    const struct vm__handler *x = a;
    const struct vm__handler *y = b;
    int order = (x->start > y->start) - (x->start < y->start);
    return order != 0 ? order : (x->end < y->end) - (x->end > y->end);
}

static bool end_body(struct vm__unit *unit) {
    struct vm__function *function = vm__assemble_function(unit);
    for (uint32_t i = 0; i < unit->fixes.count; i++) {
        if (!apply_fix(unit, VM__AT(struct vm__fix, &unit->fixes, i))) {
            return false;
        }
    }
    if (function->handlers.count > 1) {
        qsort(VM__AT(struct vm__handler, &unit->assembler->program.handlers, function->handlers.first),
              function->handlers.count, sizeof(struct vm__handler), compare_handlers);
    }
    uint32_t arguments = (uint32_t)function->arity + function->optional + function->has_rest;
    unit->registers = unit->registers > arguments ? unit->registers : arguments;
    if (!unit->has_registers) {
        if (unit->registers > VM__REGISTERS_MAX) {
            return vm__assemble_fail(unit->assembler, vm_held(unit->assembler->vm, unit->node),
                                     "it needs %u registers, more than %d", unit->registers, VM__REGISTERS_MAX);
        }
        function->registers = (uint8_t)unit->registers;
    }
    return true;
}

static bool assemble_function(struct vm__assembler *assembler, struct vm__unit *parent, tagged_value_t node,
                              unsigned depth);

/* The children come after the whole parent, one behind the other; then it is known which numbers they have. */
static bool assemble_children(struct vm__unit *unit, unsigned depth) {
    struct vm__assembler *assembler = unit->assembler;
    struct vm__list numbers = {NULL, 0, 0};
    bool is_done =
        vm__list_reserve(&numbers, assembler->vm->allocator, sizeof(uint32_t), (size_t)unit->children.count + 1) ||
        vm__assemble_starved(assembler);
    for (uint32_t i = 0; is_done && i < unit->children.count; i++) {
        tagged_value_t list = vm_held(assembler->vm, unit->node);
        tagged_value_t node = vm__node_item(list, *VM__AT(uint32_t, &unit->children, i));
        *VM__AT(uint32_t, &numbers, i) = assembler->program.functions.count;
        is_done = assemble_function(assembler, unit, node, depth + 1);
    }
    /* Names of siblings: looked at only now, because those of their own children are marked with other owners. */
    for (uint32_t i = 0; is_done && i < unit->children.count; i++) {
        uint32_t number = *VM__AT(uint32_t, &numbers, i);
        const struct vm__function *child = VM__AT(struct vm__function, &assembler->program.functions, number);
        if (child->name != 0) {
            struct vm__name *name = vm__pool_at(&assembler->pool, child->name - 1);
            /* The first of two with one name has it. */
            if (name->child_owner != unit->number + 1) {
                name->child = number;
                name->child_owner = unit->number + 1;
            }
        }
    }
    for (uint32_t i = 0; is_done && i < unit->closures.count; i++) {
        const struct vm__fix *fix = VM__AT(struct vm__fix, &unit->closures, i);
        const struct vm__name *name = vm__pool_at(&assembler->pool, fix->label);
        uint32_t number = name->child;
        bool is_found = name->child_owner == unit->number + 1;
        if (name->string.length > 1 && name->string.text[0] == '#') {
            char *end;
            unsigned long ordinal = strtoul(name->string.text + 1, &end, 10);
            is_found = *end == '\0' && ordinal < unit->children.count;
            number = is_found ? *VM__AT(uint32_t, &numbers, ordinal) : 0;
        }
        is_done = is_found || fix_fail(unit, fix, "no function is nested here with the name");
        if (is_done) {
            *code_word(unit, fix->word) |= number << 16;
        }
    }
    vm__list_free(&numbers, assembler->vm->allocator, sizeof(uint32_t));
    return is_done;
}

/* The head, `(function NAME`, and a new function in the program. */
static bool begin_function(struct vm__unit *unit, tagged_value_t node, unsigned depth) {
    struct vm__assembler *assembler = unit->assembler;
    struct vm__program *program = &assembler->program;
    if (depth >= VM__NESTING_MAX || program->functions.count >= VM__TABLE_MAX - 1) {
        return vm__assemble_fail(assembler, node, "too many functions, or nested deeper than %d", VM__NESTING_MAX);
    }
    unit->number = program->functions.count;
    struct vm__function *function = vm__list_push(&program->functions, assembler->vm->allocator, sizeof *function);
    if (function == NULL) {
        return vm__assemble_starved(assembler);
    }
    function->parent = unit->parent == NULL ? VM__NO_FUNCTION : (uint16_t)unit->parent->number;
    function->file = assembler->file;
    function->captures.first = program->captures.count;
    function->code.first = program->code.count;
    function->handlers.first = program->handlers.count;
    function->lines.first = program->lines.count;
    tagged_value_t name = vm__node_item(node, 1);
    uint32_t number = 0;
    if (vm__node_kind(name) == VM__NODE_LIST && vm__node_count(name) == 0) {
        return true;
    }
    if (!vm__assemble_name(assembler, name, &number)) {
        return false;
    }
    vm__assemble_function(unit)->name = number + 1;
    return true;
}

static bool assemble_body(struct vm__unit *unit, unsigned depth) {
    struct vm__assembler *assembler = unit->assembler;
    size_t count = vm__node_count(vm_held(assembler->vm, unit->node));
    for (size_t i = 2; i < count; i++) {
        tagged_value_t node = vm__node_item(vm_held(assembler->vm, unit->node), i);
        if (!body_form(unit, node, (uint32_t)i)) {
            return false;
        }
        if (vm_safepoint(assembler->vm) == VM_ERROR_OOM) {
            return vm__assemble_starved(assembler);
        }
    }
    return end_body(unit) && assemble_children(unit, depth);
}

static bool assemble_function(struct vm__assembler *assembler, struct vm__unit *parent, tagged_value_t node,
                              unsigned depth) {
    struct vm__unit unit = {.assembler = assembler, .parent = parent};
    struct cupel_allocator *a = assembler->vm->allocator;
    unit.node = vm_hold(assembler->vm, node);
    if (unit.node == 0) {
        return vm__assemble_starved(assembler);
    }
    bool is_done = begin_function(&unit, node, depth) && assemble_body(&unit, depth);
    if (is_done) {
        const struct vm__function *function = vm__assemble_function(&unit);
        if (function->name != 0) {
            vm__pool_at(&assembler->pool, function->name - 1)->is_used = true;
        }
        if (function->file != 0) {
            vm__pool_at(&assembler->pool, function->file - 1)->is_used = true;
        }
    }
    vm__list_free(&unit.fixes, a, sizeof(struct vm__fix));
    vm__list_free(&unit.children, a, sizeof(uint32_t));
    vm__list_free(&unit.closures, a, sizeof(struct vm__fix));
    vm_drop(assembler->vm, unit.node);
    return is_done;
}

static bool begin(struct vm__assembler *assembler, const char *file) {
    int64_t number = file == NULL ? 0 : vm__pool_name(&assembler->pool, file, strlen(file));
    assembler->file = file == NULL ? 0 : (uint32_t)number + 1;
    for (unsigned i = 1; number >= 0 && i < VM__OP_COUNT; i++) {
        number = vm__pool_name(&assembler->pool, vm__opcodes[i].name, strlen(vm__opcodes[i].name));
        assembler->opcode_names[i] = (uint32_t)number;
    }
    return number >= 0 || vm__assemble_starved(assembler);
}

/* The text: one function. */
static bool assemble_text(struct vm__assembler *assembler, const char *text, size_t length) {
    struct vm__reader reader;
    tagged_value_t node;
    tagged_value_t more = VM_UNDEFINED;
    vm__reader_init(&reader, assembler->vm, text, length, assembler->error);
    bool is_read = vm__read_node(&reader, &node) && (vm_is_same(node, VM_UNDEFINED) || vm__read_node(&reader, &more));
    assembler->is_starved = reader.is_starved;
    if (!is_read) {
        return false;
    }
    if (vm_is_same(node, VM_UNDEFINED)) {
        return cupel_error_set(assembler->error, reader.line, 1, "there is no (function NAME ...)");
    }
    if (vm__node_kind(node) != VM__NODE_LIST || vm__node_count(node) < 2 ||
        !vm__assemble_is(vm__node_item(node, 0), "function")) {
        return vm__assemble_fail(assembler, node, "(function NAME ...) is wanted");
    }
    if (!vm_is_same(more, VM_UNDEFINED)) {
        return vm__assemble_fail(assembler, more, "only one function can stand outside of all others");
    }
    return assemble_function(assembler, NULL, node, 0);
}

/* Bytes of just their length, for the caller to keep. */
static bool hand_over(struct vm__buffer *buffer, unsigned char **bytes, size_t *length) {
    unsigned char *copy = buffer->is_starved ? NULL : cupel_alloc(buffer->allocator, buffer->length, 1);
    if (copy != NULL) {
        memcpy(copy, buffer->data, buffer->length);
        *bytes = copy;
        *length = buffer->length;
    }
    vm__buffer_free(buffer);
    return copy != NULL;
}

vm_status vm_assemble(vm_t *vm, const char *text, size_t length_bytes, const char *file, unsigned char **image,
                      size_t *image_bytes, struct cupel_error *error) {
    struct cupel_error own = {.text = ""};
    struct vm__assembler assembler = {.vm = vm, .error = error == NULL ? &own : error};
    struct vm__buffer buffer = {.allocator = vm->allocator};
    *assembler.error = (struct cupel_error){""};
    vm__program_init(&assembler.program, vm->allocator);
    vm__pool_init(&assembler.pool, &assembler.program);
    bool is_done = begin(&assembler, file) && assemble_text(&assembler, text, length_bytes);
    if (is_done && !vm__pool_sort(&assembler.pool)) {
        is_done = vm__assemble_starved(&assembler);
    }
    if (is_done && !vm__verify(&assembler.program, assembler.error)) {
        is_done = false;
        assembler.is_starved = strcmp(assembler.error->text, "out of memory") == 0;
    }
    if (is_done && (!vm__image_write(&assembler.program, &buffer) || !hand_over(&buffer, image, image_bytes))) {
        is_done = vm__assemble_starved(&assembler);
    }
    vm__buffer_free(&buffer);
    vm__pool_deinit(&assembler.pool);
    vm__program_deinit(&assembler.program);
    return is_done ? VM_OK : assembler.is_starved ? VM_ERROR_OOM : VM_ERROR_IMAGE;
}

void vm_bytes_free(vm_t *vm, unsigned char *bytes, size_t length_bytes) {
    if (bytes != NULL) {
        cupel_free(vm->allocator, bytes, length_bytes, 1);
    }
}
