/* The end of spans: retired, remembered for a while, forgotten, and their addresses used again where there are no more.
 * All under the instance's lock; for a span of slots also under its shard's. */
#ifndef ALLOC_SRC_DEBUG_RETIRE_H
#define ALLOC_SRC_DEBUG_RETIRE_H

#include "alloc/src/debug_state.h"

/* Takes the span off its list, looks at its fill, takes its permissions away, and keeps its records for a while. */
void cupel__span_retire(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending);
/* The range of the oldest retired span with at least `range_bytes` addresses and at most four times as many, mapped
 * for `length_bytes` behind its offset (see cupel__range_offset); its span is gone. NULL where there is none, or where
 * the system refuses. */
unsigned char *cupel__retired_reuse(struct cupel__debug *debug, size_t *range_bytes, size_t align, size_t length_bytes);
/* Adds the finding to those that are told when the locks are given back; too many at once are only counted. */
void cupel__finding_pend(struct cupel__debug *debug, struct cupel__pending *pending,
                         const struct cupel_finding *finding);

#endif
