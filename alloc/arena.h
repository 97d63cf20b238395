/* Layer: an arena. Blocks are cut from linked pages, one after another, and go back all at once: to a mark, or all of
 * them. Nothing ever moves unless its owner asks for it through remap.
 *
 *     struct cupel_arena arena;
 *     struct cupel_allocator *a = cupel_arena_init(&arena, cupel_libc(), NULL);
 *     struct cupel_arena_mark mark = cupel_arena_mark(&arena);
 *     ... cupel_alloc(a, size, align) ...
 *     cupel_arena_rewind(&arena, mark);      everything since the mark is gone
 *     cupel_arena_deinit(&arena);
 *
 * Pages come from the parent; each is twice as big as the one before, up to a bound. Pages that a rewind empties are
 * kept for the next blocks. A block over `large_size` stands on a page of its own, which goes back to the parent as
 * soon as the block is released or rewound.
 *
 *      first page             second                current                  spare
 *     +--+------------+--+   +--+------------+     +--+-------+--------+    +--+-----------+
 *     |  | blocks     |xx|-->|  | blocks     |---->|  | blocks| free   |--->|  | free      |
 *     +--+------------+--+   +--+------------+     +--+-------+--------+    +--+-----------+
 *                                                       floor ^ cursor      ^ end
 *
 * The newest block grows, shrinks and is released in place, and so on backwards while blocks go back in the reverse of
 * their order, as far as the last mark (`floor`). Releasing any other small block gives no room back before a rewind,
 * but makes it inaccessible to ASan and memcheck. Free space is poisoned for ASan, uninitialised for MSan and, under
 * valgrind, no memory at all; there each page is a mempool, so that memcheck tells blocks apart.
 *
 * One thread at a time. Allocation is O(1) but for a new page. */
#ifndef ALLOC_ARENA_H
#define ALLOC_ARENA_H

#include "alloc/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CUPEL_ARENA_PAGE_MIN = 512,          /* smallest page, in bytes */
    CUPEL_ARENA_PAGE_DEFAULT = 64 << 10, /* first page */
    CUPEL_ARENA_PAGE_LIMIT = 1 << 20,    /* default bound of growth */
    CUPEL_ARENA_REDZONE = 16,            /* default gap behind each block under ASan and valgrind */
};

/* All zero means the defaults. */
struct cupel_arena_options {
    size_t page_size;     /* bytes of the first page, header included; at least CUPEL_ARENA_PAGE_MIN; 0: 64 KiB */
    size_t page_size_max; /* bound of growth, at least page_size; 0: 1 MiB, or page_size where that is more */
    size_t large_size;    /* size + alignment over this: a page of its own; at most page_size / 2; 0: page_size / 4 */
    size_t redzone; /* inaccessible bytes behind each block, a multiple of 8 up to page_size / 4; 0: CUPEL_ARENA_REDZONE
                       in ASan builds and under valgrind, else none */
};

struct cupel_arena_page; /* private */

struct cupel_arena {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_arena_options options; /* with the defaults filled in */
    unsigned char *cursor;              /* first free byte of the current page */
    unsigned char *end;                 /* one past the current page */
    unsigned char *floor;               /* blocks below this are not changed in place: a mark stands behind them */
    struct cupel_arena_page *first;
    struct cupel_arena_page *current; /* NULL: no block yet; pages behind it are spare */
    struct cupel_arena_page *large;   /* newest first */
    uint64_t large_serial;            /* of the newest large block ever */
    size_t large_bytes;
    size_t used_bytes_peak;
    unsigned epoch;  /* counts resets, so that a mark from before one is refused */
    bool is_watched; /* runs under valgrind */
};

/* A place to come back to. Valid until a rewind to an earlier mark, or a reset; may be used more than once. */
struct cupel_arena_mark {
    struct cupel_arena_page *page;
    unsigned char *cursor;
    uint64_t large_serial;
    size_t position; /* bytes used on small pages */
    unsigned epoch;
};

struct cupel_arena_stats {
    size_t used_bytes;      /* taken by blocks, by padding between them and by the ends of full pages */
    size_t used_bytes_peak; /* greatest used_bytes since init */
    size_t held_bytes;      /* acquired from the parent and not given back */
    size_t pages;           /* pages of small blocks, spare ones included */
    size_t spare_pages;     /* of these, empty and kept */
    size_t large_blocks;    /* each on a page of its own, beside `pages` */
};

/* An arena over `parent`, which must outlive it; `options` NULL means the defaults and is not kept. Acquires nothing
 * yet. Options out of range are a programmer error (assert). Returns the arena's interface. */
struct cupel_allocator *cupel_arena_init(struct cupel_arena *arena, struct cupel_allocator *parent,
                                         const struct cupel_arena_options *options);
/* Gives every page back; all blocks are gone. A zeroed struct is allowed. */
void cupel_arena_deinit(struct cupel_arena *arena);

/* The allocation path without the table: as cupel_alloc(&arena->base, size, align). */
void *cupel_arena_alloc(struct cupel_arena *arena, size_t size, size_t align);

/* The present place. Blocks from before it are no longer changed in place (a rewind must find them as they are): one
 * that grows moves behind the mark, and is gone with a rewind to it. */
struct cupel_arena_mark cupel_arena_mark(struct cupel_arena *arena);
/* Everything allocated since the mark is gone; its pages stay as spare ones, pages of large blocks go back to the
 * parent. A mark that is no longer valid is a programmer error (asserts what can be seen of it). O(pages) since the
 * mark. */
void cupel_arena_rewind(struct cupel_arena *arena, struct cupel_arena_mark mark);

/* Everything is gone, and all marks. Of the pages, the oldest are kept that together have at most keep_bytes (0: none;
 * SIZE_MAX: all); the others go back to the parent. O(pages). */
void cupel_arena_reset(struct cupel_arena *arena, size_t keep_bytes);
/* Gives the spare pages back to the parent; blocks and marks stay. O(pages). */
void cupel_arena_trim(struct cupel_arena *arena);

/* True where the address lies on a page of the arena up to its cursor, or on a page of a large block: the check of a
 * pointer that should have come from here. O(pages). */
bool cupel_arena_contains(const struct cupel_arena *arena, const void *address);
/* O(pages). */
struct cupel_arena_stats cupel_arena_stats(const struct cupel_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
