/* What the debug allocator takes from the C library, and what stands for it where there is none (CUPEL_DEBUG_SYSTEM 0):
 * locks that are nothing, and one thread. */
#ifndef ALLOC_SRC_DEBUG_HOST_H
#define ALLOC_SRC_DEBUG_HOST_H

#include "alloc/debug.h"
#include "alloc/src/freestanding.h"

#if CUPEL_DEBUG_SYSTEM

#include <pthread.h>

#define CUPEL__THREAD_LOCAL _Thread_local
typedef pthread_mutex_t cupel__mutex;

static inline void cupel__mutex_lock(cupel__mutex *mutex) {
    (void)pthread_mutex_lock(mutex);
}

static inline void cupel__mutex_unlock(cupel__mutex *mutex) {
    (void)pthread_mutex_unlock(mutex);
}

#else

#define CUPEL__THREAD_LOCAL
typedef unsigned char cupel__mutex;

static inline void cupel__mutex_lock(cupel__mutex *mutex) {
    (void)mutex;
}

static inline void cupel__mutex_unlock(cupel__mutex *mutex) {
    (void)mutex;
}

#endif

/* Makes a lock, free; a recursive one is taken again by the thread that holds it. */
void cupel__mutex_init(cupel__mutex *mutex, bool is_recursive);
void cupel__mutex_destroy(cupel__mutex *mutex);

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
