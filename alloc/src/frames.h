/* The call stack of the calling thread, cheaply: the caller's site, and what the chain of frame pointers above it says.
 * Never allocates; the walk over frame pointers never takes a lock and reads only the mapping that holds the
 * thread's stack. */
#ifndef ALLOC_SRC_FRAMES_H
#define ALLOC_SRC_FRAMES_H

/* Writes up to `max` (at least 1) return addresses, innermost first; returns how many. The first is always `site`. More
 * follow where the chain of frame pointers leads through `site`: code built without frame pointers ends the chain, and
 * then the site stands alone. About 2 ns a frame; a thread's first call reads /proc/self/maps (some 100 us). */
unsigned cupel__frames_collect(const void *site, const void *frames[], unsigned max);

/* The same by unwinding tables, so that also libraries built without frame pointers show every frame, where the walk
 * above passes over them; where the tables do not lead to `site` it is that walk. For what happens rarely: about 1 us
 * and 100 ns a frame. May take the loader's lock with C libraries older than glibc 2.35. */
unsigned cupel__frames_unwind(const void *site, const void *frames[], unsigned max);

#endif
