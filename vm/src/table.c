/* Tables: entries in the order in which their keys came, and above eight of them an index by hash.
 *
 *     entries   hash key value | hash key value | hash HOLE nil | ...       storage; used ones first
 *     index     an entry's number + 1, or 0                                 a blob of 2^n uint32_t, at most 3/4 full
 *
 * Keys are what cannot change: a frozen or immutable value, or one that is known by its identity. So a hash is good for
 * ever, and it is of contents, so that a flip leaves the index as it is. The version counts what an iteration must not
 * overlook. */
#include "vm/src/order.h"

enum { FEW = 8, FIRST_ENTRIES = 4, NUMBER_BITS = 31, VERSION_MASK = (1 << 28) - 1 };
static uint32_t live_count(const struct vm__object *table) {
    return vm__raw_low(table, VM__TABLE_COUNTS);
}

static uint32_t used_count(const struct vm__object *table) {
    return vm__raw_high(table, VM__TABLE_COUNTS);
}

static void set_counts(struct vm__object *table, uint32_t live, uint32_t used) {
    vm__set_raw(table, VM__TABLE_COUNTS, vm__halves(live, used));
    vm__set_raw(table, VM__TABLE_VERSION, (vm__raw(table, VM__TABLE_VERSION) + 1) & VERSION_MASK);
}

static tagged_value_t *entry_at(const struct vm__object *table, uint32_t number) {
    return vm__object(table->slots[VM__TABLE_ENTRIES])->slots + (size_t)number * VM__ENTRY_SLOTS;
}

static uint32_t entry_capacity(const struct vm__object *table) {
    tagged_value_t entries = table->slots[VM__TABLE_ENTRIES];
    return vm_is_reference(entries) ? (uint32_t)(vm__slot_count(vm__object(entries)) / VM__ENTRY_SLOTS) : 0;
}

static uint32_t *index_of(const struct vm__object *table, uint32_t *mask) {
    tagged_value_t index = table->slots[VM__TABLE_INDEX];
    if (!vm_is_reference(index)) {
        return NULL;
    }
    struct vm__object *blob = vm__object(index);
    *mask = (uint32_t)(vm__slot_count(blob) * 2) - 1;
    return (uint32_t *)(void *)blob->slots;
}

tagged_value_t vm_mk_table(vm_t *vm, size_t expected) {
    struct vm__object *table = vm__allocate(vm, VM_TYPE_TABLE, 4);
    if (table == NULL) {
        return VM_OOM_VALUE;
    }
    vm__set_raw(table, VM__TABLE_COUNTS, 0);
    vm__set_raw(table, VM__TABLE_VERSION, 0);
    table->slots[VM__TABLE_INDEX] = VM_NIL;
    table->slots[VM__TABLE_ENTRIES] = VM_NIL;
    if (expected > 0 && !vm__table_reserve(vm, table, expected)) {
        vm__object_unmake(vm, table);
        return VM_OOM_VALUE;
    }
    return vm__reference(table);
}

static vm_status is_match(vm_t *vm, const tagged_value_t *entry, uint32_t hash, tagged_value_t key, bool *matches) {
    *matches = vm_is_same(entry[VM__ENTRY_KEY], key);
    if (*matches || vm_integer(entry[VM__ENTRY_HASH]) != hash || vm_is_same(entry[VM__ENTRY_KEY], VM__HOLE)) {
        return VM_OK;
    }
    return vm_equal(vm, entry[VM__ENTRY_KEY], key, matches);
}

static const uint32_t none = UINT32_MAX;

static vm_status find_among_few(vm_t *vm, const struct vm__object *table, uint32_t hash, tagged_value_t key,
                                uint32_t *found) {
    for (uint32_t i = 0; i < used_count(table); i++) {
        bool matches;
        vm_status status = is_match(vm, entry_at(table, i), hash, key, &matches);
        if (status != VM_OK || matches) {
            *found = i;
            return status;
        }
    }
    return VM_OK;
}

/* The number of the key's entry, or none. The index goes on leading to a deleted entry, which is like no key. */
static vm_status find(vm_t *vm, const struct vm__object *table, uint32_t hash, tagged_value_t key, uint32_t *found) {
    uint32_t mask;
    const uint32_t *index = index_of(table, &mask);
    *found = none;
    if (index == NULL) {
        return find_among_few(vm, table, hash, key, found);
    }
    for (uint32_t place = hash & mask; index[place] != 0; place = (place + 1) & mask) {
        bool matches;
        vm_status status = is_match(vm, entry_at(table, index[place] - 1), hash, key, &matches);
        if (status != VM_OK || matches) {
            *found = index[place] - 1;
            return status;
        }
    }
    return VM_OK;
}

/* Twice as many places as entries, or nearly. */
static struct vm__object *new_index(vm_t *vm, uint32_t entries) {
    size_t places = 16;
    while (places / 4 * 3 < entries) {
        places *= 2;
    }
    return vm__object_new(vm, VM_TYPE_BLOB, places / 2);
}

static void enter(const struct vm__object *table, uint32_t number) {
    uint32_t mask = 0, *index = index_of(table, &mask);
    uint32_t place = (uint32_t)vm_integer(entry_at(table, number)[VM__ENTRY_HASH]) & mask;
    while (index[place] != 0) {
        place = (place + 1) & mask;
    }
    index[place] = number + 1;
}

/* New entries and a new index with room for `capacity` entries, without those that were deleted. */
static bool rebuild(vm_t *vm, struct vm__object *table, uint32_t capacity) {
    struct vm__object *index = capacity <= FEW ? NULL : new_index(vm, capacity), *entries = NULL;
    if (capacity <= FEW || index != NULL) {
        entries = vm__object_new(vm, VM_TYPE_STORAGE, (size_t)capacity * VM__ENTRY_SLOTS);
    }
    if (entries == NULL) {
        vm__object_unmake(vm, index);
        return false;
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < used_count(table); i++) {
        const tagged_value_t *entry = entry_at(table, i);
        if (!vm_is_same(entry[VM__ENTRY_KEY], VM__HOLE)) {
            memcpy(entries->slots + (size_t)live++ * VM__ENTRY_SLOTS, entry, VM__ENTRY_SLOTS * sizeof *entry);
        }
    }
    table->slots[VM__TABLE_ENTRIES] = vm__reference(entries);
    table->slots[VM__TABLE_INDEX] = index == NULL ? VM_NIL : vm__reference(index);
    set_counts(table, live, live);
    for (uint32_t i = 0; index != NULL && i < live; i++) {
        enter(table, i);
    }
    return true;
}

bool vm__table_reserve(vm_t *vm, struct vm__object *table, size_t expected) {
    if (expected > VM_TABLE_MAX) {
        return false;
    }
    return expected <= entry_capacity(table) || rebuild(vm, table, (uint32_t)expected);
}

/* Room for one more: where half of the entries are deleted ones they are left out, else there is twice as much. */
static bool make_room(vm_t *vm, struct vm__object *table) {
    uint32_t capacity = entry_capacity(table), live = live_count(table);
    if (used_count(table) < capacity) {
        return true;
    }
    if (live < capacity / 2) {
        return rebuild(vm, table, capacity);
    }
    uint32_t wanted = capacity < FIRST_ENTRIES ? FIRST_ENTRIES : capacity * 2;
    return live < VM_TABLE_MAX && rebuild(vm, table, wanted < VM_TABLE_MAX ? wanted : (uint32_t)VM_TABLE_MAX);
}

static bool can_be_key(tagged_value_t key) {
    return vm_is_frozen(key) || vm__layouts[vm__type(vm__object(key))].order == VM__ORDER_IDENTITY;
}

vm_status vm_table_get(vm_t *vm, tagged_value_t table, tagged_value_t key, tagged_value_t *value) {
    assert(vm_is(table, VM_TYPE_TABLE));
    const struct vm__object *object = vm__object(table);
    uint32_t found = none;
    vm_status status = find(vm, object, vm_hash(vm, key), key, &found);
    if (status != VM_OK) {
        return status;
    }
    if (found == none) {
        return VM_ERROR_MISSING;
    }
    *value = entry_at(object, found)[VM__ENTRY_VALUE];
    return VM_OK;
}

static void append(struct vm__object *table, uint32_t hash, tagged_value_t key, tagged_value_t value) {
    uint32_t number = used_count(table), mask;
    tagged_value_t *entry = entry_at(table, number);
    entry[VM__ENTRY_HASH] = vm_mk_integer(hash);
    entry[VM__ENTRY_KEY] = key;
    entry[VM__ENTRY_VALUE] = value;
    set_counts(table, live_count(table) + 1, number + 1);
    if (index_of(table, &mask) != NULL) {
        enter(table, number);
    }
}

vm_status vm_table_set(vm_t *vm, tagged_value_t table, tagged_value_t key, tagged_value_t value) {
    assert(vm_is(table, VM_TYPE_TABLE) && !vm_is_oom(key) && !vm_is_oom(value));
    struct vm__object *object = vm__object(table);
    if (vm__has(object, VM__FLAG_FROZEN) || !can_be_key(key)) {
        return VM_ERROR_FROZEN;
    }
    uint32_t found = none;
    uint32_t hash = vm_hash(vm, key);
    vm_status status = find(vm, object, hash, key, &found);
    if (status != VM_OK) {
        return status;
    }
    if (found != none) {
        entry_at(object, found)[VM__ENTRY_VALUE] = value;
        return VM_OK;
    }
    if (!make_room(vm, object)) {
        return VM_ERROR_OOM;
    }
    append(object, hash, key, value);
    return VM_OK;
}

vm_status vm_table_delete(vm_t *vm, tagged_value_t table, tagged_value_t key) {
    assert(vm_is(table, VM_TYPE_TABLE));
    struct vm__object *object = vm__object(table);
    if (vm__has(object, VM__FLAG_FROZEN)) {
        return VM_ERROR_FROZEN;
    }
    uint32_t found = none;
    vm_status status = find(vm, object, vm_hash(vm, key), key, &found);
    if (status != VM_OK || found == none) {
        return status != VM_OK ? status : VM_ERROR_MISSING;
    }
    tagged_value_t *entry = entry_at(object, found);
    entry[VM__ENTRY_KEY] = VM__HOLE;
    entry[VM__ENTRY_VALUE] = VM_NIL;
    set_counts(object, live_count(object) - 1, used_count(object));
    return VM_OK;
}

size_t vm_table_count(tagged_value_t table) {
    assert(vm_is(table, VM_TYPE_TABLE));
    return live_count(vm__object(table));
}

/* A cursor is the next entry's number and, above it, the version of the table when the iteration began. It comes back
 * from whoever holds it, so that it may be anything. */
tagged_value_t vm_table_begin(tagged_value_t table) {
    assert(vm_is(table, VM_TYPE_TABLE));
    return vm_mk_integer((int64_t)(vm__raw(vm__object(table), VM__TABLE_VERSION) << NUMBER_BITS));
}

vm_status vm_table_next(tagged_value_t table, tagged_value_t *cursor, tagged_value_t *key, tagged_value_t *value) {
    assert(vm_is(table, VM_TYPE_TABLE));
    const struct vm__object *object = vm__object(table);
    if (!vm_is_integer(*cursor)) {
        return VM_ERROR_TYPE;
    }
    uint64_t place = (uint64_t)vm_integer(*cursor);
    if (place >> NUMBER_BITS != vm__raw(object, VM__TABLE_VERSION)) {
        return VM_ERROR_CHANGED;
    }
    uint32_t number = (uint32_t)(place & (((uint64_t)1 << NUMBER_BITS) - 1)), used = used_count(object);
    while (number < used && vm_is_same(entry_at(object, number)[VM__ENTRY_KEY], VM__HOLE)) {
        number++;
    }
    if (number >= used) {
        return VM_ERROR_MISSING;
    }
    *key = entry_at(object, number)[VM__ENTRY_KEY];
    *value = entry_at(object, number)[VM__ENTRY_VALUE];
    *cursor = vm_mk_integer((int64_t)(vm__raw(object, VM__TABLE_VERSION) << NUMBER_BITS | (number + 1)));
    return VM_OK;
}
