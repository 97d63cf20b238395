/* Freed slots handed out again, those that were freed first before the others: when the quarantine is full, or when
 * there is no other room. */
#ifndef ALLOC_SRC_DEBUG_REOPEN_H
#define ALLOC_SRC_DEBUG_REOPEN_H

#include "alloc/src/debug_state.h"

/* A full span of the class whose freed slots may be handed out, open again, its cursor at the front; NULL where none of
 * `most` looks met one. Under the shard's lock and the instance's. */
struct cupel__span *cupel__span_reopen(struct cupel__debug *debug, unsigned size_class, unsigned shard, size_t most);
/* A freed slot of a span that was opened again, taken; false where there is none left. What was written to it meanwhile
 * is pending. Under the shard's lock. */
bool cupel__span_take_freed(struct cupel__debug *debug, struct cupel__span *span, uint32_t *index,
                            struct cupel__pending *pending);

#endif
