/* The moment at which a span is retired: see debug_retire.h. What becomes of it then is in debug_forget.c. */
#include "alloc/src/debug_retire.h"

#include "alloc/src/debug_addresses.h"
#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_classes.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_lists.h"
#include "alloc/src/debug_seal.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_trim.h"

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

void cupel__span_look_at_fill(struct cupel__debug *debug, const struct cupel__span *span,
                              struct cupel__pending *pending) {
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

/* Moves the pages of an emptied span of slots to fresh addresses for the next one; false where that is not possible. */
static bool keep_ready(struct cupel__debug *debug, const struct cupel__span *span) {
    unsigned length = cupel__length_index(span->slot_bytes);
    if (span->is_large || span->gone_slots > 0 || debug->ready_count[length] >= cupel__ready_max(length)) {
        return false;
    }
    unsigned char *fresh = cupel__addresses_take(debug, span->range_bytes);
    if (fresh == NULL) {
        return false;
    }
    if (!debug->pages->move(span->base, fresh, span->length_bytes)) {
        cupel__addresses_untake(debug, fresh);
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
        cupel__span_look_at_fill(debug, span, pending);
    }
    cupel__span_set_state(span, CUPEL__SPAN_RETIRED);
    cupel__list_append(&debug->retired, span);
    debug->meta.kept_bytes += cupel__kept_bytes(span);
    cupel__span_seal(debug, span, false);
    if (debug->backing != NULL) {
        debug->held_bytes += span->range_bytes;
        cupel__retired_give_back(debug, pending);
    } else if (!debug->options.never_unmaps) {
        debug->revocations++;
        debug->mapped_bytes -= span->length_bytes - gone_bytes(span);
        if (!keep_ready(debug, span)) {
            (void)debug->pages->revoke(span->base, span->length_bytes);
        }
    }
    cupel__retired_forget(debug);
}
