/* What each thread has for its traces: a flag that it is taking one, the stack it is on, a memo. Threads that end leave
 * it to others. */
#ifndef ALLOC_SRC_TRACE_THREAD_H
#define ALLOC_SRC_TRACE_THREAD_H

#include "alloc/src/stack.h"
#include "alloc/src/trace_memo.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__TRACE_THREADS_MAX = 512 }; /* that have a memo at one time; more walk each time */

struct cupel__trace_thread {
    struct cupel__trace_thread *next; /* in the list of those that nobody uses */
    struct cupel__stack stack;        /* on which it was last */
    uint64_t walks, slow_walks;
    bool has_no_memo;
    struct cupel__memo memo;
};

/* True while the calling thread is in here, so that a signal handler that interrupts it stays out. The model: reaching
 * it must not allocate, in a shared object either. */
extern _Thread_local volatile bool cupel__trace_is_busy __attribute__((tls_model("initial-exec")));
/* NULL: it has none yet. */
extern _Thread_local struct cupel__trace_thread *cupel__trace_own __attribute__((tls_model("initial-exec")));

/* The calling thread's, which has none; NULL where memory or places lack. The caller has set cupel__trace_is_busy. */
struct cupel__trace_thread *cupel__trace_thread_new(void);
static inline struct cupel__trace_thread *cupel__trace_thread(void) {
    return cupel__trace_own != NULL ? cupel__trace_own : cupel__trace_thread_new();
}
/* Takes it away from the calling thread; it gets another one if it asks again. */
void cupel__trace_thread_leave(void);
/* Bytes taken from the system for all threads. */
size_t cupel__trace_thread_bytes(void);

#endif
