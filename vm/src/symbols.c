/* Symbols: one object for each name. The table is weak and lies outside of the heap; it is ordered by the hash of
 * names, so that a flip, which moves symbols, leaves their places as they are. */
#include "vm/src/heap.h"
#include "vm/src/text.h"

enum { FIRST_CAPACITY = 64 };

static bool is_named(tagged_value_t symbol, uint32_t hash, const char *text, size_t length) {
    const struct vm__object *object = vm__object(symbol);
    if (vm__aux(object) != hash) {
        return false;
    }
    struct vm__text name = vm__text(object->slots[0]);
    return name.length == length && memcmp(name.bytes, text, length) == 0;
}

/* Where the symbol is, or the free slot where it belongs. */
static uint32_t find(const struct vm__symbols *symbols, uint32_t hash, const char *text, size_t length) {
    uint32_t mask = symbols->capacity - 1, place = hash & mask;
    while (vm_is_reference(symbols->slots[place]) && !is_named(symbols->slots[place], hash, text, length)) {
        place = (place + 1) & mask;
    }
    return place;
}

/* Puts a symbol that is not there into the first free slot from its hash on. */
static void put(struct vm__symbols *symbols, tagged_value_t symbol) {
    uint32_t mask = symbols->capacity - 1, place = vm__aux(vm__object(symbol)) & mask;
    while (vm_is_reference(symbols->slots[place])) {
        place = (place + 1) & mask;
    }
    symbols->slots[place] = symbol;
}

/* One slot in four stays free. */
static bool make_room(vm_t *vm) {
    struct vm__symbols *symbols = &vm->symbols;
    if (symbols->count + 1 <= symbols->capacity / 4 * 3) {
        return true;
    }
    struct vm__symbols grown = {.capacity = symbols->capacity == 0 ? FIRST_CAPACITY : symbols->capacity * 2,
                                .count = symbols->count};
    grown.slots = grown.capacity == 0 ? NULL : CUPEL_NEW_ARRAY(vm->allocator, tagged_value_t, grown.capacity);
    if (grown.slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < symbols->capacity; i++) {
        if (vm_is_reference(symbols->slots[i])) {
            put(&grown, symbols->slots[i]);
        }
    }
    vm__symbols_free(vm);
    *symbols = grown;
    return true;
}

static tagged_value_t add(vm_t *vm, uint32_t place, uint32_t hash, const char *text, size_t length) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_SYMBOL, 1);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    tagged_value_t name = vm_mk_string(vm, text, length);
    if (!vm_is(name, VM_TYPE_STRING)) {
        vm__object_unmake(vm, object);
        return name;
    }
    vm__set_aux(object, hash);
    object->slots[0] = name;
    vm->symbols.slots[place] = vm__reference(object);
    vm->symbols.count++;
    return vm__reference(object);
}

tagged_value_t vm_mk_symbol(vm_t *vm, const char *text, size_t length_bytes) {
    if (!make_room(vm)) {
        return VM_OOM_VALUE;
    }
    uint32_t hash = vm__text_hash(vm, text, length_bytes);
    uint32_t place = find(&vm->symbols, hash, text, length_bytes);
    if (vm_is_reference(vm->symbols.slots[place])) {
        return vm->symbols.slots[place];
    }
    return add(vm, place, hash, text, length_bytes);
}

tagged_value_t vm_symbol_name(tagged_value_t symbol) {
    assert(vm_is(symbol, VM_TYPE_SYMBOL));
    return vm__object(symbol)->slots[0];
}

/* Takes out what died and lets those that stood behind it move up, so that no search ends too early. */
void vm__symbols_sweep(vm_t *vm) {
    struct vm__symbols *symbols = &vm->symbols;
    uint32_t dead = 0;
    for (uint32_t i = 0; i < symbols->capacity; i++) {
        if (vm_is_reference(symbols->slots[i]) && !vm__survived(&symbols->slots[i], vm->statistics.flips)) {
            symbols->slots[i] = VM_FALSE;
            dead++;
        }
    }
    symbols->count -= dead;
    if (dead == 0) {
        return;
    }
    /* From behind a free slot all around: each that is put again finds no slot before its own place. */
    uint32_t mask = symbols->capacity - 1, start = 0;
    while (symbols->slots[start].bits != 0) {
        start++;
    }
    for (uint32_t i = 1; i <= mask; i++) {
        tagged_value_t symbol = symbols->slots[(start + i) & mask];
        symbols->slots[(start + i) & mask] = vm_mk_integer(0);
        if (vm_is_reference(symbol)) {
            put(symbols, symbol);
        }
    }
}

void vm__symbols_free(vm_t *vm) {
    CUPEL_FREE_ARRAY(vm->allocator, tagged_value_t, vm->symbols.slots, vm->symbols.capacity);
    vm->symbols = (struct vm__symbols){0};
}
