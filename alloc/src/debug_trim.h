/* Pages of freed slots in spans that a few live blocks keep from being retired. */
#ifndef ALLOC_SRC_DEBUG_TRIM_H
#define ALLOC_SRC_DEBUG_TRIM_H

#include "alloc/src/debug_state.h"

/* True where a page of that slot is gone: its bytes are not to be touched, by us neither. */
bool cupel__slot_is_gone(const struct cupel__span *span, uint32_t index);
/* Gives back the pages of a full span on which every slot is freed; what was written to those slots meanwhile is found.
 * Touching them faults from then on. Returns how many bytes. Under the instance's lock. */
size_t cupel__span_trim(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending);
/* How many slots of a new span must be freed before it is worth to look for such pages. */
static inline uint32_t cupel__span_trim_first(const struct cupel__debug *debug, const struct cupel__span *span) {
    return span->slot_bytes < debug->page_bytes / 8 ? span->capacity / 2 : span->capacity / 8;
}
/* Does so, where there is credit for it, with the spans that have waited longest, until `most` wait. */
void cupel__span_trim_waiting(struct cupel__debug *debug, unsigned most, struct cupel__pending *pending);
/* Lets a full span, of which so many slots are freed, wait for that, where it is worth to look. Under the lock. */
void cupel__span_wait_for_trim(struct cupel__debug *debug, struct cupel__span *span, uint32_t freed,
                               struct cupel__pending *pending);
/* The same after a free in any span. Many spans are emptied while they wait, and then all their pages serve the next:
 * so pages are given back when memory grows, and not at once but in a small program. */
void cupel__span_consider_trim(struct cupel__debug *debug, struct cupel__span *span, uint32_t freed,
                               struct cupel__pending *pending);

#endif
