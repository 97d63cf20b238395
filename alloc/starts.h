/* Start bits: the cheapest index of a heap, to be kept live in a whole program. A bit for each 16 bytes of address says
 * whether a block begins there, in one table as long as the address space, of which only what stands for used addresses
 * takes memory: Kell's memtable with bins so short that a bit is enough. What else is to be known of a block stands in
 * its own last bytes, its trailer, as his records stand in the chunks: 48 bits of site and 16 that give the size.
 *
 *     block, base to base + size      slack       trailer
 *     |bbbbbbbbbbbbbbbbbbbbbbbbbbbb|............|tttttttt|        usable bytes, as the allocator beneath has them
 *
 * So allocation and release touch the block, which the program does as well, and one word of bits: a line of cache for
 * 8 KiB of heap. The price: who writes far enough behind a block destroys its trailer. alloc/index.h keeps all that it
 * knows to itself, for blocks of any address.
 *
 * Nothing here recurses, calls malloc, or takes a lock. Locking: one thread at a time. */
#ifndef ALLOC_STARTS_H
#define ALLOC_STARTS_H

#include "alloc/index.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CUPEL_STARTS_ALIGN = 16,    /* bases are multiples of it */
    CUPEL_TRAILER_BYTES = 8,    /* to be asked for beyond what the caller wants */
    CUPEL__STARTS_LEVELS = 8,   /* private */
    CUPEL__STARTS_ALIGN_LOG = 4 /* private */
};

/* All zero: all addresses of a process, which only the system has memory for. */
struct cupel_starts_options {
    struct cupel_allocator *memory; /* borrowed; where the table comes from. NULL: the system */
    const void *low, *high;         /* addresses that are covered, from low to before high. Both NULL: all */
};

/* Private, all of it. A zeroed one covers nothing. */
struct cupel_starts {
    uint64_t *levels[CUPEL__STARTS_LEVELS]; /* a bit for each start; then a bit for each word of the level before */
    uintptr_t low, length;                  /* the addresses that are covered */
    unsigned level_count;
    size_t word_counts[CUPEL__STARTS_LEVELS];
    struct cupel_allocator *memory; /* NULL: the system */
    size_t table_bytes;
};

/* OK; NO_MEMORY where the table cannot be had (a whole process takes a little over a terabyte of addresses),
 * OUT_OF_RANGE where high is not behind low, or passes what a process has. After a failure it is as if zeroed. */
enum cupel_index_status cupel_starts_init(struct cupel_starts *starts, const struct cupel_starts_options *options);
/* Gives the table back. A zeroed one is allowed. */
void cupel_starts_deinit(struct cupel_starts *starts);

/* private */
void cupel__starts_note(struct cupel_starts *starts, size_t word);

/* A block begins at base. OK, TAKEN, or OUT_OF_RANGE for a base that is not covered or no multiple of 16. O(1), takes
 * no memory that could be refused. */
static inline enum cupel_index_status cupel_starts_add(struct cupel_starts *starts, const void *base) {
    uintptr_t offset = (uintptr_t)base - starts->low;
    if (offset >= starts->length || offset % CUPEL_STARTS_ALIGN != 0) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    size_t place = (size_t)(offset >> CUPEL__STARTS_ALIGN_LOG);
    uint64_t *word = &starts->levels[0][place / 64];
    uint64_t old = *word;
    uint64_t bit = UINT64_C(1) << (place % 64);
    if ((old & bit) != 0) {
        return CUPEL_INDEX_TAKEN;
    }
    *word = old | bit;
    if (old == 0) {
        cupel__starts_note(starts, place / 64);
    }
    return CUPEL_INDEX_OK;
}

/* True where a block begins at base. */
static inline bool cupel_starts_at(const struct cupel_starts *starts, const void *base) {
    uintptr_t offset = (uintptr_t)base - starts->low;
    size_t place = (size_t)(offset >> CUPEL__STARTS_ALIGN_LOG);
    return offset < starts->length && offset % CUPEL_STARTS_ALIGN == 0 &&
           (starts->levels[0][place / 64] >> (place % 64) & 1) != 0;
}

/* The block at base is gone; false where none began there. O(1). */
static inline bool cupel_starts_remove(struct cupel_starts *starts, const void *base) {
    if (!cupel_starts_at(starts, base)) {
        return false;
    }
    size_t place = (size_t)(((uintptr_t)base - starts->low) >> CUPEL__STARTS_ALIGN_LOG);
    starts->levels[0][place / 64] &= ~(UINT64_C(1) << (place % 64));
    return true;
}

/* The last block that begins at or before the address, and the first that begins at or behind it; NULL where there is
 * none. O(1), and what a search finds empty the next one passes over. */
const void *cupel_starts_before(struct cupel_starts *starts, const void *address);
const void *cupel_starts_behind(struct cupel_starts *starts, const void *address);
/* Bytes of the table; where it comes from the system what its blocks made it touch, about. */
size_t cupel_starts_memory_bytes(struct cupel_starts *starts);

/* Writes the trailer of the block at base, which the allocator beneath gave at least `size` + CUPEL_TRAILER_BYTES and
 * says to have `usable` bytes. 48 bits are the site's, and 16 say how much of the block the program did not ask for;
 * where that is more, the size itself stands before the trailer, and there is room for it. */
static inline void cupel_trailer_write(void *base, size_t usable, size_t size, const void *site) {
    unsigned char *trailer = (unsigned char *)base + usable - CUPEL_TRAILER_BYTES;
    uint64_t slack = usable - CUPEL_TRAILER_BYTES - size;
    if (slack >= UINT64_C(0xffff)) {
        slack = UINT64_C(0xffff);
        memcpy(trailer - sizeof size, &size, sizeof size);
    }
    uint64_t word = slack << 48 | ((uint64_t)(uintptr_t)site & (UINT64_MAX >> 16));
    memcpy(trailer, &word, sizeof word);
}

/* Reads it; of one that was overwritten the size is at most what fits before the trailer. */
void cupel_trailer_read(const void *base, size_t usable, size_t *size, const void **site);

/* What is known of a block with a trailer. */
struct cupel_start {
    const void *base;
    size_t size;
    const void *site;
};

/* The block that holds the address, from its base to its last byte (of size 0: its base); false where there is none.
 * `usable` answers as malloc_usable_size does. */
bool cupel_starts_find(struct cupel_starts *starts, const void *address, size_t (*usable)(void *base),
                       struct cupel_start *found);

#ifdef __cplusplus
}
#endif

#endif
