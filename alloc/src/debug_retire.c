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

void cupel__finding_pend(struct cupel__debug *debug, struct cupel__pending *pending,
                         const struct cupel_finding *finding) {
    if (pending->count < sizeof pending->all / sizeof pending->all[0]) {
        pending->all[pending->count++] = *finding;
    } else {
        (void)__atomic_fetch_add(&debug->findings, 1, __ATOMIC_RELAXED);
    }
}

static void look_at_fill(struct cupel__debug *debug, const struct cupel__span *span, struct cupel__pending *pending) {
    for (uint32_t i = 0; i < span->handed_out; i++) {
        uint32_t word = cupel__slot_load(&span->slots[i]);
        if (cupel__slot_state(word) != CUPEL__SLOT_FREED) {
            continue;
        }
        struct cupel_finding finding = {.kind = CUPEL_FINDING_WRITE_AFTER_FREE};
        if (!cupel__freed_is_whole(span, i, cupel__slot_block(span, i, cupel__slot_align_log(word)), &finding)) {
            cupel__finding_describe(span, i, &finding);
            cupel__finding_pend(debug, pending, &finding);
        }
    }
}

/* Gives up the records of the oldest retired spans until those that are kept fit their budget. */
static void forget(struct cupel__debug *debug) {
    struct cupel__span *span = debug->retired.first;
    while (span != NULL && debug->meta.kept_bytes > debug->options.kept_metadata_bytes) {
        if (!span->is_large && span->state == CUPEL__SPAN_RETIRED) {
            debug->meta.kept_bytes -= cupel__meta_records_bytes(span->size_class);
            __atomic_store_n(&span->state, CUPEL__SPAN_FORGOTTEN, __ATOMIC_RELEASE);
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
    if (span->is_large || debug->ready_count[length] == CUPEL__READY) {
        return false;
    }
    unsigned char *fresh = cupel__addresses_take(debug, span->range_bytes);
    if (fresh == NULL || !debug->system->move(span->base, fresh, span->length_bytes)) {
        return false;
    }
    debug->ready[length][debug->ready_count[length]++] = fresh;
    debug->moves++;
    return true;
}

void cupel__span_retire(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    cupel__list_remove(cupel__list_of(debug, span), span);
    if (!span->is_large) {
        look_at_fill(debug, span, pending);
        debug->meta.kept_bytes += cupel__meta_records_bytes(span->size_class);
    }
    __atomic_store_n(&span->state, CUPEL__SPAN_RETIRED, __ATOMIC_RELEASE);
    cupel__list_append(&debug->retired, span);
    if (debug->backing == NULL && !debug->options.never_unmaps) {
        debug->revocations++;
        debug->mapped_bytes -= span->length_bytes;
        if (!keep_ready(debug, span)) {
            (void)debug->system->revoke(span->base, span->length_bytes);
        }
    }
    forget(debug);
}

static void end(struct cupel__debug *debug, struct cupel__span *span) {
    cupel__list_remove(&debug->retired, span);
    if (span->state == CUPEL__SPAN_RETIRED && !span->is_large) {
        debug->meta.kept_bytes -= cupel__meta_records_bytes(span->size_class);
        cupel__meta_release_records(debug, span->size_class, span->slots);
    }
    cupel__meta_release_span(debug, span);
}

unsigned char *cupel__retired_reuse(struct cupel__debug *debug, size_t *range_bytes, size_t align,
                                    size_t length_bytes) {
    struct cupel__span *span = debug->retired.first;
    while (span != NULL && (span->range_bytes < *range_bytes || span->range_bytes / 4 > *range_bytes)) {
        span = span->next;
    }
    if (span == NULL || !debug->system->revoke(span->range, span->range_bytes) ||
        !debug->system->commit(span->range + cupel__range_offset(debug, span->range, align), length_bytes)) {
        return NULL;
    }
    unsigned char *range = span->range;
    *range_bytes = span->range_bytes;
    (void)cupel__map_set(range, span->range_bytes, NULL);
    end(debug, span);
    debug->reused_spans++;
    return range;
}
