/* The root of engine targets under AFL++, which wants the same path from the same input each time. Code that looks at
 * addresses (an arena that pads, a table that hashes them) takes another path when blocks stand elsewhere, and where
 * malloc puts them hangs on all the inputs before. Here they stand in one region that lies at the same place in every
 * process and begins anew with each input. Part of the harness, so that it is not instrumented. One thread at a time.
 */
#ifndef HARNESS_SRC_STEADY_H
#define HARNESS_SRC_STEADY_H

#include "alloc/alloc.h"

/* Whether this program is built for AFL++, and without a sanitizer that wants to see each block in a heap of its own.
 */
bool cupel__steady_is_wanted(void);

/* The root, after the region was mapped at the first call. Blocks that no longer fit come from cupel_libc(). Cost: a
 * few nanoseconds a call. Room comes back when the newest block is released, and all of it with a reset. */
struct cupel_allocator *cupel__steady(void);
/* Begins anew: every block is gone. */
void cupel__steady_reset(void);

#endif
