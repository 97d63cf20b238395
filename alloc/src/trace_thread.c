/* Tables of threads: see trace_thread.h. */
#include "alloc/src/trace_thread.h"

#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_lock.h"
#include "alloc/src/trace_modules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#if defined(CUPEL_HAS_VALGRIND)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

_Thread_local volatile bool cupel__trace_is_busy __attribute__((tls_model("initial-exec")));
_Thread_local struct cupel__trace_thread *cupel__trace_own __attribute__((tls_model("initial-exec")));

static _Thread_local bool has_ended __attribute__((tls_model("initial-exec")));

static struct cupel__trace_lock lock;
static struct cupel__trace_thread *unused;
static unsigned taken; /* from the system, ever */
static pthread_key_t key;
static atomic_int key_state; /* 0: not made; 1: made; -1: cannot be made */

static struct cupel__trace_thread *take(void) {
    cupel__trace_lock(&lock);
    struct cupel__trace_thread *thread = unused;
    if (thread != NULL) {
        unused = thread->next;
    } else if (taken < CUPEL__TRACE_THREADS_MAX) { /* LCOV_EXCL_BR_LINE(of so many threads at once) */
        thread = cupel__trace_pages(sizeof *thread);
        taken += thread != NULL;
    }
    cupel__trace_unlock(&lock);
    return thread;
}

/* Gives the pages back and leaves them zero, so that nothing of this thread's stack is taken for another's. */
static void put_back(struct cupel__trace_thread *thread) {
    if (madvise(thread, sizeof *thread, MADV_DONTNEED) != 0) {
        return; /* never on memory of ours; it is lost then */
    }
    cupel__trace_lock(&lock);
    thread->next = unused;
    unused = thread;
    cupel__trace_unlock(&lock);
}

/* At the thread's end. What releases memory after this walks each time: nobody would take a new table back. */
static void leave(void *thread) {
    (void)thread;
    cupel__trace_thread_leave();
    has_ended = true;
}

static void watch_end(struct cupel__trace_thread *thread) {
    if (atomic_load_explicit(&key_state, memory_order_acquire) == 0) {
        cupel__trace_lock(&lock);
        /* LCOV_EXCL_BR_START(threads rarely meet here, and keys do not run out before the first) */
        if (atomic_load_explicit(&key_state, memory_order_relaxed) == 0) {
            atomic_store_explicit(&key_state, pthread_key_create(&key, leave) == 0 ? 1 : -1, memory_order_release);
        }
        /* LCOV_EXCL_BR_STOP */
        cupel__trace_unlock(&lock);
    }
    if (atomic_load_explicit(&key_state, memory_order_acquire) == 1) { /* LCOV_EXCL_BR_LINE(keys do not run out) */
        (void)pthread_setspecific(key, thread);
    }
}

struct cupel__trace_thread *cupel__trace_thread_new(void) {
    if (!has_ended) {
        cupel__trace_loader_find();
        cupel__trace_own = take();
        if (cupel__trace_own != NULL) {
            /* The memo may read words that are nobody's before it finds that the stack is another one. */
            cupel__trace_own->has_no_memo = RUNNING_ON_VALGRIND;
            watch_end(cupel__trace_own);
        }
    }
    return cupel__trace_own;
}

void cupel__trace_thread_leave(void) {
    bool was_busy = cupel__trace_is_busy;
    cupel__trace_is_busy = true;
    struct cupel__trace_thread *thread = cupel__trace_own;
    cupel__trace_own = NULL;
    if (thread != NULL) {
        put_back(thread);
    }
    cupel__trace_is_busy = was_busy;
}

size_t cupel__trace_thread_bytes(void) {
    cupel__trace_lock(&lock);
    size_t bytes = taken * sizeof(struct cupel__trace_thread);
    cupel__trace_unlock(&lock);
    return bytes;
}
