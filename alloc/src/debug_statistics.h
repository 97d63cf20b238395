/* The numbers of an instance, written where its findings go: at its end, and at a signal. */
#ifndef ALLOC_SRC_DEBUG_STATISTICS_H
#define ALLOC_SRC_DEBUG_STATISTICS_H

#include "alloc/src/debug_state.h"

/* Writes the numbers to the sink's descriptor, as JSON where the sink is. */
void cupel__debug_write_statistics(struct cupel__debug *debug);
/* Writes them at each such signal from now on, or a line that says to ask again where the allocator is at work just
 * then. Until cupel__debug_forget_signal of the same instance. */
void cupel__debug_write_at_signal(struct cupel__debug *debug);
void cupel__debug_forget_signal(struct cupel__debug *debug);

#endif
