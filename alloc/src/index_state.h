/* What the back ends of the address index share: records by their numbers, and the table of operations. Records are
 * numbered from 1, so that 0 is none; behind each stands a link, for whatever chains its back end makes. */
#ifndef ALLOC_SRC_INDEX_STATE_H
#define ALLOC_SRC_INDEX_STATE_H

#include "alloc/index.h"

/* A walk over bases from `low` to `last`, both included. */
struct cupel__index_walk {
    uintptr_t low, last;
    cupel_index_visit visit;
    void *user;
};

struct cupel__index_ops {
    enum cupel_index_kind kind;
    /* The record is filled, with this base, and in no table. OK, NO_MEMORY, TAKEN or OUT_OF_RANGE. */
    enum cupel_index_status (*add)(struct cupel_index *index, uint32_t number, uintptr_t base);
    /* The number of the block that begins at base, or 0. */
    uint32_t (*find)(const struct cupel_index *index, uintptr_t base);
    /* The same, and takes it out of the tables; its record stays filled. */
    uint32_t (*take)(struct cupel_index *index, uintptr_t base);
    /* The number of a block that begins before the address and holds it, or 0. */
    uint32_t (*holder)(struct cupel_index *index, uintptr_t address);
    void (*resize)(struct cupel_index *index, uint32_t number, size_t size);
    /* False where the visitor ended it. */
    bool (*walk)(const struct cupel_index *index, const struct cupel__index_walk *walk);
    void (*deinit)(struct cupel_index *index);
    size_t (*memory_bytes)(const struct cupel_index *index);
};

extern const struct cupel__index_ops cupel__index_hash, cupel__index_memtable, cupel__index_pages;

/* Reserves the tables of a memtable. */
enum cupel_index_status cupel__index_memtable_init(struct cupel_index *index, const void *low, const void *high);

static inline struct cupel_extent *cupel__index_record(const struct cupel_index *index, uint32_t number) {
    return (struct cupel_extent *)(void *)(index->records + (size_t)(number - 1) * index->stride);
}

static inline uint32_t *cupel__index_link(const struct cupel_index *index, uint32_t number) {
    return (uint32_t *)(void *)(index->records + (size_t)number * index->stride - sizeof(uint32_t));
}

static inline uintptr_t cupel__index_base(const struct cupel_index *index, uint32_t number) {
    return (uintptr_t)cupel__index_record(index, number)->base;
}

/* Whether a block that begins at or before the address holds it. */
static inline bool cupel__index_holds(const struct cupel_index *index, uint32_t number, uintptr_t address) {
    const struct cupel_extent *extent = cupel__index_record(index, number);
    return address - (uintptr_t)extent->base < (extent->size == 0 ? 1 : extent->size);
}

#endif
