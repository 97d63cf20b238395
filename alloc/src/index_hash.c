/* The hash back end of the address index: open addressing with linear probes, in up to two tables.
 *
 * `starts` has a slot for each block under its base. `extents`, which is made when an address inside a block is asked
 * for first, has one under the length of the block, as a power of eight, and the bin of that length in which it begins:
 * a block is at most as long as a bin, so that it holds no address but of its own bin and the next, and eight blocks at
 * most begin in a bin. An address is therefore looked for in two bins of each length that there are blocks of.
 *
 * A removal shifts later slots of the same run back, so there are no tombstones, and a table is as quick after a
 * million removals as when it was new. */
#include "alloc/src/index_state.h"

#include <assert.h>

struct cupel__index_slot {
    uint64_t key;
    uint32_t number; /* 0: empty */
};

enum { CAPACITY_FIRST = 256, SPAN_LOG_FIRST = 6, SPAN_LOG_STEP = 3, SPAN_KEY_SHIFT = 58 };

/* Multiplicative hashing with 2^64 divided by the golden ratio (Knuth, volume 3, 6.4): the high bits are the slot. */
static size_t home_of(uint64_t key, size_t capacity) {
    return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - __builtin_ctzll(capacity)));
}

/* The slot with this key, and with this number unless that is 0; or the empty slot where it would go. There is always
 * an empty one. */
static size_t slot_of(const struct cupel__index_table *table, uint64_t key, uint32_t number) {
    size_t i = home_of(key, table->capacity);
    while (table->slots[i].number != 0 &&
           (table->slots[i].key != key || (number != 0 && table->slots[i].number != number))) {
        i = (i + 1) & (table->capacity - 1);
    }
    return i;
}

static void table_free(struct cupel_index *index, struct cupel__index_table *table) {
    cupel_free(index->memory, table->slots, table->capacity * sizeof(struct cupel__index_slot), _Alignof(max_align_t));
    table->slots = NULL;
    table->capacity = 0;
    table->used = 0;
}

/* Makes room for `count` keys with a quarter of the slots empty. */
static bool table_reserve(struct cupel_index *index, struct cupel__index_table *old, size_t count) {
    size_t capacity = old->capacity == 0 ? CAPACITY_FIRST : old->capacity;
    while (capacity / 4 * 3 < count) {
        capacity *= 2;
    }
    if (capacity == old->capacity) {
        return true;
    }
    struct cupel__index_table new = {
        cupel_alloc_zeroed(index->memory, capacity * sizeof(struct cupel__index_slot), _Alignof(max_align_t)), capacity,
        old->used};
    if (new.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < old->capacity; i++) {
        if (old->slots[i].number != 0) {
            new.slots[slot_of(&new, old->slots[i].key, old->slots[i].number)] = old->slots[i];
        }
    }
    table_free(index, old);
    *old = new;
    return true;
}

static void table_put(struct cupel__index_table *table, uint64_t key, uint32_t number) {
    table->slots[slot_of(table, key, number)] = (struct cupel__index_slot){key, number};
    table->used++;
}

static void table_take(struct cupel__index_table *table, size_t hole) {
    struct cupel__index_slot *slots = table->slots;
    size_t mask = table->capacity - 1;
    table->used--;
    /* A later slot of the run may fill the hole unless its home lies between the hole and itself. */
    for (size_t i = (hole + 1) & mask; slots[i].number != 0; i = (i + 1) & mask) {
        size_t home = home_of(slots[i].key, table->capacity);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            slots[hole] = slots[i];
            hole = i;
        }
    }
    slots[hole].number = 0;
}

/* The lengths of blocks: span 0 is up to 64 bytes, each other up to eight times the one before. */

static unsigned span_of(size_t size) {
    unsigned bits = size <= 1 ? 0 : 64 - (unsigned)__builtin_clzll((unsigned long long)size - 1);
    return bits <= SPAN_LOG_FIRST ? 0 : (bits - SPAN_LOG_FIRST + SPAN_LOG_STEP - 1) / SPAN_LOG_STEP;
}

static unsigned span_log(unsigned span) {
    return SPAN_LOG_FIRST + span * SPAN_LOG_STEP;
}

static uint64_t span_key(unsigned span, uintptr_t base) {
    return (span_log(span) < 64 ? (uint64_t)base >> span_log(span) : 0) | (uint64_t)span << SPAN_KEY_SHIFT;
}

static bool has_extents(const struct cupel_index *index) {
    return index->table.hash.extents.slots != NULL;
}

static void extent_put(struct cupel_index *index, uint32_t number) {
    const struct cupel_extent *extent = cupel__index_record(index, number);
    unsigned span = span_of(extent->size);
    index->table.hash.spans[span]++;
    table_put(&index->table.hash.extents, span_key(span, (uintptr_t)extent->base), number);
}

static void extent_take(struct cupel_index *index, uint32_t number) {
    const struct cupel_extent *extent = cupel__index_record(index, number);
    unsigned span = span_of(extent->size);
    struct cupel__index_table *extents = &index->table.hash.extents;
    size_t at = slot_of(extents, span_key(span, (uintptr_t)extent->base), number);
    assert(extents->slots[at].number == number); /* LCOV_EXCL_BR_LINE(each block has its extent) */
    index->table.hash.spans[span]--;
    table_take(extents, at);
}

static void extents_free(struct cupel_index *index) {
    table_free(index, &index->table.hash.extents);
    for (unsigned span = 0; span < CUPEL__INDEX_SPANS; span++) {
        index->table.hash.spans[span] = 0;
    }
}

static bool extents_make(struct cupel_index *index) {
    const struct cupel__index_table *starts = &index->table.hash.starts;
    if (!table_reserve(index, &index->table.hash.extents, starts->used)) {
        return false;
    }
    for (size_t i = 0; i < starts->capacity; i++) {
        if (starts->slots[i].number != 0) {
            extent_put(index, starts->slots[i].number);
        }
    }
    return true;
}

/* The operations */

static enum cupel_index_status hash_add(struct cupel_index *index, uint32_t number, uintptr_t base) {
    struct cupel__index_table *starts = &index->table.hash.starts;
    if (!table_reserve(index, starts, starts->used + 1)) {
        return CUPEL_INDEX_NO_MEMORY;
    }
    size_t at = slot_of(starts, base, 0);
    if (starts->slots[at].number != 0) {
        return CUPEL_INDEX_TAKEN;
    }
    starts->slots[at] = (struct cupel__index_slot){base, number};
    starts->used++;
    if (has_extents(index)) {
        if (table_reserve(index, &index->table.hash.extents, starts->used)) {
            extent_put(index, number);
        } else {
            extents_free(index); /* to be made again when somebody asks */
        }
    }
    return CUPEL_INDEX_OK;
}

static uint32_t hash_find(const struct cupel_index *index, uintptr_t base) {
    const struct cupel__index_table *starts = &index->table.hash.starts;
    return starts->slots == NULL ? 0 : starts->slots[slot_of(starts, base, 0)].number;
}

static uint32_t hash_take(struct cupel_index *index, uintptr_t base) {
    struct cupel__index_table *starts = &index->table.hash.starts;
    size_t at = starts->slots == NULL ? 0 : slot_of(starts, base, 0);
    uint32_t number = starts->slots == NULL ? 0 : starts->slots[at].number;
    if (number != 0) {
        table_take(starts, at);
        if (has_extents(index)) {
            extent_take(index, number);
        }
    }
    return number;
}

/* The block that holds the address, among those of one bin. */
static uint32_t holder_in_bin(const struct cupel_index *index, uint64_t key, uintptr_t address) {
    const struct cupel__index_table *extents = &index->table.hash.extents;
    for (size_t i = home_of(key, extents->capacity); extents->slots[i].number != 0;
         i = (i + 1) & (extents->capacity - 1)) {
        uint32_t number = extents->slots[i].number;
        if (extents->slots[i].key == key && cupel__index_base(index, number) <= address &&
            cupel__index_holds(index, number, address)) {
            return number;
        }
    }
    return 0;
}

static uint32_t holder_without_table(const struct cupel_index *index, uintptr_t address) {
    const struct cupel__index_table *starts = &index->table.hash.starts;
    for (size_t i = 0; i < starts->capacity; i++) {
        const struct cupel__index_slot *slot = &starts->slots[i];
        if (slot->number != 0 && slot->key <= address && cupel__index_holds(index, slot->number, address)) {
            return slot->number;
        }
    }
    return 0;
}

static uint32_t hash_holder(struct cupel_index *index, uintptr_t address) {
    if (!has_extents(index) && !extents_make(index)) {
        return holder_without_table(index, address);
    }
    uint32_t found = 0;
    for (unsigned span = 0; span < CUPEL__INDEX_SPANS && found == 0; span++) {
        if (index->table.hash.spans[span] == 0) {
            continue;
        }
        uint64_t key = span_key(span, address);
        bool is_first = (key << (64 - SPAN_KEY_SHIFT)) == 0;
        found = holder_in_bin(index, key, address);
        found = found == 0 && !is_first ? holder_in_bin(index, key - 1, address) : found;
    }
    return found;
}

static void hash_resize(struct cupel_index *index, uint32_t number, size_t size) {
    if (has_extents(index)) {
        extent_take(index, number);
    }
    cupel__index_record(index, number)->size = size;
    if (has_extents(index)) {
        extent_put(index, number);
    }
}

static void hash_deinit(struct cupel_index *index) {
    extents_free(index);
    table_free(index, &index->table.hash.starts);
}

static size_t hash_memory_bytes(const struct cupel_index *index) {
    return (index->table.hash.starts.capacity + index->table.hash.extents.capacity) * sizeof(struct cupel__index_slot);
}

/* Walks: the bases in the range, sorted */

static void sift_down(uintptr_t *bases, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && bases[child] < bases[child + 1];
        if (bases[root] >= bases[child]) {
            return;
        }
        uintptr_t swapped = bases[root];
        bases[root] = bases[child];
        bases[child] = swapped;
    }
}

/* Heapsort: in place, where qsort may call malloc. */
static void sort(uintptr_t *bases, size_t count) {
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(bases, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        uintptr_t last = bases[0];
        bases[0] = bases[end];
        bases[end] = last;
        sift_down(bases, 0, end);
    }
}

static bool is_in(const struct cupel__index_walk *walk, const struct cupel__index_slot *slot) {
    return slot->number != 0 && slot->key >= walk->low && slot->key <= walk->last;
}

/* Without memory: the lowest base from `low` on, again and again. */
static bool walk_slowly(const struct cupel_index *index, const struct cupel__index_walk *walk) {
    const struct cupel__index_table *starts = &index->table.hash.starts;
    struct cupel__index_walk rest = *walk;
    for (;;) {
        const struct cupel__index_slot *next = NULL;
        for (size_t i = 0; i < starts->capacity; i++) {
            if (is_in(&rest, &starts->slots[i]) && (next == NULL || starts->slots[i].key < next->key)) {
                next = &starts->slots[i];
            }
        }
        if (next == NULL) {
            return true;
        }
        if (!walk->visit(walk->user, cupel__index_record(index, next->number))) {
            return false;
        }
        rest.low = (uintptr_t)next->key + 1;
    }
}

static bool hash_walk(const struct cupel_index *index, const struct cupel__index_walk *walk) {
    const struct cupel__index_table *starts = &index->table.hash.starts;
    size_t count = 0;
    for (size_t i = 0; i < starts->capacity; i++) {
        count += is_in(walk, &starts->slots[i]);
    }
    if (count == 0) {
        return true;
    }
    uintptr_t *bases = cupel_alloc(index->memory, count * sizeof *bases, _Alignof(uintptr_t));
    if (bases == NULL) {
        return walk_slowly(index, walk);
    }
    size_t used = 0;
    for (size_t i = 0; i < starts->capacity; i++) {
        if (is_in(walk, &starts->slots[i])) {
            bases[used++] = (uintptr_t)starts->slots[i].key;
        }
    }
    sort(bases, count);
    bool goes_on = true;
    for (size_t i = 0; i < count && goes_on; i++) {
        goes_on = walk->visit(walk->user, cupel__index_record(index, hash_find(index, bases[i])));
    }
    cupel_free(index->memory, bases, count * sizeof *bases, _Alignof(uintptr_t));
    return goes_on;
}

const struct cupel__index_ops cupel__index_hash = {.kind = CUPEL_INDEX_HASH,
                                                   .add = hash_add,
                                                   .find = hash_find,
                                                   .take = hash_take,
                                                   .holder = hash_holder,
                                                   .resize = hash_resize,
                                                   .walk = hash_walk,
                                                   .deinit = hash_deinit,
                                                   .memory_bytes = hash_memory_bytes};
