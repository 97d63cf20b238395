/* Large blocks, and those that are to be guarded: each on pages of its own, with a page without permissions on both
 * sides.
 *
 *     guard | block ...... canary | guard        a large block begins at a page, so that it grows in place
 *     guard | canary ...... block | guard        a guarded one ends at one, so that reading behind it faults too
 *
 * A block that must move takes its pages along: nothing is copied, and the old addresses fault. */
#include "alloc/src/debug_block.h"

#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"

static size_t to_pages(const struct cupel__debug *debug, size_t size) {
    size_t page = debug->page_bytes;
    return size == 0 ? page : (size + page - 1) & ~(page - 1);
}

/* Pages for a block in a range of its own; NULL where there is no room. */
static struct cupel__span *make(struct cupel__request *request, size_t size, size_t align) {
    struct cupel__debug *debug = request->debug;
    size_t page = debug->page_bytes;
    size_t length = to_pages(debug, size);
    size_t range_bytes;
    size_t spare = align > page ? align : 0;
    if (__builtin_add_overflow(length, 2 * page + spare + CUPEL__UNIT - 1, &range_bytes) || range_bytes > PTRDIFF_MAX) {
        return NULL;
    }
    return cupel__span_make_large(debug, range_bytes & ~((size_t)CUPEL__UNIT - 1), align, length, request->pending);
}

static void set_block(struct cupel__span *span, unsigned char *block, size_t size) {
    span->block = block;
    span->size = size;
    span->check = cupel__span_check(span);
}

void *cupel__large_acquire(struct cupel__request *request, size_t size, size_t align, bool is_guarded) {
    struct cupel__debug *debug = request->debug;
    struct cupel__span *span = make(request, size, align);
    if (span == NULL) {
        return NULL;
    }
    unsigned char *block = span->base;
    if (is_guarded) {
        block += (span->length_bytes - size) & ~(align - 1);
    }
    set_block(span, block, size);
    cupel__canaries_write(span, 0, block, size);
    cupel__fresh_fill(debug, block, size, request->flags, debug->backing == NULL);
    cupel__slot_note_allocated(&span->only, request->trace, request->thread);
    cupel__slot_store(&span->only,
                      cupel__slot_word_large(&span->only, (unsigned)__builtin_ctzll(align), request->family));
    (void)__atomic_fetch_add(&debug->large_acquired, 1, __ATOMIC_RELAXED);
    return block;
}

/* Notes who resized the block. */
static void note_resize(const struct cupel__request *request, struct cupel__span *span) {
    cupel__slot_note_freed(span, 0, request->trace, request->thread);
}

/* What stands behind the first `size` bytes after a growth: zero where that is asked for, else fresh. Pages of the
 * system behind `old_end` are zero already. */
static void fill_growth(const struct cupel__request *request, unsigned char *block, size_t size, size_t new_size,
                        const unsigned char *old_end) {
    size_t dirty = (size_t)(old_end - (block + size));
    size_t growth = new_size - size;
    if ((request->flags & CUPEL_ZEROED) != 0) {
        memset(block + size, 0, growth < dirty || request->debug->backing != NULL ? growth : dirty);
    } else {
        cupel__fresh_fill(request->debug, block + size, growth, 0, false);
    }
}

bool cupel__large_resize(struct cupel__request *request, struct cupel__target *target, size_t new_size) {
    struct cupel__debug *debug = request->debug;
    struct cupel__span *span = target->span;
    size_t size = span->size;
    if (new_size != size && (span->block != span->base || new_size > PTRDIFF_MAX - debug->page_bytes)) {
        return false; /* a guarded block ends where it ends */
    }
    const unsigned char *old_end = span->base + span->length_bytes;
    if (new_size != size && !cupel__span_resize_large(debug, span, to_pages(debug, new_size))) {
        return false;
    }
    set_block(span, span->block, new_size);
    if (new_size > size) {
        fill_growth(request, span->block, size, new_size, old_end);
    }
    cupel__canaries_write(span, 0, span->block, new_size);
    note_resize(request, span);
    cupel__block_unclaim(target, 0);
    return true;
}

void *cupel__large_move(struct cupel__request *request, struct cupel__target *target, size_t new_size) {
    struct cupel__debug *debug = request->debug;
    struct cupel__span *old = target->span;
    size_t size = old->size;
    size_t align = (size_t)1 << cupel__slot_align_log(target->word);
    bool is_guarded;
    if (debug->backing != NULL || debug->options.never_unmaps || old->block != old->base ||
        !cupel__is_large(debug, new_size, align, &is_guarded) || is_guarded || debug->options.memory_limit_bytes != 0) {
        return NULL;
    }
    struct cupel__span *span = make(request, new_size, align);
    if (span == NULL) {
        return NULL;
    }
    size_t moved = old->length_bytes < span->length_bytes ? old->length_bytes : span->length_bytes;
    if (!debug->pages->move(old->base, span->base, moved)) {
        memcpy(span->base, old->base, size < new_size ? size : new_size);
    }
    set_block(span, span->base, new_size);
    if (new_size > size) {
        fill_growth(request, span->block, size, new_size, span->base + moved);
    }
    cupel__canaries_write(span, 0, span->block, new_size);
    cupel__slot_note_allocated(&span->only, cupel__slot_allocated(target->slot),
                               cupel__slot_allocating_thread(target->slot));
    note_resize(request, span);
    cupel__slot_store(&span->only, cupel__slot_word_large(&span->only, cupel__slot_align_log(target->word),
                                                          cupel__slot_family(target->word)));
    note_resize(request, old);
    cupel__slot_store(target->slot, cupel__slot_with(target->slot, target->word, CUPEL__SLOT_FREED));
    cupel__span_retire_large(debug, old, request->pending);
    return span->block;
}
