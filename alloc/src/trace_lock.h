/* The lock of those who add to shared trace tables. Readers take none: entries are written first and published with one
 * store, so that whoever takes over a lock finds the tables whole. */
#ifndef ALLOC_SRC_TRACE_LOCK_H
#define ALLOC_SRC_TRACE_LOCK_H

#include <stdatomic.h>

/* 0: free; otherwise the process that holds it. All zero at first. */
struct cupel__trace_lock {
    atomic_int owner;
};

/* Waits for other threads. A child of fork takes the lock over from a thread that it does not have. Never from a signal
 * handler that may have interrupted the holder: callers keep a flag for each thread. */
void cupel__trace_lock(struct cupel__trace_lock *lock);
void cupel__trace_unlock(struct cupel__trace_lock *lock);

#endif
