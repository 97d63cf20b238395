/* The pools of the assembler: each string and each constant is in the image once. While the text is read they are
 * numbered as they come; at the end those that are used are sorted, and all numbers in code and tables become the final
 * ones. */
#include "vm/src/assembler.h"
#include "vm/src/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

uint32_t vm__index_find(const struct vm__index *index, uint32_t hash, vm__index_equal *is_equal, const void *context) {
    uint32_t mask = index->slots.count - 1;
    for (uint32_t slot = hash & mask; index->slots.count > 0; slot = (slot + 1) & mask) {
        uint32_t number = *VM__AT(uint32_t, &index->slots, slot);
        if (number == 0) {
            break;
        }
        if (*VM__AT(uint32_t, &index->hashes, number - 1) == hash && is_equal(context, number - 1)) {
            return number - 1;
        }
    }
    return UINT32_MAX;
}

static void insert(struct vm__index *index, uint32_t number) {
    uint32_t mask = index->slots.count - 1, slot = *VM__AT(uint32_t, &index->hashes, number) & mask;
    while (*VM__AT(uint32_t, &index->slots, slot) != 0) {
        slot = (slot + 1) & mask;
    }
    *VM__AT(uint32_t, &index->slots, slot) = number + 1;
}

bool vm__index_add(struct vm__index *index, struct cupel_allocator *allocator, uint32_t hash) {
    uint32_t *added = vm__list_push(&index->hashes, allocator, sizeof *added);
    if (added == NULL) {
        return false;
    }
    *added = hash;
    if (index->hashes.count <= index->slots.count / 2) {
        insert(index, index->hashes.count - 1);
        return true;
    }
    uint32_t slots = index->slots.count == 0 ? FIRST_SLOTS : index->slots.count * 2;
    if (!vm__list_reserve(&index->slots, allocator, sizeof(uint32_t), slots)) {
        return false;
    }
    index->slots.count = slots;
    memset(index->slots.items, 0, slots * sizeof(uint32_t));
    for (uint32_t i = 0; i < index->hashes.count; i++) {
        insert(index, i);
    }
    return true;
}

void vm__index_free(struct vm__index *index, struct cupel_allocator *allocator) {
    vm__list_free(&index->slots, allocator, sizeof(uint32_t));
    vm__list_free(&index->hashes, allocator, sizeof(uint32_t));
}

/* A text that is looked for among the strings. */
struct wanted_string {
    const struct vm__pools *pools;
    const char *text;
    size_t length;
};

static bool is_string(const void *context, uint32_t number) {
    const struct wanted_string *wanted = context;
    const struct vm__pooled_string *string = VM__AT(struct vm__pooled_string, &wanted->pools->strings, number);
    return string->length == wanted->length &&
           (wanted->length == 0 ||
            memcmp(wanted->pools->bytes.data + string->offset, wanted->text, wanted->length) == 0);
}

static struct vm__pooled_string *string_at(const struct vm__pools *pools, uint32_t number) {
    return VM__AT(struct vm__pooled_string, &pools->strings, number);
}

bool vm__pool_string(struct vm__assembler *assembler, const char *text, size_t length, uint32_t *number) {
    struct vm__pools *pools = &assembler->pools;
    const struct wanted_string wanted = {pools, text, length};
    uint32_t hash = vm__text_hash(assembler->vm, text, length);
    *number = vm__index_find(&pools->string_index, hash, is_string, &wanted);
    if (*number != UINT32_MAX) {
        return true;
    }
    *number = pools->strings.count;
    struct vm__pooled_string *string = vm__list_push(&pools->strings, assembler->allocator, sizeof *string);
    if (string == NULL || !vm__index_add(&pools->string_index, assembler->allocator, hash)) {
        return vm__asm_starve(assembler);
    }
    *string = (struct vm__pooled_string){.offset = pools->bytes.length, .length = (uint32_t)length};
    vm__buffer_add(&pools->bytes, text, length);
    return !pools->bytes.is_starved || vm__asm_starve(assembler);
}

bool vm__pool_import(struct vm__assembler *assembler, tagged_value_t symbol, uint32_t place, uint32_t *number) {
    struct vm__list *imports = &assembler->program.imports;
    struct vm__text name;
    uint32_t string;
    if (!vm__asm_name(symbol, &name)) {
        return vm__asm_refuse(assembler, place, "the name of a global must stand here");
    }
    if (!vm__pool_string(assembler, name.bytes, name.length, &string)) {
        return false;
    }
    struct vm__pooled_string *pooled = string_at(&assembler->pools, string);
    if (pooled->import == 0) {
        if (imports->count == VM__TABLE_MAX) {
            return vm__asm_refuse(assembler, place, "there are more than 65536 globals");
        }
        uint32_t *import = vm__list_push(imports, assembler->allocator, sizeof *import);
        if (import == NULL) {
            return vm__asm_starve(assembler);
        }
        *import = string;
        pooled->import = imports->count;
    }
    *number = pooled->import - 1;
    return true;
}

/* A constant that is looked for; its elements, where it is an array, are at `elements`. */
struct wanted_constant {
    const struct vm__program *program;
    const struct vm__constant *constant;
    const uint32_t *elements;
};

static bool is_constant(const void *context, uint32_t number) {
    const struct wanted_constant *wanted = context;
    const struct vm__constant *other = VM__AT(struct vm__constant, &wanted->program->constants, number);
    if (other->kind != wanted->constant->kind || other->count != wanted->constant->count) {
        return false;
    }
    if (other->kind != VM__CONSTANT_ARRAY) {
        return other->bits == wanted->constant->bits;
    }
    assert(other->count == 0 || wanted->elements != NULL); /* as many as are wanted */
    return other->count == 0 || memcmp(VM__AT(uint32_t, &wanted->program->elements, other->bits), wanted->elements,
                                       other->count * sizeof(uint32_t)) == 0;
}

/* The number of a constant, which is added where it is new. An array's elements are then copied. */
static bool intern(struct vm__assembler *assembler, const struct vm__constant *constant, const uint32_t *elements,
                   uint32_t place, uint32_t *number) {
    struct vm__program *program = &assembler->program;
    struct vm__pools *pools = &assembler->pools;
    const struct wanted_constant wanted = {program, constant, elements};
    bool is_array = constant->kind == VM__CONSTANT_ARRAY;
    const uint32_t count = is_array ? constant->count : 0;
    assert(count == 0 || elements != NULL);
    const void *content = is_array ? (const void *)elements : &constant->bits;
    size_t length = is_array ? count * sizeof *elements : sizeof constant->bits;
    uint32_t hash = vm__text_hash(assembler->vm, content, length) + constant->kind;
    *number = vm__index_find(&pools->constant_index, hash, is_constant, &wanted);
    if (*number != UINT32_MAX) {
        return true;
    }
    *number = program->constants.count;
    if (*number == VM__TABLE_MAX) {
        return vm__asm_refuse(assembler, place, "there are more than 65536 constants");
    }
    struct vm__constant *added = vm__list_push(&program->constants, assembler->allocator, sizeof *added);
    if (added == NULL || vm__list_push(&pools->used, assembler->allocator, sizeof(uint8_t)) == NULL ||
        !vm__index_add(&pools->constant_index, assembler->allocator, hash)) {
        return vm__asm_starve(assembler);
    }
    *added = *constant;
    added->bits = is_array ? program->elements.count : constant->bits;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *element = vm__list_push(&program->elements, assembler->allocator, sizeof *element);
        if (element == NULL) {
            return vm__asm_starve(assembler);
        }
        *element = elements[i];
    }
    return true;
}

void vm__pool_use(struct vm__assembler *assembler, uint32_t number) {
    *VM__AT(uint8_t, &assembler->pools.used, number) = 1;
}

/* An array, or what is quoted, within a constant. */
struct part {
    tagged_value_t array;
    size_t at;      /* the next element */
    uint32_t place; /* and its place */
    uint32_t first; /* of its elements among those that are pending */
    uint8_t depth;
    bool is_quoted;
};

static bool intern_text(struct vm__assembler *assembler, tagged_value_t text, enum vm__constant_kind kind,
                        uint32_t place, uint32_t *number) {
    struct vm__text bytes = vm__text(kind == VM__CONSTANT_SYMBOL ? vm_symbol_name(text) : text);
    uint32_t string;
    struct vm__constant constant = {.kind = (uint8_t)kind};
    if (!vm__pool_string(assembler, bytes.bytes, bytes.length, &string)) {
        return false;
    }
    constant.bits = string;
    return intern(assembler, &constant, NULL, place, number);
}

/* A constant without elements. */
static bool intern_atom(struct vm__assembler *assembler, tagged_value_t value, bool is_quoted, uint32_t place,
                        uint32_t *number) {
    struct vm__constant constant = {.kind = VM__CONSTANT_INTEGER};
    if (vm_is_integer(value)) {
        constant.bits = (uint64_t)vm_integer(value);
        return intern(assembler, &constant, NULL, place, number);
    }
    if (vm_is_double(value)) {
        double content = vm_double(value);
        constant.kind = VM__CONSTANT_DOUBLE;
        memcpy(&constant.bits, &content, sizeof content);
        constant.bits = isnan(content) ? vm__nan_bits : constant.bits;
        return intern(assembler, &constant, NULL, place, number);
    }
    if (vm_is(value, VM_TYPE_STRING)) {
        return intern_text(assembler, value, VM__CONSTANT_STRING, place, number);
    }
    if (vm_is(value, VM_TYPE_INT64)) {
        return vm__asm_refuse(assembler, place, "an integer constant has at most 61 bits");
    }
    if (!vm_is(value, VM_TYPE_SYMBOL)) {
        return vm__asm_refuse(assembler, place, "this is no constant: numbers, texts, names and arrays are");
    }
    if (is_quoted) {
        return intern_text(assembler, value, VM__CONSTANT_SYMBOL, place, number);
    }
    return vm__asm_find(assembler, vm_held(assembler->vm, assembler->constants), value, number) &&
           (*number != UINT32_MAX ||
            vm__asm_refuse(assembler, place, "no constant has this name; a quote before it makes it a symbol"));
}

/* Takes the quotes off a datum. */
static bool unquote(struct vm__assembler *assembler, tagged_value_t *value, uint32_t *place, bool *is_quoted) {
    while (vm_is(*value, VM_TYPE_PAIR)) {
        struct vm__form form = {vm_get(*value, 1), *place + 2};
        if (*is_quoted || !vm__asm_is_word(vm_get(*value, 0), "quote") || !vm__asm_has_more(&form)) {
            return vm__asm_refuse(assembler, *place, "a list is no constant; an array in brackets is");
        }
        if (!vm__asm_take(assembler, &form, value, place, "") || !vm__asm_ends(assembler, &form)) {
            return false;
        }
        *is_quoted = true;
    }
    return true;
}

/* The array on top has all its elements: it becomes one of those. */
static bool close_array(struct vm__assembler *assembler, const struct part *part, uint32_t place, uint32_t *number) {
    struct vm__list *pending = &assembler->pools.pending;
    struct vm__constant constant = {
        .kind = VM__CONSTANT_ARRAY, .depth = part->depth, .count = pending->count - part->first};
    const uint32_t *elements = constant.count > 0 ? VM__AT(uint32_t, pending, part->first) : NULL;
    pending->count = part->first;
    return intern(assembler, &constant, elements, place, number);
}

/* The element of a constant is there. */
static bool add_element(struct vm__assembler *assembler, struct part *part, uint32_t number, uint32_t place) {
    struct vm__pools *pools = &assembler->pools;
    const struct vm__constant *constant = VM__AT(struct vm__constant, &assembler->program.constants, number);
    if (constant->kind == VM__CONSTANT_ARRAY && constant->depth >= part->depth) {
        part->depth = (uint8_t)(constant->depth + 1);
    }
    if (part->depth > VM__NESTING_MAX) {
        return vm__asm_refuse(assembler, place, "arrays are nested too deep");
    }
    if (pools->pending.count - part->first == VM__TABLE_MAX) {
        return vm__asm_refuse(assembler, place, "an array constant has at most 65536 elements");
    }
    uint32_t *element = vm__list_push(&pools->pending, assembler->allocator, sizeof *element);
    if (element == NULL) {
        return vm__asm_starve(assembler);
    }
    *element = number;
    return true;
}

bool vm__pool_constant(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, uint32_t *number) {
    struct part parts[VM__NESTING_MAX + 1];
    struct part *part = NULL;
    uint32_t count = 0;
    bool is_quoted = false;
    assembler->pools.pending.count = 0;
    for (;;) {
        uint32_t start = place;
        if (!unquote(assembler, &value, &place, &is_quoted)) {
            return false;
        }
        if (!vm_is(value, VM_TYPE_ARRAY)) {
            if (!intern_atom(assembler, value, is_quoted, place, number)) {
                return false;
            }
        } else if (count == VM__NESTING_MAX + 1) {
            return vm__asm_refuse(assembler, place, "arrays are nested too deep");
        } else {
            part = &parts[count++];
            *part = (struct part){
                .array = value, .place = place + 1, .first = assembler->pools.pending.count, .is_quoted = is_quoted};
        }
        /* What has ended becomes an element of what it stands in; the next datum is that one's next. */
        bool is_whole = !vm_is(value, VM_TYPE_ARRAY);
        for (; count > 0; is_whole = true) {
            part = &parts[count - 1];
            if (is_whole && !add_element(assembler, part, *number, start)) {
                return false;
            }
            if (part->at < vm_length(part->array)) {
                break;
            }
            start = part->place - 1;
            if (!close_array(assembler, part, start, number)) {
                return false;
            }
            count--;
        }
        if (count == 0) {
            return true;
        }
        value = vm_get(part->array, part->at++);
        place = part->place;
        part->place = VM__AT(struct vm__place, &assembler->reader.places, place)->next;
        is_quoted = part->is_quoted;
    }
}

/* --- the end --- */

static int compare_strings(const void *a, const void *b, void *context) {
    const struct vm__assembler *assembler = context;
    const struct vm__pooled_string *first = string_at(&assembler->pools, *(const uint32_t *)a);
    const struct vm__pooled_string *second = string_at(&assembler->pools, *(const uint32_t *)b);
    const char *bytes = (const char *)assembler->pools.bytes.data;
    const struct vm__string one = {bytes + first->offset, first->length};
    const struct vm__string other = {bytes + second->offset, second->length};
    return vm__string_compare(&one, &other);
}

static int compare_constants(const void *a, const void *b, void *context) {
    const struct vm__program *program = context;
    return vm__constant_compare(program, VM__AT(struct vm__constant, &program->constants, *(const uint32_t *)a),
                                VM__AT(struct vm__constant, &program->constants, *(const uint32_t *)b));
}

static int compare_imports(const void *a, const void *b) {
    return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

static void use_string(struct vm__assembler *assembler, uint64_t number) {
    string_at(&assembler->pools, (uint32_t)number)->is_used = true;
}

static bool is_text(const struct vm__constant *constant) {
    return constant->kind == VM__CONSTANT_STRING || constant->kind == VM__CONSTANT_SYMBOL;
}

/* What is used: elements of what is used, and strings that anything names. Elements have lower numbers. */
static void mark_used(struct vm__assembler *assembler) {
    struct vm__program *program = &assembler->program;
    for (uint32_t i = program->constants.count; i-- > 0;) {
        const struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, i);
        if (*VM__AT(uint8_t, &assembler->pools.used, i) == 0) {
            continue;
        }
        for (uint32_t j = 0; j < constant->count; j++) {
            vm__pool_use(assembler, *VM__AT(uint32_t, &program->elements, constant->bits + j));
        }
        if (is_text(constant)) {
            use_string(assembler, constant->bits);
        }
    }
    for (uint32_t i = 0; i < program->imports.count; i++) {
        use_string(assembler, *VM__AT(uint32_t, &program->imports, i));
    }
    for (uint32_t i = 0; i < program->functions.count; i++) {
        const struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        if (function->name != 0) {
            use_string(assembler, function->name - 1);
        }
        if (function->file != 0) {
            use_string(assembler, function->file - 1);
        }
    }
}

/* A list of numbers that has room. */
static bool make_numbers(struct vm__assembler *assembler, struct vm__list *list, uint32_t count) {
    return vm__list_reserve(list, assembler->allocator, sizeof(uint32_t), count == 0 ? 1 : count);
}

static void add_number(struct vm__list *list, uint32_t number) {
    *VM__AT(uint32_t, list, list->count++) = number;
}

/* The strings of the image, sorted; whoever names one has its final number then. */
static bool finish_strings(struct vm__assembler *assembler, struct vm__list *order) {
    struct vm__program *program = &assembler->program;
    struct vm__pools *pools = &assembler->pools;
    if (!make_numbers(assembler, order, pools->strings.count) ||
        !vm__list_reserve(&program->strings, assembler->allocator, sizeof(struct vm__string), pools->strings.count)) {
        return false;
    }
    for (uint32_t i = 0; i < pools->strings.count; i++) {
        if (string_at(pools, i)->is_used) {
            add_number(order, i);
        }
    }
    qsort_r(order->items, order->count, sizeof(uint32_t), compare_strings, assembler);
    for (uint32_t i = 0; i < order->count; i++) {
        struct vm__pooled_string *string = string_at(pools, *VM__AT(uint32_t, order, i));
        string->number = i;
        *VM__AT(struct vm__string, &program->strings, i) =
            (struct vm__string){(const char *)pools->bytes.data + string->offset, string->length};
    }
    program->strings.count = order->count;
    for (uint32_t i = 0; i < program->functions.count; i++) {
        struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        function->name = function->name == 0 ? 0 : string_at(pools, function->name - 1)->number + 1;
        function->file = function->file == 0 ? 0 : string_at(pools, function->file - 1)->number + 1;
    }
    for (uint32_t i = 0; i < program->constants.count; i++) {
        struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, i);
        if (is_text(constant)) {
            constant->bits = string_at(pools, (uint32_t)constant->bits)->number;
        }
    }
    return true;
}

/* Sorts arrays of one depth, whose elements all have final numbers by now. */
static void sort_arrays(struct vm__program *program, uint32_t *order, uint32_t count, const uint32_t *final) {
    for (uint32_t i = 0; i < count; i++) {
        const struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, order[i]);
        for (uint32_t j = 0; j < constant->count; j++) {
            uint32_t *element = VM__AT(uint32_t, &program->elements, constant->bits + j);
            *element = final[*element];
        }
    }
    qsort_r(order, count, sizeof *order, compare_constants, program);
}

/* `final` gets a number for each constant that is used. */
static bool finish_constants(struct vm__assembler *assembler, struct vm__list *order, struct vm__list *final) {
    struct vm__program *program = &assembler->program;
    struct vm__list sorted = {NULL, 0, 0};
    uint32_t count = program->constants.count;
    if (!make_numbers(assembler, order, count) || !make_numbers(assembler, final, count) ||
        !vm__list_reserve(&sorted, assembler->allocator, sizeof(struct vm__constant), count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (*VM__AT(uint8_t, &assembler->pools.used, i) != 0) {
            add_number(order, i);
        }
    }
    /* Arrays come last, by depth; the order of those of one depth is not yet the final one. */
    uint32_t *numbers = order->items;
    qsort_r(numbers, order->count, sizeof *numbers, compare_constants, program);
    for (uint32_t i = 0; i < order->count;) {
        const struct vm__constant *first = VM__AT(struct vm__constant, &program->constants, numbers[i]);
        uint32_t end = i + 1;
        while (first->kind == VM__CONSTANT_ARRAY && end < order->count &&
               VM__AT(struct vm__constant, &program->constants, numbers[end])->depth == first->depth) {
            end++;
        }
        if (first->kind == VM__CONSTANT_ARRAY) {
            sort_arrays(program, numbers + i, end - i, final->items);
        }
        for (; i < end; i++) {
            *VM__AT(uint32_t, final, numbers[i]) = i;
            *VM__AT(struct vm__constant, &sorted, i) = *VM__AT(struct vm__constant, &program->constants, numbers[i]);
        }
    }
    sorted.count = order->count;
    vm__list_free(&program->constants, assembler->allocator, sizeof(struct vm__constant));
    program->constants = sorted;
    return true;
}

/* `final` gets a number for each import. */
static bool finish_imports(struct vm__assembler *assembler, struct vm__list *final) {
    struct vm__list *imports = &assembler->program.imports;
    struct vm__pools *pools = &assembler->pools;
    if (!make_numbers(assembler, final, imports->count)) {
        return false;
    }
    for (uint32_t i = 0; i < imports->count; i++) {
        uint32_t *import = VM__AT(uint32_t, imports, i);
        *import = string_at(pools, *import)->number;
    }
    if (imports->count > 0) {
        qsort(imports->items, imports->count, sizeof(uint32_t), compare_imports);
    }
    for (uint32_t i = 0; i < pools->strings.count; i++) {
        const struct vm__pooled_string *string = string_at(pools, i);
        if (string->import != 0) {
            const uint32_t *found =
                bsearch(&string->number, imports->items, imports->count, sizeof(uint32_t), compare_imports);
            *VM__AT(uint32_t, final, string->import - 1) = (uint32_t)(found - (const uint32_t *)imports->items);
        }
    }
    return true;
}

/* Code names constants and imports by their final numbers. */
static void renumber(struct vm__program *program, const uint32_t *constants, const uint32_t *imports) {
    for (uint32_t i = 0; i < program->functions.count; i++) {
        const struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        uint32_t *code = VM__AT(uint32_t, &program->code, function->code.first);
        const struct vm__opcode_info *info;
        for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
            info = &vm__opcodes[vm__op(code[at])];
            if (info->operands[1] == VM__CONSTANT16) {
                code[at] = (code[at] & UINT16_MAX) | constants[vm__wide(code[at])] << 16;
            } else if (info->operands[1] == VM__GLOBAL16) {
                code[at] = (code[at] & UINT16_MAX) | imports[vm__wide(code[at])] << 16;
            }
            if ((info->traits & VM__WIDE) != 0) {
                code[at + 1] = constants[code[at + 1]];
            }
        }
    }
}

bool vm__pools_finish(struct vm__assembler *assembler) {
    struct vm__list order = {NULL, 0, 0}, constants = {NULL, 0, 0}, imports = {NULL, 0, 0};
    mark_used(assembler);
    bool is_done = finish_strings(assembler, &order);
    order.count = 0;
    is_done = is_done && finish_constants(assembler, &order, &constants) && finish_imports(assembler, &imports);
    if (is_done) {
        renumber(&assembler->program, constants.items, imports.items);
    }
    vm__list_free(&order, assembler->allocator, sizeof(uint32_t));
    vm__list_free(&constants, assembler->allocator, sizeof(uint32_t));
    vm__list_free(&imports, assembler->allocator, sizeof(uint32_t));
    return is_done;
}

void vm__pools_free(struct vm__assembler *assembler) {
    struct vm__pools *pools = &assembler->pools;
    vm__buffer_free(&pools->bytes);
    vm__list_free(&pools->strings, assembler->allocator, sizeof(struct vm__pooled_string));
    vm__index_free(&pools->string_index, assembler->allocator);
    vm__index_free(&pools->constant_index, assembler->allocator);
    vm__list_free(&pools->used, assembler->allocator, sizeof(uint8_t));
    vm__list_free(&pools->pending, assembler->allocator, sizeof(uint32_t));
}
