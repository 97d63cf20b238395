/* The arena's pages: a chain for small blocks, and a list of pages with one large block each. Private to the arena. */
#ifndef ALLOC_SRC_ARENA_PAGE_H
#define ALLOC_SRC_ARENA_PAGE_H

#include "alloc/arena.h"

#include <stdalign.h>

enum { CUPEL__ARENA_ALIGN = 16 }; /* of a page, as malloc's */

/* Stands at the beginning of each page of either kind. Never poisoned. */
struct cupel_arena_page {
    alignas(CUPEL__ARENA_ALIGN) struct cupel_arena_page *next; /* chain: the page after this; list: the older one */
    struct cupel_arena_page *previous;                         /* list: the newer one */
    size_t size;                                               /* bytes from the parent, this header included */
    size_t align;                                              /* that the parent was asked for */
    size_t used_before; /* chain: bytes used on the pages before this one, as it was when this became current */
    uint64_t serial;    /* list: as marks count them */
};

static inline unsigned char *cupel__arena_data(struct cupel_arena_page *page) {
    return (unsigned char *)(page + 1);
}

/* Bytes used on the pages of the chain. */
size_t cupel__arena_position(const struct cupel_arena *arena);
/* To be called before used_bytes falls. */
void cupel__arena_note_peak(struct cupel_arena *arena);

/* Makes the next page the current one: a spare one, or a new one from the parent. False changes nothing. */
bool cupel__arena_next_page(struct cupel_arena *arena, const void *site);

/* One block on a page of its own. The block's size and align must be those that it has now. */
void *cupel__arena_large_acquire(struct cupel_arena *arena, size_t size, size_t align, const void *site);
void cupel__arena_large_release(struct cupel_arena *arena, void *block, size_t align, const void *site);
bool cupel__arena_large_resize(struct cupel_arena *arena, void *block, size_t size, size_t align, size_t new_size,
                               const void *site);
void *cupel__arena_large_remap(struct cupel_arena *arena, void *block, size_t size, size_t align, size_t new_size,
                               const void *site);
/* Gives the pages of all large blocks newer than `serial` back. */
void cupel__arena_large_rewind(struct cupel_arena *arena, uint64_t serial, const void *site);

#endif
