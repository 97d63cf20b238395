/* The hash back end of the address index: see index.h.
 *
 * Slots hold a base and the number of its block; blocks stand apart and never move but when the tables double, so that
 * probing stays in few cache lines. A removal shifts later slots of the same run back, so there are no tombstones and
 * the table is as quick after a million removals as when it was new. */
#include "alloc/index.h"

#include "alloc/pages.h"

#include <assert.h>
#include <string.h>

struct cupel_index_slot {
    uintptr_t base; /* 0: empty */
    size_t block;
};

enum { CAPACITY_FIRST = 256 };

static size_t block_room(size_t capacity) {
    return capacity / 4 * 3;
}

/* Multiplicative hashing with 2^64 divided by the golden ratio (Knuth, volume 3, 6.4): the high bits are the slot. */
static size_t home_of(uintptr_t base, size_t capacity) {
    return (size_t)(((uint64_t)base * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - __builtin_ctzll(capacity)));
}

/* The slot of this base, or the empty slot where it would go. There is always an empty one. */
static size_t slot_of(const struct cupel_index_slot *slots, size_t capacity, uintptr_t base) {
    size_t i = home_of(base, capacity);
    while (slots[i].base != 0 && slots[i].base != base) {
        i = (i + 1) & (capacity - 1);
    }
    return i;
}

void cupel_index_init(struct cupel_index *index) {
    *index = (struct cupel_index){.memory = cupel_pages(), .lowest = UINTPTR_MAX};
}

void cupel_index_deinit(struct cupel_index *index) {
    if (index->capacity != 0) {
        cupel_free(index->memory, index->slots, index->capacity * sizeof *index->slots, _Alignof(max_align_t));
        cupel_free(index->memory, index->blocks, block_room(index->capacity) * sizeof *index->blocks,
                   _Alignof(max_align_t));
    }
    cupel_index_init(index);
}

static bool grow(struct cupel_index *index) {
    size_t capacity = index->capacity == 0 ? CAPACITY_FIRST : index->capacity * 2;
    size_t slots_size = capacity * sizeof *index->slots;
    struct cupel_index_slot *slots = cupel_alloc_zeroed(index->memory, slots_size, _Alignof(max_align_t));
    if (slots == NULL) {
        return false;
    }
    struct cupel_block *blocks =
        cupel_realloc(index->memory, index->blocks, block_room(index->capacity) * sizeof *blocks, _Alignof(max_align_t),
                      block_room(capacity) * sizeof *blocks);
    if (blocks == NULL) {
        cupel_free(index->memory, slots, slots_size, _Alignof(max_align_t));
        return false;
    }
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].base != 0) {
            slots[slot_of(slots, capacity, index->slots[i].base)] = index->slots[i];
        }
    }
    cupel_free(index->memory, index->slots, index->capacity * sizeof *index->slots, _Alignof(max_align_t));
    index->slots = slots;
    index->blocks = blocks;
    index->capacity = capacity;
    return true;
}

bool cupel_index_insert(struct cupel_index *index, const struct cupel_block *block) {
    assert(block->base != NULL);
    if (index->count == block_room(index->capacity) && !grow(index)) {
        return false;
    }
    assert(index->slots != NULL);
    uintptr_t base = (uintptr_t)block->base;
    size_t slot = slot_of(index->slots, index->capacity, base);
    assert(index->slots[slot].base == 0);
    size_t at = index->blocks_used;
    if (index->free_block != 0) {
        at = index->free_block - 1;
        index->free_block = (size_t)index->blocks[at].serial;
    } else {
        index->blocks_used++;
    }
    index->blocks[at] = *block;
    index->slots[slot] = (struct cupel_index_slot){base, at};
    index->count++;
    index->lowest = base < index->lowest ? base : index->lowest;
    index->highest = base + block->size > index->highest ? base + block->size : index->highest;
    return true;
}

struct cupel_block *cupel_index_at(const struct cupel_index *index, const void *base) {
    if (index->count == 0 || base == NULL) {
        return NULL;
    }
    const struct cupel_index_slot *slot = &index->slots[slot_of(index->slots, index->capacity, (uintptr_t)base)];
    return slot->base == 0 ? NULL : &index->blocks[slot->block];
}

struct cupel_block *cupel_index_containing(const struct cupel_index *index, const void *address) {
    struct cupel_block *found = cupel_index_at(index, address);
    uintptr_t wanted = (uintptr_t)address;
    if (found != NULL || index->count == 0) {
        return found;
    }
    assert(index->blocks != NULL);
    for (size_t i = 0; i < index->capacity; i++) {
        uintptr_t base = index->slots[i].base;
        if (base != 0 && wanted > base && wanted - base < index->blocks[index->slots[i].block].size) {
            return &index->blocks[index->slots[i].block];
        }
    }
    return NULL;
}

bool cupel_index_remove(struct cupel_index *index, const void *base) {
    if (index->count == 0 || base == NULL) {
        return false;
    }
    struct cupel_index_slot *slots = index->slots;
    size_t mask = index->capacity - 1;
    size_t hole = slot_of(slots, index->capacity, (uintptr_t)base);
    if (slots[hole].base == 0) {
        return false;
    }
    index->blocks[slots[hole].block].serial = index->free_block;
    index->free_block = slots[hole].block + 1;
    index->count--;
    /* A later slot of the run may fill the hole unless its home lies between the hole and itself. */
    for (size_t i = (hole + 1) & mask; slots[i].base != 0; i = (i + 1) & mask) {
        size_t home = home_of(slots[i].base, index->capacity);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            slots[hole] = slots[i];
            hole = i;
        }
    }
    slots[hole].base = 0;
    return true;
}

void cupel_index_walk(const struct cupel_index *index, bool (*visit)(void *user, const struct cupel_block *block),
                      void *user) {
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].base != 0 && !visit(user, &index->blocks[index->slots[i].block])) {
            return;
        }
    }
}
