/* Instructions of the assembler's language. What an instruction's operands look like follows from their kinds in
 * vm/opcodes.def; nothing here knows one instruction from another. */
#include "vm/src/assembler.h"
#include "vm/src/text.h"

#include <stdio.h>

enum { OPCODE_SLOTS = 256 };

static unsigned hash_name(const char *name, size_t length) {
    unsigned hash = 0;
    for (size_t i = 0; i < length; i++) {
        hash = hash * 31 + (unsigned char)name[i];
    }
    return hash % OPCODE_SLOTS;
}

void vm__asm_opcodes_init(struct vm__assembler *assembler) {
    for (unsigned i = 1; i < VM__OP_COUNT; i++) {
        unsigned slot = hash_name(vm__opcodes[i].name, strlen(vm__opcodes[i].name));
        while (assembler->opcodes[slot] != 0) {
            slot = (slot + 1) % OPCODE_SLOTS;
        }
        assembler->opcodes[slot] = (uint8_t)i;
    }
}

enum vm__opcode vm__asm_opcode(const struct vm__assembler *assembler, const char *name, size_t length) {
    unsigned slot = hash_name(name, length);
    for (; assembler->opcodes[slot] != 0; slot = (slot + 1) % OPCODE_SLOTS) {
        const char *candidate = vm__opcodes[assembler->opcodes[slot]].name;
        if (strncmp(candidate, name, length) == 0 && candidate[length] == '\0') {
            break;
        }
    }
    return (enum vm__opcode)assembler->opcodes[slot];
}

/* r0 to r249. UINT32_MAX: no register's number; VM__REGISTERS_MAX: too large a one. */
static uint32_t numbered(struct vm__text name) {
    uint32_t number = 0;
    if (name.length < 2 || name.bytes[0] != 'r' || (name.length > 2 && name.bytes[1] == '0')) {
        return UINT32_MAX;
    }
    for (size_t i = 1; i < name.length; i++) {
        if (name.bytes[i] < '0' || name.bytes[i] > '9') {
            return UINT32_MAX;
        }
        number = number * 10 + (uint32_t)(name.bytes[i] - '0');
        number = number < VM__REGISTERS_MAX ? number : VM__REGISTERS_MAX;
    }
    return number;
}

static void touch(struct vm__level *level, uint32_t end) {
    level->touched = level->touched < end ? end : level->touched;
}

bool vm__asm_register(struct vm__assembler *assembler, struct vm__level *level, tagged_value_t value, uint32_t place,
                      uint32_t *number) {
    if (!vm_is(value, VM_TYPE_SYMBOL)) {
        return vm__asm_refuse(assembler, place, "a register must stand here");
    }
    *number = numbered(vm__text(vm_symbol_name(value)));
    if (*number == VM__REGISTERS_MAX) {
        return vm__asm_refuse(assembler, place, "registers are r0 to r249");
    }
    if (*number == UINT32_MAX) {
        if (!vm__asm_find(assembler, vm__asm_held(assembler, level, VM__HELD_NAMES), value, number)) {
            return false;
        }
        if (*number == UINT32_MAX) {
            return vm__asm_refuse(assembler, place, "no register has this name");
        }
    }
    touch(level, *number + 1);
    return true;
}

bool vm__asm_mark(struct vm__assembler *assembler, enum vm__held which, tagged_value_t name, uint32_t *mark) {
    struct vm__level *level = vm__asm_level(assembler);
    tagged_value_t table = vm__asm_held(assembler, level, which);
    if (vm_is(name, VM_TYPE_STRING)) {
        name = vm_mk_symbol(assembler->vm, vm_string_text(name), vm__text(name).length);
        if (vm_is_oom(name)) {
            return vm__asm_starve(assembler);
        }
    }
    if (!vm__asm_find(assembler, table, name, mark)) {
        return false;
    }
    if (*mark != UINT32_MAX) {
        return true;
    }
    *mark = level->marks.count;
    if (vm__list_push(&level->marks, assembler->allocator, sizeof(struct vm__mark)) == NULL) {
        return vm__asm_starve(assembler);
    }
    return vm__asm_set(assembler, table, name, *mark);
}

bool vm__asm_wish(struct vm__assembler *assembler, enum vm__wish_kind kind, uint32_t mark, uint32_t index,
                  uint32_t place) {
    struct vm__list *wishes = &vm__asm_level(assembler)->wishes;
    struct vm__wish *wish = vm__list_push(wishes, assembler->allocator, sizeof *wish);
    if (wish == NULL) {
        return vm__asm_starve(assembler);
    }
    *wish = (struct vm__wish){kind, mark, index, vm__asm_offset(assembler, place)};
    return true;
}

/* The number of a word in a list of words. Primitives are data of their own, but have words too. */
static bool pick(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, const char *const *words,
                 uint32_t count, const char *why, uint32_t *number) {
    for (*number = 0; *number < count; ++*number) {
        bool is_primitive = false;
        for (uint32_t i = 0; i < VM__PRIMITIVE_COUNT; i++) {
            is_primitive = is_primitive ||
                           (vm_is_same(value, VM__IMMEDIATE(i)) && strcmp(words[*number], vm__primitive_names[i]) == 0);
        }
        if (is_primitive || vm__asm_is_word(value, words[*number])) {
            return true;
        }
    }
    return vm__asm_refuse(assembler, place, why);
}

static bool encode_label(struct vm__assembler *assembler, enum vm__wish_kind kind, tagged_value_t value, uint32_t place,
                         uint32_t index) {
    uint32_t mark = 0;
    if (!vm_is(value, VM_TYPE_SYMBOL)) {
        return vm__asm_refuse(assembler, place, "a label must stand here");
    }
    return vm__asm_mark(assembler, VM__HELD_LABELS, value, &mark) && vm__asm_wish(assembler, kind, mark, index, place);
}

static bool encode_function(struct vm__assembler *assembler, tagged_value_t value, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    uint32_t mark = 0;
    int64_t number = 0;
    if (vm_is(value, VM_TYPE_SYMBOL) || vm_is(value, VM_TYPE_STRING)) {
        return vm__asm_mark(assembler, VM__HELD_FUNCTIONS, value, &mark) &&
               vm__asm_wish(assembler, VM__WISH_FUNCTION, mark, level->code.count, place);
    }
    return vm__asm_integer(assembler, value, place, 0, VM__TABLE_MAX - 1, &number) &&
           vm__asm_wish(assembler, VM__WISH_CHILD, (uint32_t)number, level->code.count, place);
}

/* A capture by number, or by the name of the register that it is of. */
static bool encode_capture(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, uint32_t *bits) {
    int64_t number;
    if (vm_is(value, VM_TYPE_SYMBOL)) {
        if (!vm__asm_find(assembler, vm__asm_held(assembler, vm__asm_level(assembler), VM__HELD_CAPTURES), value,
                          bits)) {
            return false;
        }
        return *bits != UINT32_MAX || vm__asm_refuse(assembler, place, "no capture has this name");
    }
    bool is_number = vm__asm_integer(assembler, value, place, 0, UINT8_MAX, &number);
    *bits = is_number ? (uint32_t)number : 0;
    return is_number;
}

/* An operand that is a number, cut to its bits. */
static bool encode_number(struct vm__assembler *assembler, enum vm__operand kind, tagged_value_t value, uint32_t place,
                          uint32_t *bits) {
    static const struct {
        int64_t min, max;
    } ranges[] = {[VM__COUNT] = {0, VM__REGISTERS_MAX - 1},
                  [VM__NUMBER8] = {0, UINT8_MAX},
                  [VM__INTEGER8] = {INT8_MIN, INT8_MAX},
                  [VM__INTEGER16] = {INT16_MIN, INT16_MAX}};
    int64_t number = 0;
    bool is_good = vm__asm_integer(assembler, value, place, ranges[kind].min, ranges[kind].max, &number);
    *bits = (uint32_t)(uint64_t)number & (kind == VM__INTEGER16 ? UINT16_MAX : UINT8_MAX);
    return is_good;
}

/* One operand: its bits, not yet in their place. What only the end of the function tells is left zero. */
static bool encode(struct vm__assembler *assembler, enum vm__operand kind, tagged_value_t value, uint32_t place,
                   uint32_t *bits) {
    static const char *const flags[] = {"false", "true"};
    struct vm__level *level = vm__asm_level(assembler);
    *bits = 0;
    switch (kind) {
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        return vm__asm_register(assembler, level, value, place, bits);
    case VM__COUNT:
    case VM__NUMBER8:
    case VM__INTEGER8:
    case VM__INTEGER16:
        return encode_number(assembler, kind, value, place, bits);
    case VM__FLAG:
        return pick(assembler, value, place, flags, 2, "true or false must stand here", bits);
    case VM__PRIMITIVE:
        return pick(assembler, value, place, vm__primitive_names, VM__PRIMITIVE_COUNT,
                    "nil, false, true or undefined must stand here", bits);
    case VM__KIND:
        return pick(assembler, value, place, vm__kind_names, VM__KIND_COUNT, "there is no such type", bits);
    case VM__CAPTURE:
        return encode_capture(assembler, value, place, bits);
    case VM__CONSTANT16:
        return vm__pool_constant(assembler, value, place, bits) && (vm__pool_use(assembler, *bits), true);
    case VM__GLOBAL16:
        return vm__pool_import(assembler, value, place, bits);
    case VM__FUNCTION16:
        return encode_function(assembler, value, place);
    case VM__JUMP16:
        return encode_label(assembler, VM__WISH_JUMP16, value, place, level->code.count);
    case VM__JUMP24:
        return encode_label(assembler, VM__WISH_JUMP24, value, place, level->code.count);
    case VM__EMPTY:
        break;
    }
    return true;
}

/* A word goes into the code. */
static bool emit(struct vm__assembler *assembler, uint32_t word, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    uint32_t *code = vm__list_push(&level->code, assembler->allocator, sizeof *code);
    uint32_t *offset = vm__list_push(&level->offsets, assembler->allocator, sizeof *offset);
    if (code == NULL || offset == NULL) {
        return vm__asm_starve(assembler);
    }
    *code = word;
    *offset = vm__asm_offset(assembler, place);
    return true;
}

/* From the next word on the line is another. */
static bool set_line(struct vm__assembler *assembler, uint32_t number) {
    struct vm__level *level = vm__asm_level(assembler);
    if (level->lines.count > 0 && VM__AT(struct vm__line, &level->lines, level->lines.count - 1)->line == number) {
        return true;
    }
    struct vm__line *line = vm__list_push(&level->lines, assembler->allocator, sizeof *line);
    if (line == NULL) {
        return vm__asm_starve(assembler);
    }
    *line = (struct vm__line){level->code.count, number};
    return true;
}

/* The line of the instruction there: what the text says, or where in the text it stands. Forms come in its order. */
static bool mark_line(struct vm__assembler *assembler, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    if (level->mode != VM__LINES_OF_TEXT) {
        return level->mode == VM__LINES_NONE || set_line(assembler, level->line);
    }
    uint32_t offset = vm__asm_offset(assembler, place);
    const char *at = assembler->reader.begin + assembler->line_offset, *end = assembler->reader.begin + offset;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        assembler->line++;
        at++;
    }
    assembler->line_offset = offset;
    return set_line(assembler, assembler->line);
}

/* The registers that no operand names. */
static void touch_span(struct vm__level *level, uint32_t word, const struct vm__span *span) {
    if (span->operand != 0) {
        uint32_t counted = span->counter != 0 ? vm__operand_bits(word, span->counter) : 0;
        touch(level, vm__operand_bits(word, span->operand) + span->offset + span->count + counted);
    }
}

/* The second word: a jump to a label, or a constant. */
static bool assemble_second(struct vm__assembler *assembler, const struct vm__opcode_info *info, struct vm__form *form,
                            uint32_t word_place) {
    tagged_value_t value;
    uint32_t place, bits = VM__OP_JMP;
    if (vm__words(info) == 1) {
        return true;
    }
    if (!vm__asm_take(assembler, form, &value, &place, "an operand is missing")) {
        return false;
    }
    bool is_encoded = (info->traits & VM__PAIR) != 0
                          ? encode_label(assembler, VM__WISH_JUMP24, value, place, vm__asm_level(assembler)->code.count)
                          : encode(assembler, VM__CONSTANT16, value, place, &bits);
    return is_encoded && emit(assembler, bits, word_place);
}

bool vm__asm_instruction(struct vm__assembler *assembler, enum vm__opcode opcode, struct vm__form *form,
                         uint32_t word_place) {
    const struct vm__opcode_info *info = &vm__opcodes[opcode];
    struct vm__level *level = vm__asm_level(assembler);
    uint32_t word = opcode;
    if ((info->traits & VM__INNER) != 0) {
        return vm__asm_refuse(assembler, word_place, "no program may have this instruction");
    }
    if (level->code.count + vm__words(info) > VM__CODE_MAX) {
        return vm__asm_refuse(assembler, word_place, "a function has at most 1048576 words");
    }
    if (!mark_line(assembler, word_place)) {
        return false;
    }
    for (unsigned i = 0; i < 3 && info->operands[i] != VM__EMPTY; i++) {
        enum vm__operand kind = (enum vm__operand)info->operands[i];
        tagged_value_t value;
        uint32_t place, bits;
        if (!vm__asm_take(assembler, form, &value, &place, "an operand is missing") ||
            !encode(assembler, kind, value, place, &bits)) {
            return false;
        }
        word |= bits << 8 * (i + 1);
        if (kind >= VM__INTEGER16) {
            break; /* it takes the rest of the word */
        }
    }
    touch_span(level, word, &info->reads);
    touch_span(level, word, &info->writes);
    return emit(assembler, word, word_place) && assemble_second(assembler, info, form, word_place) &&
           vm__asm_ends(assembler, form);
}

/* What a wish is for: a word of this function, or another function's number. */
static bool look_up(struct vm__assembler *assembler, const struct vm__wish *wish, uint32_t *value) {
    struct vm__level *level = vm__asm_level(assembler);
    bool is_function = wish->kind == VM__WISH_FUNCTION;
    *value = wish->mark;
    if (wish->kind != VM__WISH_CHILD) {
        const struct vm__mark *mark = VM__AT(struct vm__mark, &level->marks, wish->mark);
        if (mark->definitions == 0) {
            return vm__asm_refuse_at(assembler, wish->offset,
                                     is_function ? "no function with this name is nested in this one"
                                                 : "this function has no such label");
        }
        if (is_function && mark->definitions > 1) {
            return vm__asm_refuse_at(assembler, wish->offset,
                                     "more than one function has this name: say which by its number, from 0");
        }
        *value = mark->value;
    }
    if (wish->kind < VM__WISH_FUNCTION) {
        return true;
    }
    if (*value >= level->children.count) {
        return vm__asm_refuse_at(assembler, wish->offset, "there are not so many functions nested in this one");
    }
    struct vm__child *child = VM__AT(struct vm__child, &level->children, *value);
    child->is_used = true;
    *value = child->number;
    return true;
}

bool vm__asm_grant(struct vm__assembler *assembler) {
    struct vm__level *level = vm__asm_level(assembler);
    for (uint32_t i = 0; i < level->wishes.count; i++) {
        const struct vm__wish *wish = VM__AT(struct vm__wish, &level->wishes, i);
        uint32_t value;
        if (!look_up(assembler, wish, &value)) {
            return false;
        }
        bool is_handlers = wish->kind >= VM__WISH_START && wish->kind <= VM__WISH_TARGET;
        uint32_t *word = is_handlers ? NULL : VM__AT(uint32_t, &level->code, wish->index);
        struct vm__handler *handler = is_handlers ? VM__AT(struct vm__handler, &level->handlers, wish->index) : NULL;
        int64_t distance = (int64_t)value - wish->index - 1;
        switch (wish->kind) {
        case VM__WISH_JUMP16:
            if (distance < INT16_MIN || distance > INT16_MAX) {
                return vm__asm_refuse_at(assembler, wish->offset, "this label is too far away");
            }
            *word |= (uint32_t)(uint64_t)distance << 16;
            break;
        case VM__WISH_JUMP24:
            *word |= (uint32_t)(uint64_t)distance << 8;
            break;
        case VM__WISH_START:
            handler->start = value;
            break;
        case VM__WISH_END:
            handler->end = value;
            break;
        case VM__WISH_TARGET:
            handler->target = value;
            break;
        case VM__WISH_FUNCTION:
        case VM__WISH_CHILD:
            *word |= value << 16;
            break;
        }
    }
    return true;
}
