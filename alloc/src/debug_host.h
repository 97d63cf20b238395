/* What the debug allocator takes from the C library, and what stands for it where there is none (CUPEL_DEBUG_SYSTEM 0):
 * locks that are nothing, and one thread. */
#ifndef ALLOC_SRC_DEBUG_HOST_H
#define ALLOC_SRC_DEBUG_HOST_H

#include "alloc/debug.h"
#include "alloc/src/freestanding.h"

#if CUPEL_DEBUG_SYSTEM

#include <pthread.h>

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CUPEL__IS_ALONE __libc_single_threaded
#endif
#endif

/* The model: reaching it must not cost a call, in a shared object either. */
#define CUPEL__THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

/* For the short: a word, so that whoever is the only thread of the process needs no atomic operation, which would be a
 * good part of a request's cost. It may be taken by one and given back by the other kind of operation: a thread may
 * begin and fork may leave one behind meanwhile. */
typedef struct {
    uint32_t state; /* 0 free, 1 taken, 2 taken and waited for */
} cupel__mutex;
typedef pthread_mutex_t cupel__recursive_mutex;

void cupel__mutex_wait(cupel__mutex *mutex);
void cupel__mutex_wake(cupel__mutex *mutex);

#else

#define CUPEL__THREAD_LOCAL
typedef unsigned char cupel__mutex, cupel__recursive_mutex;

#endif

#ifndef CUPEL__IS_ALONE
#define CUPEL__IS_ALONE (!CUPEL_DEBUG_SYSTEM)
#endif

/* Adds to a number that other threads may change meanwhile, where there are any; returns the sum. */
static inline uint32_t cupel__add32(uint32_t *number, uint32_t more) {
    return CUPEL__IS_ALONE ? *number += more : __atomic_add_fetch(number, more, __ATOMIC_ACQ_REL);
}

static inline uint64_t cupel__add64(uint64_t *number, uint64_t more) {
    return CUPEL__IS_ALONE ? *number += more : __atomic_add_fetch(number, more, __ATOMIC_RELAXED);
}

static inline void cupel__mutex_lock(cupel__mutex *mutex) {
#if CUPEL_DEBUG_SYSTEM
    uint32_t free = 0;
    if (CUPEL__IS_ALONE && mutex->state == 0) {
        mutex->state = 1;
    } else if (!__atomic_compare_exchange_n(&mutex->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        cupel__mutex_wait(mutex);
    }
#else
    (void)mutex;
#endif
}

static inline bool cupel__mutex_is_free(const cupel__mutex *mutex) {
#if CUPEL_DEBUG_SYSTEM
    return __atomic_load_n(&mutex->state, __ATOMIC_ACQUIRE) == 0;
#else
    return *mutex == 0;
#endif
}

static inline void cupel__mutex_unlock(cupel__mutex *mutex) {
#if CUPEL_DEBUG_SYSTEM
    if (CUPEL__IS_ALONE) {
        mutex->state = 0;
    } else if (__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2) {
        cupel__mutex_wake(mutex);
    }
#else
    (void)mutex;
#endif
}

/* A lock that is taken again by the thread that holds it. */
void cupel__recursive_mutex_init(cupel__recursive_mutex *mutex);
void cupel__recursive_mutex_destroy(cupel__recursive_mutex *mutex);
void cupel__recursive_mutex_lock(cupel__recursive_mutex *mutex);
void cupel__recursive_mutex_unlock(cupel__recursive_mutex *mutex);

/* Ends the program. */
CUPEL_NORETURN void cupel__debug_stop(void);
/* The allocator over the system's pages; NULL where there are none. */
struct cupel_allocator *cupel__system_allocator(void);
/* Bytes of a page: what permissions are given for, and what large blocks are rounded to. */
size_t cupel__page_bytes(void);
/* Bytes of addresses that the process may have; SIZE_MAX: no limit. */
size_t cupel__address_limit(void);
/* The contents of these pages may go: what is read there next is zero, or what was there. */
void cupel__pages_discard(void *base, size_t length);

#endif
