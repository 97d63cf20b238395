/* The stack as libgcc's unwinder sees it, and whether our traces are the same. */
#ifndef ALLOC_TESTS_UNWIND_REFERENCE_H
#define ALLOC_TESTS_UNWIND_REFERENCE_H

#include "alloc/trace.h"

/* Writes up to `max` return addresses from `start` on; returns how many. */
unsigned unwind_reference(const struct cupel_trace_start *start, const void *frames[], unsigned max);

/* Checks that what cupel_trace_collect and cupel_trace_take (twice: by a walk and by the memo) give from the caller of
 * this on is what libgcc gives, to 16 and to 32 frames. `what` is for the message. */
void unwind_check_here(const char *what);
/* How often that was called, and for how many frames. */
extern unsigned unwind_checks, unwind_frames;

#endif
