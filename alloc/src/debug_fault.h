/* What the process knows of its debug allocators: a list of them, the handlers of faults, and what a fork asks for. */
#ifndef ALLOC_SRC_DEBUG_FAULT_H
#define ALLOC_SRC_DEBUG_FAULT_H

#include "alloc/src/debug_state.h"

/* The instance is there; catches faults from the first on that wants them. */
void cupel__debug_register(struct cupel__debug *debug);
/* It is gone; after the last that caught faults the handlers are those from before. */
void cupel__debug_unregister(struct cupel__debug *debug);
/* Gives the calling thread an alternate stack for signals where it has none, until it ends. */
void cupel__debug_altstack(void);
/* A third of the mappings that the system allows a process. */
size_t cupel__span_count_default(void);

#endif
