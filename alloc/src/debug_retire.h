/* The end of spans: retired, remembered for a while, forgotten, and their addresses used again where there are no more.
 * All under the instance's lock; for a span of slots also under its shard's. */
#ifndef ALLOC_SRC_DEBUG_RETIRE_H
#define ALLOC_SRC_DEBUG_RETIRE_H

#include "alloc/src/debug_state.h"

/* Takes the span off its list, looks at its fill, takes its permissions away, and keeps its records for a while. */
void cupel__span_retire(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending);
/* What a retired span's records and header take while they are kept. */
size_t cupel__kept_bytes(const struct cupel__span *span);
/* Gives up the oldest retired spans until those that are kept fit their budget: their addresses still fault, and are
 * known to have been freed. */
void cupel__retired_forget(struct cupel__debug *debug);
/* Over a backing allocator: the oldest go back to it when more is held than the quarantine allows. What was written to
 * them meanwhile is found now. */
void cupel__retired_give_back(struct cupel__debug *debug, struct cupel__pending *pending);
/* The addresses that were retired first, at least `range_bytes` of them, mapped for `length_bytes` behind their offset
 * (see cupel__range_offset); range_bytes becomes their number. NULL where there are none, or where the system refuses.
 */
unsigned char *cupel__retired_reuse(struct cupel__debug *debug, size_t *range_bytes, size_t align, size_t length_bytes,
                                    struct cupel__pending *pending);
/* Looks at the fill of a span's freed slots, and tells what was written there. */
void cupel__span_look_at_fill(struct cupel__debug *debug, const struct cupel__span *span,
                              struct cupel__pending *pending);
/* Adds the finding to those that are told when the locks are given back; too many at once are only counted. */
void cupel__finding_pend(struct cupel__debug *debug, struct cupel__pending *pending,
                         const struct cupel_finding *finding);

#endif
