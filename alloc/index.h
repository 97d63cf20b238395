/* The address index: from any address to the block that holds it. The first back end is a hash of block starts; the
 * header is final, others (linear memtable, page index) come behind it. Memory comes from mmap, never from an
 * allocator. One thread at a time. */
#ifndef ALLOC_INDEX_H
#define ALLOC_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUPEL_INDEX_FRAMES = 8 };

/* What is known of one block. */
struct cupel_block {
    const void *base;
    size_t size;
    size_t align;
    uint64_t serial; /* 1 for the first block */
    unsigned frame_count;
    const void *frames[CUPEL_INDEX_FRAMES]; /* stack of the allocation, innermost first */
};

struct cupel_index_slots; /* private to the back end */

struct cupel_index {
    struct cupel_index_slots *slots;
    size_t count;
    size_t capacity;
    uintptr_t lowest, highest;
};

void cupel_index_init(struct cupel_index *index);
void cupel_index_deinit(struct cupel_index *index);
/* Adds a block; false when out of memory. A block already there at this base is a programmer error (asserts). */
bool cupel_index_insert(struct cupel_index *index, const struct cupel_block *block);
/* The block that starts at base, or NULL. Borrowed until the next insert or remove. O(1). */
struct cupel_block *cupel_index_at(const struct cupel_index *index, const void *base);
/* The block that holds this address (interior pointers too), or NULL. The hash back end walks: O(n). */
struct cupel_block *cupel_index_containing(const struct cupel_index *index, const void *address);
/* Removes; false where there is none. O(1). */
bool cupel_index_remove(struct cupel_index *index, const void *base);
/* Calls visit for each block, in no order; stops where it returns false. */
void cupel_index_walk(const struct cupel_index *index, bool (*visit)(void *user, const struct cupel_block *block),
                      void *user);

#endif
