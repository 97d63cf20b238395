/* What is done with all blocks at once: canaries and fills looked at, leaks told. */
#ifndef ALLOC_SRC_DEBUG_SWEEP_H
#define ALLOC_SRC_DEBUG_SWEEP_H

#include "alloc/src/debug_state.h"

/* Calls visit for each slot that was handed out of a span that is not retired. Under the instance's lock. */
void cupel__debug_walk(struct cupel__debug *debug,
                       void (*visit)(void *user, struct cupel__span *span, uint32_t index, uint32_t word), void *user);
/* See cupel_debug_check and cupel_debug_tell_leaks. */
uint64_t cupel__debug_check_all(struct cupel__debug *debug);
uint64_t cupel__debug_tell_leaks(struct cupel__debug *debug);
/* Overwrites what calls that returned left below the caller on its stack: frames that come to stand there do not write
 * all of themselves, and must not make roots of it. */
void cupel__debug_clear_stack(void);
/* Marks the live blocks that can be reached (CUPEL__SLOT_MARK in their words), of `count` that there are; false, with
 * some marked, where memory for it cannot be had. Under the instance's lock. */
bool cupel__debug_mark_reachable(struct cupel__debug *debug, size_t count);

#endif
