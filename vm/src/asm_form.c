/* Clauses of the assembler's language: forms that are no instructions. Each is a row of the table at the end. */
#include "vm/src/assembler.h"
#include "vm/src/text.h"

#include <stdlib.h>

/* Clauses that may stand in a function once. */
enum clause { CLAUSE_FILE, CLAUSE_ARGUMENTS, CLAUSE_OPTIONAL, CLAUSE_REST, CLAUSE_REGISTERS, CLAUSE_CAPTURES };

static bool is_first(struct vm__assembler *assembler, enum clause clause, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    bool is_first = (level->clauses >> clause & 1) == 0;
    level->clauses |= 1u << clause;
    return is_first || vm__asm_refuse(assembler, place, "this stands in the function for the second time");
}

/* A name, a symbol or a string: its number and one; nil: 0. */
static bool take_name(struct vm__assembler *assembler, struct vm__form *form, const char *what, uint32_t *number) {
    tagged_value_t value;
    uint32_t place;
    struct vm__text text;
    *number = 0;
    if (!vm__asm_take(assembler, form, &value, &place, what)) {
        return false;
    }
    if (vm_is_same(value, VM_NIL)) {
        return true;
    }
    if (!vm__asm_name(value, &text)) {
        return vm__asm_refuse(assembler, place, what);
    }
    if (!vm__pool_string(assembler, text.bytes, text.length, number)) {
        return false;
    }
    ++*number;
    return true;
}

/* (file NAME), or (file): nobody knows. */
static bool clause_file(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    if (level->code.count > 0 || level->children.count > 0) {
        return vm__asm_refuse(assembler, place, "this must stand before instructions and nested functions");
    }
    level->function.file = 0;
    return is_first(assembler, CLAUSE_FILE, place) &&
           (!vm__asm_has_more(form) ||
            take_name(assembler, form, "the file's name must stand here", &level->function.file));
}

static bool take_count(struct vm__assembler *assembler, struct vm__form *form, uint32_t place, enum clause clause,
                       int64_t max, uint8_t *count) {
    int64_t number;
    if (!is_first(assembler, clause, place) || !vm__asm_take_integer(assembler, form, 0, max, &number)) {
        return false;
    }
    *count = (uint8_t)number;
    return true;
}

static bool clause_arguments(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    return take_count(assembler, form, place, CLAUSE_ARGUMENTS, VM__REGISTERS_MAX,
                      &vm__asm_level(assembler)->function.arity);
}

static bool clause_optional(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    return take_count(assembler, form, place, CLAUSE_OPTIONAL, VM__REGISTERS_MAX,
                      &vm__asm_level(assembler)->function.optional);
}

static bool clause_rest(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    (void)form;
    vm__asm_level(assembler)->function.has_rest = true;
    return is_first(assembler, CLAUSE_REST, place);
}

static bool clause_registers(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    return take_count(assembler, form, place, CLAUSE_REGISTERS, VM__REGISTERS_MAX,
                      &vm__asm_level(assembler)->function.registers);
}

/* r and digits: always a register's number. */
static bool looks_numbered(tagged_value_t symbol) {
    struct vm__text name = vm__text(vm_symbol_name(symbol));
    return name.length > 1 && name.bytes[0] == 'r' && name.bytes[1] >= '0' && name.bytes[1] <= '9';
}

static bool clause_names(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    tagged_value_t table = vm__asm_held(assembler, level, VM__HELD_NAMES), name;
    while (vm__asm_has_more(form)) {
        uint32_t number;
        if (!vm__asm_take(assembler, form, &name, &place, "")) {
            return false;
        }
        if (!vm_is(name, VM_TYPE_SYMBOL) || looks_numbered(name)) {
            return vm__asm_refuse(assembler, place, "a name that is no register's number must stand here");
        }
        if (level->named == VM__REGISTERS_MAX) {
            return vm__asm_refuse(assembler, place, "a function has at most 250 registers");
        }
        if (!vm__asm_find(assembler, table, name, &number)) {
            return false;
        }
        if (number != UINT32_MAX) {
            return vm__asm_refuse(assembler, place, "another register has this name");
        }
        if (!vm__asm_set(assembler, table, name, level->named++)) {
            return false;
        }
    }
    return true;
}

/* What a capture is of: a register of the enclosing function, or the number of one of its captures. */
static bool take_capture(struct vm__assembler *assembler, struct vm__form *form, struct vm__capture *capture) {
    struct vm__level *level = vm__asm_level(assembler);
    tagged_value_t value;
    uint32_t place, number;
    int64_t index;
    if (!vm__asm_take(assembler, form, &value, &place, "")) {
        return false;
    }
    if (vm_is_integer(value)) {
        bool is_good = vm__asm_integer(assembler, value, place, 0, UINT8_MAX, &index);
        *capture = (struct vm__capture){.is_capture = 1, .index = is_good ? (uint8_t)index : 0};
        return is_good;
    }
    if (!vm__asm_register(assembler, level - 1, value, place, &number)) {
        return false;
    }
    capture->index = (uint8_t)number;
    return looks_numbered(value) ||
           vm__asm_set(assembler, vm__asm_held(assembler, level, VM__HELD_CAPTURES), value, level->captures.count - 1);
}

static bool clause_captures(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    if (assembler->depth == 1) {
        return vm__asm_refuse(assembler, place, "nothing encloses the first function");
    }
    if (!is_first(assembler, CLAUSE_CAPTURES, place)) {
        return false;
    }
    while (vm__asm_has_more(form)) {
        if (level->captures.count == UINT8_MAX + 1) {
            return vm__asm_refuse(assembler, form->place, "a function has at most 256 captures");
        }
        if (vm__list_push(&level->captures, assembler->allocator, sizeof(struct vm__capture)) == NULL) {
            return vm__asm_starve(assembler);
        }
        if (!take_capture(assembler, form, VM__AT(struct vm__capture, &level->captures, level->captures.count - 1))) {
            return false;
        }
    }
    return true;
}

/* (handler FROM TO TARGET REGISTER) */
static bool clause_handler(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    static const enum vm__wish_kind kinds[] = {VM__WISH_START, VM__WISH_END, VM__WISH_TARGET};
    static const char what[] = "three labels and a register must stand here";
    struct vm__level *level = vm__asm_level(assembler);
    uint32_t index = level->handlers.count, number;
    if (index == VM__TABLE_MAX) {
        return vm__asm_refuse(assembler, place, "a function has at most 65536 handlers");
    }
    if (vm__list_push(&level->handlers, assembler->allocator, sizeof(struct vm__handler)) == NULL) {
        return vm__asm_starve(assembler);
    }
    tagged_value_t value;
    for (unsigned i = 0; i < 3; i++) {
        if (!vm__asm_take(assembler, form, &value, &place, what)) {
            return false;
        }
        if (!vm_is(value, VM_TYPE_SYMBOL)) {
            return vm__asm_refuse(assembler, place, what);
        }
        if (!vm__asm_mark(assembler, VM__HELD_LABELS, value, &number) ||
            !vm__asm_wish(assembler, kinds[i], number, index, place)) {
            return false;
        }
    }
    if (!vm__asm_take(assembler, form, &value, &place, what) ||
        !vm__asm_register(assembler, level, value, place, &number)) {
        return false;
    }
    VM__AT(struct vm__handler, &level->handlers, index)->reg = (uint8_t)number;
    return true;
}

/* (line N) says the line of what follows, (line) that it has none. */
static bool clause_line(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    int64_t number = 0;
    (void)place;
    level->mode = vm__asm_has_more(form) ? VM__LINES_SAID : VM__LINES_NONE;
    if (level->mode == VM__LINES_SAID && !vm__asm_take_integer(assembler, form, 0, INT32_MAX, &number)) {
        return false;
    }
    level->line = (uint32_t)number;
    return true;
}

/* (constant NAME DATUM) */
static bool clause_constant(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    static const char what[] = "a name and a constant must stand here";
    tagged_value_t name, value, table = vm_held(assembler->vm, assembler->constants);
    uint32_t number;
    if (!vm__asm_take(assembler, form, &name, &place, what)) {
        return false;
    }
    if (!vm_is(name, VM_TYPE_SYMBOL)) {
        return vm__asm_refuse(assembler, place, what);
    }
    if (!vm__asm_find(assembler, table, name, &number)) {
        return false;
    }
    if (number != UINT32_MAX) {
        return vm__asm_refuse(assembler, place, "another constant has this name");
    }
    return vm__asm_take(assembler, form, &value, &place, what) && vm__pool_constant(assembler, value, place, &number) &&
           vm__asm_set(assembler, table, name, number);
}

static bool clause_function(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    return vm__asm_open(assembler, form, place);
}

static const struct {
    const char *word;
    bool (*assemble)(struct vm__assembler *assembler, struct vm__form *form, uint32_t place);
} clauses[] = {
    {"function", clause_function},   {"line", clause_line},           {"constant", clause_constant},
    {"registers", clause_registers}, {"arguments", clause_arguments}, {"optional", clause_optional},
    {"rest", clause_rest},           {"names", clause_names},         {"captures", clause_captures},
    {"handler", clause_handler},     {"file", clause_file},
};

bool vm__asm_clause(struct vm__assembler *assembler, tagged_value_t word, struct vm__form *form, uint32_t place) {
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++) {
        if (vm__asm_is_word(word, clauses[i].word)) {
            return clauses[i].assemble(assembler, form, place) &&
                   (clauses[i].assemble == clause_function || vm__asm_ends(assembler, form));
        }
    }
    return vm__asm_refuse(assembler, place, "there is no such instruction");
}

/* A new level: what it keeps in the heap is one array. */
static bool push_level(struct vm__assembler *assembler, uint32_t offset) {
    struct vm__level *level = &assembler->levels[assembler->depth];
    struct vm__level *parent = assembler->depth > 0 ? level - 1 : NULL;
    tagged_value_t held = vm_mk_array(assembler->vm, VM__HELD_COUNT);
    for (unsigned i = VM__HELD_NAMES; i < VM__HELD_COUNT && !vm_is_oom(held); i++) {
        tagged_value_t table = vm_mk_table(assembler->vm, 0);
        if (vm_is_oom(table)) {
            held = table;
        } else {
            vm_set(held, i, table);
        }
    }
    vm_handle handle = vm_is_oom(held) ? 0 : vm_hold(assembler->vm, held);
    if (handle == 0) {
        return vm__asm_starve(assembler);
    }
    assembler->depth++;
    level->held = handle;
    level->number = assembler->program.functions.count;
    level->offset = offset;
    level->function = (struct vm__function){.parent = parent == NULL ? VM__NO_FUNCTION : (uint16_t)parent->number,
                                            .file = parent == NULL ? 0 : parent->function.file};
    level->mode = VM__LINES_OF_TEXT;
    level->code.count = level->offsets.count = level->lines.count = level->handlers.count = 0;
    level->captures.count = level->marks.count = level->wishes.count = level->children.count = 0;
    level->named = level->touched = level->clauses = 0;
    if (vm__list_push(&assembler->program.functions, assembler->allocator, sizeof(struct vm__function)) == NULL) {
        return vm__asm_starve(assembler);
    }
    return true;
}

/* The enclosing function knows the nested one by its number, and by its name. */
static bool add_child(struct vm__assembler *assembler, tagged_value_t name, uint32_t offset) {
    struct vm__level *level = vm__asm_level(assembler);
    struct vm__child *child = vm__list_push(&level->children, assembler->allocator, sizeof *child);
    uint32_t number;
    if (child == NULL) {
        return vm__asm_starve(assembler);
    }
    *child = (struct vm__child){.number = assembler->program.functions.count, .offset = offset};
    if (vm_is_same(name, VM_NIL)) {
        return true;
    }
    if (!vm__asm_mark(assembler, VM__HELD_FUNCTIONS, name, &number)) {
        return false;
    }
    struct vm__mark *mark = VM__AT(struct vm__mark, &level->marks, number);
    mark->value = level->children.count - 1;
    mark->definitions++;
    return true;
}

bool vm__asm_open(struct vm__assembler *assembler, struct vm__form *form, uint32_t place) {
    uint32_t offset = vm__asm_offset(assembler, place), name;
    tagged_value_t word = vm__asm_has_more(form) ? vm_get(form->rest, 0) : VM_NIL;
    if (!take_name(assembler, form, "the function's name, or nil, must stand here", &name)) {
        return false;
    }
    if (assembler->depth == VM__NESTING_MAX) {
        return vm__asm_refuse(assembler, place, "functions are nested too deep");
    }
    if (assembler->program.functions.count == VM__TABLE_MAX - 1) {
        return vm__asm_refuse(assembler, place, "there are more than 65535 functions");
    }
    if ((assembler->depth > 0 && !add_child(assembler, word, offset)) || !push_level(assembler, offset)) {
        return false;
    }
    struct vm__level *level = vm__asm_level(assembler);
    level->function.name = name;
    if (assembler->depth == 1 && assembler->file != NULL) {
        if (!vm__pool_string(assembler, assembler->file, strlen(assembler->file), &level->function.file)) {
            return false;
        }
        level->function.file++;
    }
    level->place = form->place;
    vm_set(vm_held(assembler->vm, level->held), VM__HELD_REST, form->rest);
    return true;
}

static int compare_handlers(const void *a, const void *b) {
    const struct vm__handler *first = a, *second = b;
    return first->start != second->start ? (first->start > second->start) - (first->start < second->start)
                                         : (first->end < second->end) - (first->end > second->end);
}

/* A function's table goes behind those of the others. */
static bool append(struct vm__assembler *assembler, struct vm__list *to, const struct vm__list *from, size_t item_bytes,
                   struct vm__range *range) {
    *range = (struct vm__range){to->count, from->count};
    size_t needed = (size_t)to->count + from->count, doubled = (size_t)to->capacity * 2;
    if (needed > to->capacity &&
        !vm__list_reserve(to, assembler->allocator, item_bytes, needed > doubled ? needed : doubled)) {
        return vm__asm_starve(assembler);
    }
    if (from->count > 0) {
        memcpy((char *)to->items + to->count * item_bytes, from->items, from->count * item_bytes);
        to->count += from->count;
    }
    return true;
}

bool vm__asm_close(struct vm__assembler *assembler) {
    struct vm__level *level = vm__asm_level(assembler);
    struct vm__program *program = &assembler->program;
    struct vm__function *function = &level->function;
    struct vm__range offsets;
    if (!vm__asm_grant(assembler)) {
        return false;
    }
    if (level->code.count == 0) {
        return vm__asm_refuse_at(assembler, level->offset, "this function has no instructions");
    }
    for (uint32_t i = 0; i < level->children.count; i++) {
        const struct vm__child *child = VM__AT(struct vm__child, &level->children, i);
        if (!child->is_used) {
            return vm__asm_refuse_at(assembler, child->offset, "nothing makes a closure of this function");
        }
    }
    unsigned arguments = (unsigned)function->arity + function->optional + function->has_rest;
    if ((level->clauses >> CLAUSE_REGISTERS & 1) == 0) {
        uint32_t registers = level->touched > arguments ? level->touched : arguments;
        if (registers > VM__REGISTERS_MAX) {
            return vm__asm_refuse_at(assembler, level->offset, "this function has more than 250 registers");
        }
        function->registers = (uint8_t)registers;
    }
    if (level->handlers.count > 0) {
        qsort(level->handlers.items, level->handlers.count, sizeof(struct vm__handler), compare_handlers);
    }
    if (!append(assembler, &program->captures, &level->captures, sizeof(struct vm__capture), &function->captures) ||
        !append(assembler, &program->handlers, &level->handlers, sizeof(struct vm__handler), &function->handlers) ||
        !append(assembler, &program->lines, &level->lines, sizeof(struct vm__line), &function->lines) ||
        !append(assembler, &assembler->offsets, &level->offsets, sizeof(uint32_t), &offsets) ||
        !append(assembler, &program->code, &level->code, sizeof(uint32_t), &function->code)) {
        return false;
    }
    *VM__AT(struct vm__function, &program->functions, level->number) = *function;
    vm_drop(assembler->vm, level->held);
    assembler->depth--;
    return true;
}

void vm__asm_level_free(struct vm__assembler *assembler, struct vm__level *level) {
    struct cupel_allocator *allocator = assembler->allocator;
    vm__list_free(&level->code, allocator, sizeof(uint32_t));
    vm__list_free(&level->offsets, allocator, sizeof(uint32_t));
    vm__list_free(&level->lines, allocator, sizeof(struct vm__line));
    vm__list_free(&level->handlers, allocator, sizeof(struct vm__handler));
    vm__list_free(&level->captures, allocator, sizeof(struct vm__capture));
    vm__list_free(&level->marks, allocator, sizeof(struct vm__mark));
    vm__list_free(&level->wishes, allocator, sizeof(struct vm__wish));
    vm__list_free(&level->children, allocator, sizeof(struct vm__child));
}
