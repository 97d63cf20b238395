/* Names and constants of the assembler; see pool.h. */
#include "vm/src/pool.h"

#include "vm/src/opcodes.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 64 };

void vm__pool_init(struct vm__namepool *pool, struct vm__program *program) {
    *pool = (struct vm__namepool){.program = program};
    (void)cupel_arena_init(&pool->texts, program->allocator, NULL);
}

void vm__pool_deinit(struct vm__namepool *pool) {
    struct cupel_allocator *a = pool->program->allocator;
    vm__list_free(&pool->names, a, sizeof(struct vm__name));
    vm__list_free(&pool->by_name, a, sizeof(uint32_t));
    vm__list_free(&pool->by_value, a, sizeof(uint32_t));
    cupel_arena_deinit(&pool->texts);
}

static uint32_t hash_bytes(uint32_t hash, const void *data, size_t length) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * 16777619u; /* FNV-1a */
    }
    return hash;
}

static uint32_t hash_constant(const struct vm__namepool *pool, const struct vm__constant *constant) {
    uint32_t hash = hash_bytes(2166136261u, &constant->kind, 1);
    if (constant->kind != VM__CONSTANT_ARRAY) {
        return hash_bytes(hash, &constant->bits, sizeof constant->bits);
    }
    for (uint32_t i = 0; i < constant->count; i++) {
        hash = hash_bytes(hash, VM__AT(uint32_t, &pool->program->elements, constant->bits + i), sizeof(uint32_t));
    }
    return hash;
}

static uint32_t hash_of(const struct vm__namepool *pool, const struct vm__list *places, uint32_t number) {
    return places == &pool->by_name
               ? vm__pool_at(pool, number)->hash
               : hash_constant(pool, VM__AT(struct vm__constant, &pool->program->constants, number));
}

/* Keeps a table at most half full: twice as many places, all found anew. */
static bool grow(struct vm__namepool *pool, struct vm__list *places, uint32_t count) {
    struct cupel_allocator *a = pool->program->allocator;
    if ((size_t)count * 2 < places->capacity) {
        return true;
    }
    struct vm__list grown = {NULL, 0, 0};
    size_t capacity = places->capacity == 0 ? FIRST_PLACES : (size_t)places->capacity * 2;
    if (!vm__list_reserve(&grown, a, sizeof(uint32_t), capacity)) {
        return false;
    }
    memset(grown.items, 0, capacity * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = hash_of(pool, places, i) & (grown.capacity - 1);
        while (*VM__AT(uint32_t, &grown, place) != 0) {
            place = (place + 1) & (grown.capacity - 1);
        }
        *VM__AT(uint32_t, &grown, place) = i + 1;
    }
    vm__list_free(places, a, sizeof(uint32_t));
    *places = grown;
    return true;
}

int64_t vm__pool_name(struct vm__namepool *pool, const char *text, size_t length) {
    uint32_t hash = hash_bytes(2166136261u, text, length);
    if (!grow(pool, &pool->by_name, pool->names.count)) {
        return VM__POOL_STARVED;
    }
    uint32_t mask = pool->by_name.capacity - 1;
    uint32_t place = hash & mask;
    for (uint32_t number; (number = *VM__AT(uint32_t, &pool->by_name, place)) != 0; place = (place + 1) & mask) {
        const struct vm__name *name = vm__pool_at(pool, number - 1);
        if (name->hash == hash && name->string.length == length && memcmp(name->string.text, text, length) == 0) {
            return number - 1;
        }
    }
    char *copy = cupel_arena_alloc(&pool->texts, length + 1, 1);
    struct vm__name *name = copy == NULL ? NULL : vm__list_push(&pool->names, pool->program->allocator, sizeof *name);
    if (name == NULL) {
        return VM__POOL_STARVED;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    name->string = (struct vm__string){copy, (uint32_t)length};
    name->hash = hash;
    *VM__AT(uint32_t, &pool->by_name, place) = pool->names.count;
    return pool->names.count - 1;
}

static bool is_same(const struct vm__program *program, const struct vm__constant *a, const struct vm__constant *b) {
    return vm__constant_compare(program, a, b) == 0;
}

int64_t vm__pool_constant(struct vm__namepool *pool, struct vm__constant constant, const uint32_t *elements) {
    struct vm__program *program = pool->program;
    struct cupel_allocator *a = program->allocator;
    uint32_t first = program->elements.count;
    if (constant.kind == VM__CONSTANT_ARRAY) {
        constant.bits = first;
        if (!vm__list_reserve(&program->elements, a, sizeof(uint32_t), ((size_t)first + constant.count) * 2)) {
            return VM__POOL_STARVED;
        }
        for (uint32_t i = 0; i < constant.count; i++) {
            *VM__AT(uint32_t, &program->elements, program->elements.count++) = elements[i];
        }
    }
    if (!grow(pool, &pool->by_value, program->constants.count)) {
        return VM__POOL_STARVED;
    }
    uint32_t mask = pool->by_value.capacity - 1;
    uint32_t place = hash_constant(pool, &constant) & mask;
    for (uint32_t number; (number = *VM__AT(uint32_t, &pool->by_value, place)) != 0; place = (place + 1) & mask) {
        if (is_same(program, VM__AT(struct vm__constant, &program->constants, number - 1), &constant)) {
            program->elements.count = first;
            return number - 1;
        }
    }
    if (program->constants.count >= VM__TABLE_MAX) {
        return VM__POOL_FULL;
    }
    struct vm__constant *added = vm__list_push(&program->constants, a, sizeof *added);
    if (added == NULL) {
        return VM__POOL_STARVED;
    }
    *added = constant;
    *VM__AT(uint32_t, &pool->by_value, place) = program->constants.count;
    return program->constants.count - 1;
}

int64_t vm__pool_import(struct vm__namepool *pool, uint32_t name) {
    struct vm__name *entry = vm__pool_at(pool, name);
    if (entry->import == 0) {
        struct vm__list *imports = &pool->program->imports;
        uint32_t *import =
            imports->count >= VM__TABLE_MAX ? NULL : vm__list_push(imports, pool->program->allocator, sizeof *import);
        if (import == NULL) {
            return imports->count >= VM__TABLE_MAX ? VM__POOL_FULL : VM__POOL_STARVED;
        }
        *import = name;
        entry->import = imports->count;
        entry->is_used = true;
    }
    return entry->import - 1;
}

/* Old numbers in their new order, and the new number of each old one. */
struct order {
    struct vm__list sorted, new_of; /* uint32_t */
};

static bool order_init(struct vm__namepool *pool, struct order *order, uint32_t count) {
    *order = (struct order){{0}};
    struct cupel_allocator *a = pool->program->allocator;
    /* (One more, so that there is something to point at.) */
    return vm__list_reserve(&order->sorted, a, sizeof(uint32_t), (size_t)count + 1) &&
           vm__list_reserve(&order->new_of, a, sizeof(uint32_t), (size_t)count + 1);
}

static void order_free(struct vm__namepool *pool, struct order *order) {
    vm__list_free(&order->sorted, pool->program->allocator, sizeof(uint32_t));
    vm__list_free(&order->new_of, pool->program->allocator, sizeof(uint32_t));
}

/* Sorts what was added to the order since `first`, and numbers it. */
static void order_sort(struct vm__namepool *pool, struct order *order, uint32_t first,
                       int (*compare)(const void *, const void *, void *)) {
    qsort_r(VM__AT(uint32_t, &order->sorted, first), order->sorted.count - first, sizeof(uint32_t), compare, pool);
    for (uint32_t i = first; i < order->sorted.count; i++) {
        *VM__AT(uint32_t, &order->new_of, *VM__AT(uint32_t, &order->sorted, i)) = i;
    }
}

static int compare_names(const void *a, const void *b, void *context) {
    const struct vm__namepool *pool = context;
    return vm__string_compare(&vm__pool_at(pool, *(const uint32_t *)a)->string,
                              &vm__pool_at(pool, *(const uint32_t *)b)->string);
}

static int compare_constants(const void *a, const void *b, void *context) {
    const struct vm__program *program = ((const struct vm__namepool *)context)->program;
    return vm__constant_compare(program, VM__AT(struct vm__constant, &program->constants, *(const uint32_t *)a),
                                VM__AT(struct vm__constant, &program->constants, *(const uint32_t *)b));
}

static int compare_imports(const void *a, const void *b, void *context) {
    const struct vm__program *program = ((const struct vm__namepool *)context)->program;
    uint32_t x = *VM__AT(uint32_t, &program->imports, *(const uint32_t *)a);
    uint32_t y = *VM__AT(uint32_t, &program->imports, *(const uint32_t *)b);
    return (x > y) - (x < y);
}

static bool sort_strings(struct vm__namepool *pool, struct order *order) {
    struct vm__program *program = pool->program;
    for (uint32_t i = 0; i < pool->names.count; i++) {
        if (vm__pool_at(pool, i)->is_used) {
            *VM__AT(uint32_t, &order->sorted, order->sorted.count++) = i;
        }
    }
    order_sort(pool, order, 0, compare_names);
    if (!vm__list_reserve(&program->strings, program->allocator, sizeof(struct vm__string),
                          (size_t)order->sorted.count + 1)) {
        return false;
    }
    for (uint32_t i = 0; i < order->sorted.count; i++) {
        *VM__AT(struct vm__string, &program->strings, i) =
            vm__pool_at(pool, *VM__AT(uint32_t, &order->sorted, i))->string;
    }
    program->strings.count = order->sorted.count;
    return true;
}

/* Atoms first; then arrays, those of less depth before others, so that the numbers of elements are known. */
static void sort_constants(struct vm__namepool *pool, const struct order *strings, struct order *order) {
    struct vm__program *program = pool->program;
    for (unsigned depth = 0; depth <= VM__NESTING_MAX + 1; depth++) {
        uint32_t first = order->sorted.count;
        for (uint32_t i = 0; i < program->constants.count; i++) {
            struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, i);
            bool is_array = constant->kind == VM__CONSTANT_ARRAY;
            if ((is_array ? constant->depth + 1u : 0) != depth) {
                continue;
            }
            for (uint32_t j = 0; j < constant->count; j++) {
                uint32_t *element = VM__AT(uint32_t, &program->elements, constant->bits + j);
                *element = *VM__AT(uint32_t, &order->new_of, *element);
            }
            if (constant->kind == VM__CONSTANT_STRING || constant->kind == VM__CONSTANT_SYMBOL) {
                constant->bits = *VM__AT(uint32_t, &strings->new_of, constant->bits);
            }
            *VM__AT(uint32_t, &order->sorted, order->sorted.count++) = i;
        }
        order_sort(pool, order, first, compare_constants);
    }
}

static bool store_constants(struct vm__namepool *pool, const struct order *order) {
    struct vm__program *program = pool->program;
    struct vm__list sorted = {NULL, 0, 0};
    if (!vm__list_reserve(&sorted, program->allocator, sizeof(struct vm__constant), (size_t)program->constants.count)) {
        return false;
    }
    for (uint32_t i = 0; i < program->constants.count; i++) {
        *VM__AT(struct vm__constant, &sorted, i) =
            *VM__AT(struct vm__constant, &program->constants, *VM__AT(uint32_t, &order->sorted, i));
    }
    sorted.count = program->constants.count;
    vm__list_free(&program->constants, program->allocator, sizeof(struct vm__constant));
    program->constants = sorted;
    return true;
}

static void sort_imports(struct vm__namepool *pool, const struct order *strings, struct order *order) {
    struct vm__list *imports = &pool->program->imports;
    for (uint32_t i = 0; i < imports->count; i++) {
        uint32_t *import = VM__AT(uint32_t, imports, i);
        *import = *VM__AT(uint32_t, &strings->new_of, *import);
        *VM__AT(uint32_t, &order->sorted, i) = i;
    }
    order->sorted.count = imports->count;
    order_sort(pool, order, 0, compare_imports);
    /* No two are alike, so that sorting the numbers themselves gives the same order. */
    for (uint32_t i = 0; i < imports->count; i++) {
        *VM__AT(uint32_t, &order->sorted, i) = *VM__AT(uint32_t, imports, *VM__AT(uint32_t, &order->sorted, i));
    }
    if (imports->count > 0) {
        memcpy(imports->items, order->sorted.items, imports->count * sizeof(uint32_t));
    }
}

/* Operands that are numbers of constants and imports. */
static void renumber_code(struct vm__program *program, const struct order *constants, const struct order *imports) {
    const struct vm__opcode_info *info;
    for (uint32_t at = 0; at < program->code.count; at += (uint32_t)vm__words(info)) {
        uint32_t *word = VM__AT(uint32_t, &program->code, at);
        info = &vm__opcodes[vm__op(*word)];
        const struct order *order = info->operands[1] == VM__CONSTANT16 ? constants
                                    : info->operands[1] == VM__GLOBAL16 ? imports
                                                                        : NULL;
        if (order != NULL) {
            *word = (*word & 0xffff) | *VM__AT(uint32_t, &order->new_of, vm__wide(*word)) << 16;
        }
        if ((info->traits & VM__WIDE) != 0) {
            word[1] = *VM__AT(uint32_t, &constants->new_of, word[1]);
        }
    }
}

static void renumber_functions(struct vm__program *program, const struct order *strings) {
    for (uint32_t i = 0; i < program->functions.count; i++) {
        struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        function->name = function->name == 0 ? 0 : *VM__AT(uint32_t, &strings->new_of, function->name - 1) + 1;
        function->file = function->file == 0 ? 0 : *VM__AT(uint32_t, &strings->new_of, function->file - 1) + 1;
    }
}

bool vm__pool_sort(struct vm__namepool *pool) {
    struct vm__program *program = pool->program;
    struct order strings, constants, imports;
    bool is_done = order_init(pool, &strings, pool->names.count);
    is_done = order_init(pool, &constants, program->constants.count) && is_done;
    is_done = order_init(pool, &imports, program->imports.count) && is_done;
    if (is_done && sort_strings(pool, &strings)) {
        sort_constants(pool, &strings, &constants);
        is_done = store_constants(pool, &constants);
        sort_imports(pool, &strings, &imports);
        if (is_done) {
            renumber_code(program, &constants, &imports);
            renumber_functions(program, &strings);
        }
    } else {
        is_done = false;
    }
    order_free(pool, &strings);
    order_free(pool, &constants);
    order_free(pool, &imports);
    return is_done;
}
