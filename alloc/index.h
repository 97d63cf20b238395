/* The address index: from an address to the block that holds it, and what is known of that block.
 *
 * The header is the same for every back end; this one is a hash of block starts (open addressing, linear probes, no
 * tombstones). Its memory comes from the pages root, never from malloc, so that it works inside malloc.
 *
 * Locking: one thread at a time. Cost: insert, find and remove are O(1) on average; an insert that finds the table
 * three quarters full doubles it, which is O(n). About 150 bytes a block. */
#ifndef ALLOC_INDEX_H
#define ALLOC_INDEX_H

#include "alloc/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_INDEX_FRAMES = 8 };

/* What is known of one block. */
struct cupel_block {
    const void *base; /* not NULL */
    size_t size;
    size_t align;
    uint64_t serial; /* 1 for the first block */
    unsigned frame_count;
    const void *frames[CUPEL_INDEX_FRAMES]; /* return addresses of the allocation, innermost first */
};

struct cupel_index_slot; /* private to the back end */

struct cupel_index {
    struct cupel_allocator *memory; /* where tables come from: the pages root; another one in tests of a full machine */
    struct cupel_index_slot *slots; /* capacity of them, a power of two; NULL until the first insert */
    struct cupel_block *blocks;     /* room for capacity * 3 / 4 */
    size_t count;
    size_t capacity;
    size_t blocks_used;        /* blocks that were ever used */
    size_t free_block;         /* head of the list of unused ones among them, plus 1; 0: none */
    uintptr_t lowest, highest; /* no block begins below or ends above */
};

/* An empty index; takes no memory yet. */
void cupel_index_init(struct cupel_index *index);
/* Gives the tables back; the index is empty and may be used again. A zeroed index is allowed. */
void cupel_index_deinit(struct cupel_index *index);
/* Copies `block` in; false when out of memory, and then the index is as it was. A block that is there already at this
 * base, and a NULL base, are programmer errors (asserts). */
bool cupel_index_insert(struct cupel_index *index, const struct cupel_block *block);
/* The block that starts at base, or NULL. Borrowed until the next insert or remove; its size, serial and frames may be
 * changed in place, its base may not. */
struct cupel_block *cupel_index_at(const struct cupel_index *index, const void *base);
/* The block that holds this address (from its base to its last byte; a block of size 0 holds its base), or NULL.
 * Borrowed like cupel_index_at. This back end looks at every block where the address is not a base: O(n). */
struct cupel_block *cupel_index_containing(const struct cupel_index *index, const void *address);
/* Removes the block that starts at base; false where there is none. Never takes memory. */
bool cupel_index_remove(struct cupel_index *index, const void *base);
/* Calls visit for each block, in no order, until it returns false. It must not change the index. */
void cupel_index_walk(const struct cupel_index *index, bool (*visit)(void *user, const struct cupel_block *block),
                      void *user);

#ifdef __cplusplus
}
#endif

#endif
