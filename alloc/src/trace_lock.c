/* A lock that survives fork: see trace_lock.h. */
#include "alloc/src/trace_lock.h"

#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

void cupel__trace_lock(struct cupel__trace_lock *lock) {
    int self = (int)getpid();
    while (true) {
        int owner = 0;
        if (atomic_compare_exchange_strong_explicit(&lock->owner, &owner, self, memory_order_acquire,
                                                    memory_order_relaxed)) {
            return;
        }
        /* Copied by fork while another thread of the parent held it. */
        /* LCOV_EXCL_BR_START(threads rarely meet here) */
        if (owner != self && atomic_compare_exchange_strong_explicit(&lock->owner, &owner, self, memory_order_acquire,
                                                                     memory_order_relaxed)) {
            return;
        }
        /* LCOV_EXCL_BR_STOP */
        (void)sched_yield(); /* LCOV_EXCL_LINE(threads rarely meet here) */
    }
}

void cupel__trace_unlock(struct cupel__trace_lock *lock) {
    atomic_store_explicit(&lock->owner, 0, memory_order_release);
}
