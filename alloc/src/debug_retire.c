/* The end of spans: see debug_retire.h. */
#include "alloc/src/debug_retire.h"

#include "alloc/src/debug_addresses.h"
#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_classes.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_lists.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_trim.h"

#include <string.h>

void cupel__finding_pend(struct cupel__debug *debug, struct cupel__pending *pending,
                         const struct cupel_finding *finding) {
    if (pending->count < sizeof pending->all / sizeof pending->all[0]) {
        pending->all[pending->count++] = *finding;
    } else {
        (void)__atomic_fetch_add(&debug->findings, 1, __ATOMIC_RELAXED);
    }
}

/* All that was handed out is filled with one byte. The C library compares memory with itself, a byte further on. */
static bool is_filled(const struct cupel__span *span) {
    const struct cupel_debug_options *options = &span->home->options;
    size_t length = (size_t)span->handed_out * span->slot_bytes;
    if (span->is_large) {
        return false;
    }
    return !options->fills_freed || (span->slot_bytes <= options->fill_max_bytes && span->base[0] == options->freed &&
                                     memcmp(span->base, span->base + 1, length - 1) == 0);
}

static void look_at_fill(struct cupel__debug *debug, const struct cupel__span *span, struct cupel__pending *pending) {
    if (span->gone_slots == 0 && is_filled(span)) {
        return;
    }
    for (uint32_t i = 0; i < span->handed_out; i++) {
        uint32_t word = cupel__slot_load(&span->slots[i]);
        if (cupel__slot_state(word) != CUPEL__SLOT_FREED || cupel__slot_is_gone(span, i)) {
            continue;
        }
        struct cupel_finding finding = {.kind = CUPEL_FINDING_WRITE_AFTER_FREE};
        if (!cupel__freed_is_whole(span, i, cupel__slot_block(span, i, cupel__slot_align_log(word)), &finding)) {
            cupel__finding_describe(span, i, &finding);
            cupel__finding_pend(debug, pending, &finding);
        }
    }
}

/* Takes the permission to write to the records of a retired span away, or gives it back: whole pages of them. */
static void seal(struct cupel__debug *debug, const struct cupel__span *span, bool is_writable) {
    if (debug->options.seal != CUPEL_DEBUG_SEAL_RETIRED || span->is_large) {
        return;
    }
    size_t page = debug->page_bytes;
    unsigned char *first = (unsigned char *)span->slots + (-(uintptr_t)span->slots & (page - 1));
    unsigned char *end = (unsigned char *)span->slots + cupel__meta_records_bytes(span->size_class);
    end -= (uintptr_t)end & (page - 1);
    if (end > first) {
        (void)debug->system->protect(first, (size_t)(end - first), is_writable);
    }
}

static void end(struct cupel__debug *debug, struct cupel__span *span) {
    cupel__list_remove(&debug->retired, span);
    if (span->state == CUPEL__SPAN_RETIRED && !span->is_large) {
        debug->meta.kept_bytes -= cupel__meta_records_bytes(span->size_class);
        seal(debug, span, true);
        cupel__meta_release_records(debug, span->size_class, span->slots);
    }
    cupel__meta_release_span(debug, span);
}

/* Over a backing allocator: the oldest retired spans go back to it when more is held than the quarantine allows. What
 * was written to them meanwhile is found now. */
static void give_back(struct cupel__debug *debug, struct cupel__pending *pending) {
    while (debug->held_bytes > debug->options.quarantine_bytes) {
        struct cupel__span *span = debug->retired.first;
        unsigned char *range = span->range;
        size_t range_bytes = span->range_bytes;
        if (span->state == CUPEL__SPAN_RETIRED) {
            look_at_fill(debug, span, pending);
        }
        debug->mapped_bytes -= span->length_bytes;
        debug->held_bytes -= range_bytes;
        (void)cupel__map_set(range, range_bytes, NULL);
        end(debug, span);
        debug->backing->ops->release(debug->backing, range, range_bytes, CUPEL__UNIT, NULL);
    }
}

/* Gives up the records of the oldest retired spans until those that are kept fit their budget. */
static void forget(struct cupel__debug *debug) {
    struct cupel__span *span = debug->retired.first;
    while (span != NULL && debug->meta.kept_bytes > debug->options.kept_metadata_bytes) {
        if (!span->is_large && span->state == CUPEL__SPAN_RETIRED) {
            debug->meta.kept_bytes -= cupel__meta_records_bytes(span->size_class);
            cupel__span_set_state(span, CUPEL__SPAN_FORGOTTEN);
            seal(debug, span, true);
            cupel__meta_release_records(debug, span->size_class, span->slots);
            span->slots = NULL;
            span->check = cupel__span_check(span);
            debug->forgotten_spans++;
        }
        span = span->next;
    }
}

/* Moves the pages of an emptied span of slots to fresh addresses for the next one; false where that is not possible. */
static bool keep_ready(struct cupel__debug *debug, const struct cupel__span *span) {
    unsigned length = cupel__length_index(span->slot_bytes);
    if (span->is_large || span->gone_slots > 0 || debug->ready_count[length] >= cupel__ready_max(length)) {
        return false;
    }
    unsigned char *fresh = cupel__addresses_take(debug, span->range_bytes);
    if (fresh == NULL || !debug->pages->move(span->base, fresh, span->length_bytes)) {
        return false;
    }
    debug->ready[length][debug->ready_count[length]++] = fresh;
    debug->moves++;
    return true;
}

static size_t gone_bytes(const struct cupel__span *span) {
    size_t pages = 0;
    for (unsigned i = 0; i < CUPEL__PAGES_MAX / 64; i++) {
        pages += (size_t)__builtin_popcountll(span->gone[i]);
    }
    return pages * span->home->page_bytes;
}

void cupel__span_retire(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    cupel__list_remove(cupel__list_of(debug, span), span);
    if (!span->is_large) {
        look_at_fill(debug, span, pending);
        debug->meta.kept_bytes += cupel__meta_records_bytes(span->size_class);
    }
    cupel__span_set_state(span, CUPEL__SPAN_RETIRED);
    cupel__list_append(&debug->retired, span);
    seal(debug, span, false);
    if (debug->backing != NULL) {
        debug->held_bytes += span->range_bytes;
        give_back(debug, pending);
    } else if (!debug->options.never_unmaps) {
        debug->revocations++;
        debug->mapped_bytes -= span->length_bytes - gone_bytes(span);
        if (!keep_ready(debug, span)) {
            (void)debug->pages->revoke(span->base, span->length_bytes);
        }
    }
    forget(debug);
}

unsigned char *cupel__retired_reuse(struct cupel__debug *debug, size_t *range_bytes, size_t align,
                                    size_t length_bytes) {
    struct cupel__span *span = debug->retired.first;
    while (span != NULL && (span->range_bytes < *range_bytes || span->range_bytes / 4 > *range_bytes)) {
        span = span->next;
    }
    if (span == NULL || debug->backing != NULL || !debug->pages->revoke(span->range, span->range_bytes) ||
        !debug->pages->commit(span->range + cupel__range_offset(debug, span->range, align), length_bytes)) {
        return NULL;
    }
    unsigned char *range = span->range;
    *range_bytes = span->range_bytes;
    debug->mapped_bytes -= debug->options.never_unmaps ? span->length_bytes : 0;
    (void)cupel__map_set(range, span->range_bytes, NULL);
    end(debug, span);
    debug->reused_spans++;
    return range;
}
