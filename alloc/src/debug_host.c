/* What the debug allocator takes from the C library: see debug_host.h. Without one it is debug_bare.c. */
#include "alloc/src/debug_host.h"

#include "alloc/pages.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The lock of U. Drepper, "Futexes Are Tricky" (2011), mutex 2. errno is left as it is: a request may not change it. */
static void futex(cupel__mutex *mutex, int operation, uint32_t number) {
    int error = errno;
    (void)syscall(SYS_futex, &mutex->state, operation, number, NULL, NULL, 0);
    errno = error;
}

void cupel__mutex_wait(cupel__mutex *mutex) {
    while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) {
        futex(mutex, FUTEX_WAIT_PRIVATE, 2);
    }
}

void cupel__mutex_wake(cupel__mutex *mutex) {
    futex(mutex, FUTEX_WAKE_PRIVATE, 1);
}

void cupel__recursive_mutex_init(cupel__recursive_mutex *mutex) {
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

void cupel__recursive_mutex_destroy(cupel__recursive_mutex *mutex) {
    (void)pthread_mutex_destroy(mutex);
}

void cupel__recursive_mutex_lock(cupel__recursive_mutex *mutex) {
    (void)pthread_mutex_lock(mutex);
}

void cupel__recursive_mutex_unlock(cupel__recursive_mutex *mutex) {
    (void)pthread_mutex_unlock(mutex);
}

void cupel__debug_stop(void) {
    abort();
}

struct cupel_allocator *cupel__system_allocator(void) {
    return cupel_pages();
}

size_t cupel__page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t cupel__address_limit(void) {
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_limited && limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}

void cupel__pages_discard(void *base, size_t length) {
    (void)madvise(base, length, MADV_DONTNEED);
}
