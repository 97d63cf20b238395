/* What becomes of retired spans: see debug_retire.h.
 *
 * While a retired span is kept, its records tell who allocated and who freed each of its blocks. The oldest are
 * forgotten: their records go, and forgotten neighbours are joined under one header, so that what is freed for ever
 * takes no memory but its entries on the map. Forgotten ranges are the first to be used again. */
#include "alloc/src/debug_retire.h"

#include "alloc/src/debug_lists.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_seal.h"
#include "alloc/src/debug_span.h"

size_t cupel__kept_bytes(const struct cupel__span *span) {
    return sizeof *span + (span->is_large ? 0 : cupel__meta_records_bytes(span->size_class));
}

static void release_records(struct cupel__debug *debug, struct cupel__span *span) {
    debug->meta.kept_bytes -= cupel__kept_bytes(span);
    if (!span->is_large) {
        cupel__span_seal(debug, span, true);
        cupel__meta_release_records(debug, span->size_class, span->slots);
    }
}

/* The span is no more; its addresses are somebody else's. */
static void end(struct cupel__debug *debug, struct cupel__span *span) {
    bool is_kept = span->state == CUPEL__SPAN_RETIRED;
    cupel__list_remove(is_kept ? &debug->retired : &debug->forgotten, span);
    if (is_kept) {
        release_records(debug, span);
    }
    cupel__meta_release_span(debug, span);
}

/* The forgotten span that holds an address, or NULL. */
static struct cupel__span *forgotten_at(const struct cupel__debug *debug, uintptr_t address) {
    struct cupel__span *span = cupel__map_find(address);
    return span != NULL && span->home == debug && span->state == CUPEL__SPAN_FORGOTTEN ? span : NULL;
}

/* One header for two forgotten neighbours: that of the larger range, at its place in the list. */
static struct cupel__span *join(struct cupel__debug *debug, struct cupel__span *low, struct cupel__span *high) {
    struct cupel__span *kept = low->range_bytes >= high->range_bytes ? low : high;
    struct cupel__span *gone = kept == low ? high : low;
    unsigned char *range = low->range;
    size_t bytes = low->range_bytes + high->range_bytes;
    (void)cupel__map_set(gone->range, gone->range_bytes, kept); /* its tables are there */
    kept->range = range;
    kept->range_bytes = bytes;
    kept->base = range;
    kept->check = cupel__span_check(kept);
    end(debug, gone);
    return kept;
}

static void forget_one(struct cupel__debug *debug, struct cupel__span *span) {
    cupel__list_remove(&debug->retired, span);
    cupel__span_set_state(span, CUPEL__SPAN_FORGOTTEN);
    release_records(debug, span);
    __atomic_store_n(&span->slots, NULL, __ATOMIC_RELEASE);
    span->check = cupel__span_check(span);
    cupel__list_append(&debug->forgotten, span);
    debug->forgotten_spans++;
    if (debug->backing == NULL && !debug->options.never_unmaps) {
        struct cupel__span *low = forgotten_at(debug, (uintptr_t)span->range - 1);
        span = low == NULL ? span : join(debug, low, span);
        struct cupel__span *high = forgotten_at(debug, (uintptr_t)span->range + span->range_bytes);
        (void)(high == NULL ? span : join(debug, span, high));
    }
}

void cupel__retired_forget(struct cupel__debug *debug) {
    while (debug->retired.first != NULL && debug->meta.kept_bytes > debug->options.kept_metadata_bytes) {
        forget_one(debug, debug->retired.first);
    }
}

void cupel__retired_give_back(struct cupel__debug *debug, struct cupel__pending *pending) {
    while (debug->held_bytes > debug->options.quarantine_bytes) {
        struct cupel__span *span = debug->forgotten.first != NULL ? debug->forgotten.first : debug->retired.first;
        unsigned char *range = span->range;
        size_t range_bytes = span->range_bytes;
        if (span->state == CUPEL__SPAN_RETIRED) {
            cupel__span_look_at_fill(debug, span, pending);
        }
        debug->mapped_bytes -= span->length_bytes;
        debug->held_bytes -= range_bytes;
        (void)cupel__map_set(range, range_bytes, NULL);
        end(debug, span);
        debug->backing->ops->release(debug->backing, range, range_bytes, CUPEL__UNIT, NULL);
    }
}

/* The first span of the list that is large enough, and, where it cannot be cut, not far too large; or NULL. */
static struct cupel__span *find(const struct cupel__span_list *list, size_t range_bytes, bool may_cut) {
    enum { WASTE = 4 };
    struct cupel__span *span = list->first;
    while (span != NULL && (span->range_bytes < range_bytes || (!may_cut && span->range_bytes / WASTE > range_bytes))) {
        span = span->next;
    }
    return span;
}

/* Over a backing: the range that was held back longest and is large enough, its fill looked at once more; or NULL. */
static unsigned char *reuse_held(struct cupel__debug *debug, size_t *range_bytes, struct cupel__pending *pending) {
    struct cupel__span *span = find(&debug->forgotten, *range_bytes, false);
    if (span == NULL) {
        span = find(&debug->retired, *range_bytes, false);
    }
    if (span == NULL) {
        return NULL;
    }
    unsigned char *range = span->range;
    *range_bytes = span->range_bytes;
    if (span->state == CUPEL__SPAN_RETIRED) {
        cupel__span_look_at_fill(debug, span, pending);
    }
    debug->mapped_bytes -= span->length_bytes;
    debug->held_bytes -= span->range_bytes;
    (void)cupel__map_set(range, span->range_bytes, NULL);
    end(debug, span);
    debug->reused_spans++;
    return range;
}

unsigned char *cupel__retired_reuse(struct cupel__debug *debug, size_t *range_bytes, size_t align, size_t length_bytes,
                                    struct cupel__pending *pending) {
    if (debug->backing != NULL) {
        return reuse_held(debug, range_bytes, pending);
    }
    bool may_cut = !debug->options.never_unmaps;
    struct cupel__span *span = find(&debug->forgotten, *range_bytes, may_cut);
    bool is_forgotten = span != NULL;
    if (span == NULL) {
        span = find(&debug->retired, *range_bytes, false);
    }
    if (span == NULL) {
        return NULL;
    }
    unsigned char *range = span->range;
    size_t bytes = is_forgotten && may_cut ? *range_bytes : span->range_bytes;
    if (!debug->pages->revoke(range, bytes) ||
        !debug->pages->commit(range + cupel__range_offset(debug, range, align), length_bytes)) {
        return NULL;
    }
    debug->mapped_bytes -= debug->options.never_unmaps ? span->length_bytes : 0;
    (void)cupel__map_set(range, bytes, NULL);
    if (bytes == span->range_bytes) {
        end(debug, span);
    } else {
        span->range += bytes;
        span->range_bytes -= bytes;
        span->base = span->range;
        span->check = cupel__span_check(span);
    }
    *range_bytes = bytes;
    debug->reused_spans++;
    return range;
}
