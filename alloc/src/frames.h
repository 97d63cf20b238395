/* The call stack of the calling thread, cheaply: the caller's site, and what the chain of frame pointers above it says.
 * Never allocates, never takes a lock, and reads only the mapping that holds the thread's stack. */
#ifndef ALLOC_SRC_FRAMES_H
#define ALLOC_SRC_FRAMES_H

/* Writes up to `max` (at least 1) return addresses, innermost first; returns how many. The first is always `site`. More
 * follow where the chain of frame pointers leads through `site`: code built without frame pointers ends the chain, and
 * then the site stands alone. About 2 ns a frame; a thread's first call reads /proc/self/maps (some 100 us). */
unsigned cupel__frames_collect(const void *site, const void *frames[], unsigned max);

#endif
