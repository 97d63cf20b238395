/* The arena's chain of pages for small blocks: entering the next one, marks, rewinding, giving pages back. The chain is
 * in the order of use; pages behind the current one are spare and wholly hidden. */
#include "alloc/src/arena_page.h"
#include "alloc/base/poison.h"

#include <assert.h>

size_t cupel__arena_position(const struct cupel_arena *arena) {
    if (arena->current == NULL) {
        return 0;
    }
    return arena->current->used_before + (size_t)(arena->cursor - cupel__arena_data(arena->current));
}

static size_t used_bytes(const struct cupel_arena *arena) {
    return cupel__arena_position(arena) + arena->large_bytes;
}

void cupel__arena_note_peak(struct cupel_arena *arena) {
    size_t used = used_bytes(arena);
    if (used > arena->used_bytes_peak) {
        arena->used_bytes_peak = used;
    }
}

/* No current page: there is no room from the arena's own address on, so that the first request asks for a page. */
static void stand_nowhere(struct cupel_arena *arena) {
    arena->current = NULL;
    arena->cursor = arena->end = arena->floor = (unsigned char *)arena;
}

static size_t next_size(const struct cupel_arena *arena) {
    if (arena->current == NULL) {
        return arena->options.page_size;
    }
    size_t size = arena->current->size;
    return size > arena->options.page_size_max / 2 ? arena->options.page_size_max : size * 2;
}

static struct cupel_arena_page *acquire_page(struct cupel_arena *arena, const void *site) {
    size_t size = next_size(arena);
    struct cupel_arena_page *page = arena->parent->ops->acquire(arena->parent, size, CUPEL__ARENA_ALIGN, 0, site);
    if (page == NULL) {
        return NULL;
    }
    *page = (struct cupel_arena_page){.size = size, .align = CUPEL__ARENA_ALIGN};
    cupel__hide(arena->is_watched, page + 1, size - sizeof *page);
    cupel__pool_begin(arena->is_watched, page);
    *(arena->current == NULL ? &arena->first : &arena->current->next) = page;
    return page;
}

bool cupel__arena_next_page(struct cupel_arena *arena, const void *site) {
    struct cupel_arena_page *page = arena->current == NULL ? arena->first : arena->current->next;
    if (page == NULL) {
        page = acquire_page(arena, site);
        if (page == NULL) {
            return false;
        }
    }
    /* What is left of the page before counts as used: nothing else will stand there before a rewind. */
    size_t used_before = 0;
    if (arena->current != NULL) {
        used_before = arena->current->used_before + arena->current->size - sizeof *page;
    }
    page->used_before = used_before;
    arena->current = page;
    arena->cursor = arena->floor = cupel__arena_data(page);
    arena->end = (unsigned char *)page + page->size;
    return true;
}

struct cupel_arena_mark cupel_arena_mark(struct cupel_arena *arena) {
    arena->floor = arena->cursor;
    return (struct cupel_arena_mark){.page = arena->current,
                                     .cursor = arena->cursor,
                                     .large_serial = arena->large_serial,
                                     .position = cupel__arena_position(arena),
                                     .epoch = arena->epoch};
}

#ifndef NDEBUG
/* Whether this page, which is not NULL, stands in the chain, not behind the current one. */
static bool is_in_use(const struct cupel_arena *arena, const struct cupel_arena_page *page) {
    const struct cupel_arena_page *other = arena->first;
    while (other != page && other != arena->current) { /* where none is current, to the end */
        other = other->next;
    }
    return other == page;
}
#endif

/* Hides everything from `cursor` on `page` to the present place. */
static void hide_since(struct cupel_arena *arena, struct cupel_arena_page *page, unsigned char *cursor) {
    while (page != NULL) {
        unsigned char *data = cupel__arena_data(page);
        cupel__pool_trim(arena->is_watched, page, data, (size_t)(cursor - data), page->size - sizeof *page);
        page = page == arena->current ? NULL : page->next;
        cursor = page == NULL ? NULL : cupel__arena_data(page);
    }
}

void cupel_arena_rewind(struct cupel_arena *arena, struct cupel_arena_mark mark) {
    assert(mark.epoch == arena->epoch);
    assert(mark.position <= cupel__arena_position(arena));
    assert(mark.page == NULL || is_in_use(arena, mark.page));
    cupel__arena_note_peak(arena);
    cupel__arena_large_rewind(arena, mark.large_serial, CUPEL_SITE());
    if (arena->current == NULL) {
        return;
    }
    if (mark.page == NULL) {
        hide_since(arena, arena->first, cupel__arena_data(arena->first));
        stand_nowhere(arena);
        return;
    }
    hide_since(arena, mark.page, mark.cursor);
    arena->current = mark.page;
    arena->cursor = arena->floor = mark.cursor;
    arena->end = (unsigned char *)mark.page + mark.page->size;
}

/* Gives this page and those behind it back. */
static void return_pages(struct cupel_arena *arena, struct cupel_arena_page *page, const void *site) {
    while (page != NULL) {
        struct cupel_arena_page *next = page->next;
        cupel__pool_end(arena->is_watched, page);
        cupel__unhide(arena->is_watched, page + 1, page->size - sizeof *page);
        arena->parent->ops->release(arena->parent, page, page->size, page->align, site);
        page = next;
    }
}

static void reset(struct cupel_arena *arena, size_t keep_bytes, const void *site) {
    cupel_arena_rewind(arena, (struct cupel_arena_mark){.epoch = arena->epoch});
    struct cupel_arena_page **link = &arena->first;
    while (*link != NULL && (*link)->size <= keep_bytes) {
        keep_bytes -= (*link)->size;
        link = &(*link)->next;
    }
    struct cupel_arena_page *rest = *link;
    *link = NULL;
    return_pages(arena, rest, site);
    arena->epoch++;
}

void cupel_arena_reset(struct cupel_arena *arena, size_t keep_bytes) {
    reset(arena, keep_bytes, CUPEL_SITE());
}

void cupel_arena_trim(struct cupel_arena *arena) {
    struct cupel_arena_page **link = arena->current == NULL ? &arena->first : &arena->current->next;
    struct cupel_arena_page *rest = *link;
    *link = NULL;
    return_pages(arena, rest, CUPEL_SITE());
}

void cupel_arena_deinit(struct cupel_arena *arena) {
    if (arena->parent != NULL) {
        reset(arena, 0, CUPEL_SITE());
    }
    *arena = (struct cupel_arena){0};
}

struct cupel_arena_stats cupel_arena_stats(const struct cupel_arena *arena) {
    struct cupel_arena_stats stats = {.used_bytes = used_bytes(arena), .held_bytes = arena->large_bytes};
    stats.used_bytes_peak = stats.used_bytes > arena->used_bytes_peak ? stats.used_bytes : arena->used_bytes_peak;
    bool is_spare = arena->current == NULL;
    for (const struct cupel_arena_page *page = arena->first; page != NULL; page = page->next) {
        stats.pages++;
        stats.spare_pages += is_spare;
        stats.held_bytes += page->size;
        is_spare = is_spare || page == arena->current;
    }
    for (const struct cupel_arena_page *page = arena->large; page != NULL; page = page->next) {
        stats.large_blocks++;
    }
    return stats;
}

static bool is_within(const struct cupel_arena_page *page, const unsigned char *end, const void *address) {
    return (const void *)(page + 1) <= address && address < (const void *)end;
}

bool cupel_arena_contains(const struct cupel_arena *arena, const void *address) {
    for (const struct cupel_arena_page *page = arena->large; page != NULL; page = page->next) {
        if (is_within(page, (const unsigned char *)page + page->size, address)) {
            return true;
        }
    }
    for (const struct cupel_arena_page *page = arena->first; arena->current != NULL; page = page->next) {
        bool is_current = page == arena->current;
        if (is_within(page, is_current ? arena->cursor : (const unsigned char *)page + page->size, address)) {
            return true;
        }
        if (is_current) {
            break;
        }
    }
    return false;
}
