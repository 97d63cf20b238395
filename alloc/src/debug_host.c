/* What the debug allocator takes from the C library: see debug_host.h. Without one it is debug_bare.c. */
#include "alloc/src/debug_host.h"

#include "alloc/pages.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

void cupel__mutex_init(cupel__mutex *mutex, bool is_recursive) {
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, is_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_DEFAULT);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

void cupel__mutex_destroy(cupel__mutex *mutex) {
    (void)pthread_mutex_destroy(mutex);
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
