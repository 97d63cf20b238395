/* The arena's large blocks: each on a page of its own, in a list with the newest first. The list stays sorted by
 * serial number, also when a block moves, so that a rewind takes from the front until it meets the mark.
 *
 *      page                     block (aligned)
 *     +--------+---------------+------------------+
 *     | header | gap, hidden   | size bytes       |
 *     +--------+---------------+------------------+
 */
#include "alloc/base/poison.h"
#include "alloc/src/arena_page.h"

#include <string.h>

/* From the page's beginning to its block. */
static size_t block_offset(const struct cupel_arena *arena, size_t align) {
    size_t offset = sizeof(struct cupel_arena_page) + arena->options.redzone;
    return (offset + align - 1) & ~(align - 1);
}

static size_t page_align(size_t align) {
    return align > CUPEL__ARENA_ALIGN ? align : CUPEL__ARENA_ALIGN;
}

static size_t at_least_one(size_t size) {
    return size == 0 ? 1 : size;
}

static struct cupel_arena_page *page_of(const struct cupel_arena *arena, void *block, size_t align) {
    return (void *)((unsigned char *)block - block_offset(arena, page_align(align)));
}

/* The neighbours point to the page again, after it moved or is new. */
static void link_page(struct cupel_arena *arena, struct cupel_arena_page *page) {
    *(page->previous == NULL ? &arena->large : &page->previous->next) = page;
    if (page->next != NULL) {
        page->next->previous = page;
    }
}

static void unlink_page(struct cupel_arena *arena, struct cupel_arena_page *page) {
    *(page->previous == NULL ? &arena->large : &page->previous->next) = page->next;
    if (page->next != NULL) {
        page->next->previous = page->previous;
    }
}

/* The gap between header and block. */
static size_t gap_size(struct cupel_arena_page *page, unsigned char *block) {
    return (size_t)(block - cupel__arena_data(page));
}

/* The list knows the page, and the checkers know its block. */
static void begin_page(struct cupel_arena *arena, struct cupel_arena_page *page, unsigned char *block, size_t size) {
    link_page(arena, page);
    arena->large_bytes += page->size;
    cupel__hide(arena->is_watched, page + 1, gap_size(page, block));
    cupel__pool_begin(arena->is_watched, page);
    cupel__pool_block(arena->is_watched, page, block, size);
}

void *cupel__arena_large_acquire(struct cupel_arena *arena, size_t size, size_t align, const void *site) {
    size_t offset = block_offset(arena, page_align(align));
    size_t page_size = offset + at_least_one(size);
    struct cupel_arena_page *page = arena->parent->ops->acquire(arena->parent, page_size, page_align(align), 0, site);
    if (page == NULL) {
        return NULL;
    }
    *page = (struct cupel_arena_page){
        .next = arena->large, .size = page_size, .align = page_align(align), .serial = ++arena->large_serial};
    unsigned char *block = (unsigned char *)page + offset;
    begin_page(arena, page, block, size);
    return block;
}

/* Gives a page back that no list knows any more. */
static void forget_page(struct cupel_arena *arena, struct cupel_arena_page *page, const void *site) {
    arena->large_bytes -= page->size;
    cupel__pool_end(arena->is_watched, page);
    cupel__unhide(arena->is_watched, page + 1, page->size - sizeof *page);
    arena->parent->ops->release(arena->parent, page, page->size, page->align, site);
}

static void return_page(struct cupel_arena *arena, struct cupel_arena_page *page, const void *site) {
    unlink_page(arena, page);
    forget_page(arena, page, site);
}

void cupel__arena_large_release(struct cupel_arena *arena, void *block, size_t align, const void *site) {
    return_page(arena, page_of(arena, block, align), site);
}

bool cupel__arena_large_resize(struct cupel_arena *arena, void *block, size_t size, size_t align, size_t new_size,
                               const void *site) {
    struct cupel_arena_page *page = page_of(arena, block, align);
    size_t page_size = block_offset(arena, page->align) + at_least_one(new_size);
    if (!arena->parent->ops->resize(arena->parent, page, page->size, page->align, page_size, site)) {
        return false;
    }
    arena->large_bytes += page_size - page->size;
    page->size = page_size;
    cupel__pool_resize(arena->is_watched, page, block, new_size);
    if (new_size > size) {
        cupel__unhide(arena->is_watched, (char *)block + size, new_size - size);
    }
    return true;
}

/* Under valgrind: by copying the block alone, since the parent would read the hidden gap, and what memcheck knows of
 * the block's bytes is to come along. */
/* LCOV_EXCL_START(under valgrind, which is a run of its own) */
static void *move_watched(struct cupel_arena *arena, struct cupel_arena_page *page, unsigned char *block, size_t size,
                          size_t new_size, const void *site) {
    size_t offset = (size_t)(block - (unsigned char *)page);
    size_t page_size = offset + at_least_one(new_size);
    struct cupel_arena_page *moved = arena->parent->ops->acquire(arena->parent, page_size, page->align, 0, site);
    if (moved == NULL) {
        return NULL;
    }
    *moved = *page;
    moved->size = page_size;
    unsigned char *moved_block = (unsigned char *)moved + offset;
    begin_page(arena, moved, moved_block, new_size);
    memcpy(moved_block, block, size < new_size ? size : new_size);
    forget_page(arena, page, site);
    return moved_block;
}
/* LCOV_EXCL_STOP */

void *cupel__arena_large_remap(struct cupel_arena *arena, void *block, size_t size, size_t align, size_t new_size,
                               const void *site) {
    struct cupel_arena_page *page = page_of(arena, block, align);
    if (arena->is_watched) {                                           /* LCOV_EXCL_BR_LINE(under valgrind) */
        return move_watched(arena, page, block, size, new_size, site); /* LCOV_EXCL_LINE(under valgrind) */
    }
    size_t offset = (size_t)((unsigned char *)block - (unsigned char *)page);
    size_t page_size = offset + at_least_one(new_size);
    size_t old_page_size = page->size;
    cupel__unhide(false, page + 1, gap_size(page, block)); /* the parent may copy it */
    struct cupel_arena_page *moved =
        arena->parent->ops->remap(arena->parent, page, page->size, page->align, page_size, 0, site);
    if (moved == NULL) {
        cupel__hide(false, page + 1, gap_size(page, block));
        return NULL;
    }
    arena->large_bytes += page_size - old_page_size;
    moved->size = page_size;
    link_page(arena, moved);
    unsigned char *moved_block = (unsigned char *)moved + offset;
    cupel__hide(false, moved + 1, gap_size(moved, moved_block));
    if (new_size > size) {
        cupel__unhide(false, moved_block + size, new_size - size);
    }
    return moved_block;
}

void cupel__arena_large_rewind(struct cupel_arena *arena, uint64_t serial, const void *site) {
    while (arena->large != NULL && arena->large->serial > serial) {
        return_page(arena, arena->large, site);
    }
}
