/* The arena's interface: cutting blocks from the current page, and what may be done to the newest one. See arena.h. */
#include "alloc/arena.h"

#include "alloc/base/poison.h"
#include "alloc/src/arena_page.h"

#include <assert.h>
#include <string.h>

static struct cupel_arena *arena_of(struct cupel_allocator *self) {
    return (struct cupel_arena *)self;
}

/* The bytes that a small block takes, the gap behind it included. */
static size_t footprint(const struct cupel_arena *arena, size_t size) {
    return (size == 0 ? 1 : size) + arena->options.redzone;
}

/* Follows from size and alignment alone, so that both need not be stored. */
static bool is_large(const struct cupel_arena *arena, size_t size, size_t align) {
    return size + align > arena->options.large_size;
}

/* Whether this small block ends at the cursor and no mark stands behind it. */
static bool is_newest(const struct cupel_arena *arena, const unsigned char *block, size_t size) {
    return block >= arena->floor && block + footprint(arena, size) == arena->cursor;
}

static bool cut(struct cupel_arena *arena, size_t size, size_t align, unsigned char **block) {
    size_t padding = (size_t)(-(uintptr_t)arena->cursor & (align - 1));
    size_t free_bytes = (size_t)(arena->end - arena->cursor);
    size_t needed = padding + footprint(arena, size);
    if (needed > free_bytes) {
        return false;
    }
    *block = arena->cursor + padding;
    arena->cursor += needed;
    return true;
}

static void *acquire_small(struct cupel_arena *arena, size_t size, size_t align, const void *site) {
    /* With gaps, blocks begin on the checkers' granule. */
    size_t cut_align = arena->options.redzone != 0 && align < 8 ? 8 : align;
    unsigned char *block;
    if (!cut(arena, size, cut_align, &block)) {
        if (!cupel__arena_next_page(arena, site)) {
            return NULL;
        }
        bool has_cut = cut(arena, size, cut_align, &block);
        assert(has_cut); /* every page holds every small block; LCOV_EXCL_BR_LINE(so this holds always) */
        (void)has_cut;
    }
    cupel__pool_block(arena->is_watched, arena->current, block, size);
    return block;
}

static void *acquire(struct cupel_arena *arena, size_t size, size_t align, unsigned flags, const void *site) {
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    void *block = is_large(arena, size, align) ? cupel__arena_large_acquire(arena, size, align, site)
                                               : acquire_small(arena, size, align, site);
    if (block != NULL && (flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static void *arena_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    return acquire(arena_of(self), size, align, flags, site);
}

void *cupel_arena_alloc(struct cupel_arena *arena, size_t size, size_t align) {
    return acquire(arena, size, align, 0, CUPEL_SITE());
}

/* The page of a small block, for valgrind alone: nothing else needs to know. */
static struct cupel_arena_page *pool_of(const struct cupel_arena *arena, const unsigned char *block) {
    struct cupel_arena_page *page = NULL;
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (arena->is_watched) {
        for (page = arena->first; page != NULL; page = page->next) {
            if (block >= cupel__arena_data(page) && block < (unsigned char *)page + page->size) {
                break;
            }
        }
        assert(page != NULL);
    }
    /* LCOV_EXCL_STOP */
    return page;
}

static bool resize_small(struct cupel_arena *arena, unsigned char *block, size_t size, size_t new_size) {
    bool is_last = is_newest(arena, block, size);
    if (new_size > size && (!is_last || footprint(arena, new_size) > (size_t)(arena->end - block))) {
        return false;
    }
    if (is_last) {
        cupel__arena_note_peak(arena);
        arena->cursor = block + footprint(arena, new_size);
    }
    cupel__pool_resize(arena->is_watched, pool_of(arena, block), block, new_size);
    if (new_size > size) {
        cupel__unhide(arena->is_watched, block + size, new_size - size);
    } else {
        cupel__hide(arena->is_watched, block + new_size, size - new_size);
    }
    return true;
}

static bool arena_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel_arena *arena = arena_of(self);
    if (!cupel_request_is_valid(new_size, align)) {
        return false;
    }
    if (new_size == size) {
        return true;
    }
    if (is_large(arena, size, align) != is_large(arena, new_size, align)) {
        return false;
    }
    if (is_large(arena, size, align)) {
        cupel__arena_note_peak(arena);
        return cupel__arena_large_resize(arena, block, size, align, new_size, site);
    }
    return resize_small(arena, block, size, new_size);
}

static void arena_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel_arena *arena = arena_of(self);
    cupel__arena_note_peak(arena);
    if (is_large(arena, size, align)) {
        cupel__arena_large_release(arena, block, align, site);
        return;
    }
    cupel__pool_drop(arena->is_watched, pool_of(arena, block), block, size);
    if (is_newest(arena, block, size)) {
        arena->cursor = block;
    }
}

static void *arena_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    struct cupel_arena *arena = arena_of(self);
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    unsigned char *moved = block;
    if (!arena_resize(self, block, size, align, new_size, site)) {
        if (is_large(arena, size, align) && is_large(arena, new_size, align)) {
            moved = cupel__arena_large_remap(arena, block, size, align, new_size, site);
        } else {
            moved = acquire(arena, new_size, align, 0, site);
            if (moved != NULL) {
                memcpy(moved, block, size < new_size ? size : new_size);
                arena_release(self, block, size, align, site);
            }
        }
    }
    if (moved != NULL && (flags & CUPEL_ZEROED) != 0 && new_size > size) {
        memset(moved + size, 0, new_size - size);
    }
    return moved;
}

static const struct cupel_allocator_ops arena_ops = {
    .name = "arena", .acquire = arena_acquire, .resize = arena_resize, .remap = arena_remap, .release = arena_release};

struct cupel_allocator *cupel_arena_init(struct cupel_arena *arena, struct cupel_allocator *parent,
                                         const struct cupel_arena_options *options) {
    *arena = (struct cupel_arena){.base.ops = &arena_ops, .parent = parent, .is_watched = cupel__is_watched()};
    struct cupel_arena_options *set = &arena->options;
    if (options != NULL) {
        *set = *options;
    }
    if (set->page_size == 0) {
        set->page_size = CUPEL_ARENA_PAGE_DEFAULT;
    }
    if (set->page_size_max == 0) {
        set->page_size_max = set->page_size > CUPEL_ARENA_PAGE_LIMIT ? set->page_size : CUPEL_ARENA_PAGE_LIMIT;
    }
    if (set->large_size == 0) {
        set->large_size = set->page_size / 4;
    }
    /* LCOV_EXCL_START(under valgrind or AddressSanitizer, which are runs of their own) */
    if (set->redzone == 0 && (CUPEL__HAS_ASAN || arena->is_watched)) {
        set->redzone = CUPEL_ARENA_REDZONE;
    }
    /* LCOV_EXCL_STOP */
    assert(set->page_size >= CUPEL_ARENA_PAGE_MIN && set->page_size_max >= set->page_size);
    assert(set->page_size_max <= PTRDIFF_MAX);
    assert(set->large_size <= set->page_size / 2);
    assert(set->redzone % 8 == 0 && set->redzone <= set->page_size / 4);
    /* A rewind to the beginning leaves the arena as a new one is: standing nowhere. */
    arena->cursor = arena->end = arena->floor = (unsigned char *)arena;
    return &arena->base;
}
