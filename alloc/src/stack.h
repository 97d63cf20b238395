/* Which memory the calling thread's stack is, so that a walk over it can be kept inside. */
#ifndef ALLOC_SRC_STACK_H
#define ALLOC_SRC_STACK_H

#include <stdbool.h>
#include <stdint.h>

/* high is one past the last byte; high 0: nothing is known. */
struct cupel__stack {
    uintptr_t low, high;
};

/* The stack that holds `address`, an address of a frame of the calling thread: its own stack, the alternate one of a
 * signal handler, a coroutine's. What lies between `address` and the end may be read. False where it cannot be told.
 * The last few are remembered for each thread; finding another reads /proc/self/maps (some 100 us), which a thread may
 * do some thousand times. Never allocates; safe in signal handlers; keeps errno. */
bool cupel__stack_find(uintptr_t address, struct cupel__stack *stack);

#endif
