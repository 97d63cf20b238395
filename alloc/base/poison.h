/* What the checkers are told about memory that a sub-allocator hands out: one vocabulary for ASan, MSan and valgrind's
 * memcheck. Without any of them everything here is nothing. `is_watched` is cupel__is_watched(), asked once by the
 * owner, so that a program outside valgrind pays one predictable branch. ASan's granule is 8 bytes: precise only where
 * blocks begin on a multiple of 8. */
#ifndef ALLOC_BASE_POISON_H
#define ALLOC_BASE_POISON_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUPEL__ASAN 1
#endif
#if __has_feature(memory_sanitizer)
#define CUPEL__MSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CUPEL__ASAN 1
#endif

#ifdef CUPEL__ASAN
#include <sanitizer/asan_interface.h>
#define CUPEL__HAS_ASAN true
#else
#define CUPEL__HAS_ASAN false
#endif
#ifdef CUPEL__MSAN
#include <sanitizer/msan_interface.h>
#endif
#ifdef CUPEL_HAS_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

static inline bool cupel__is_watched(void) {
#ifdef CUPEL_HAS_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

/* Free space: nobody may touch it. */
static inline void cupel__hide(bool is_watched, void *start, size_t size) {
    (void)is_watched;
    (void)start;
    (void)size;
#ifdef CUPEL__ASAN
    __asan_poison_memory_region(start, size);
#endif
#ifdef CUPEL__MSAN
    __msan_poison(start, size);
#endif
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        (void)VALGRIND_MAKE_MEM_NOACCESS(start, size);
    }
    /* LCOV_EXCL_STOP */
#endif
}

/* Accessible again, of no known contents: before memory goes back to where it came from, and where a block grows. */
static inline void cupel__unhide(bool is_watched, void *start, size_t size) {
    (void)is_watched;
    (void)start;
    (void)size;
#ifdef CUPEL__ASAN
    __asan_unpoison_memory_region(start, size);
#endif
#ifdef CUPEL__MSAN
    __msan_allocated_memory(start, size);
#endif
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        (void)VALGRIND_MAKE_MEM_UNDEFINED(start, size);
    }
    /* LCOV_EXCL_STOP */
#endif
}

/* A pool of blocks, known by its anchor (any address that stays the same). Its redzones are none as far as memcheck is
 * told, since it hides those before a block too when the block is gone, and a header may stand there. */
static inline void cupel__pool_begin(bool is_watched, void *pool) {
    (void)is_watched;
    (void)pool;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
    }
    /* LCOV_EXCL_STOP */
#endif
}

static inline void cupel__pool_end(bool is_watched, void *pool) {
    (void)is_watched;
    (void)pool;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_DESTROY_MEMPOOL(pool);
    }
    /* LCOV_EXCL_STOP */
#endif
}

/* A block begins: accessible, of no known contents. */
static inline void cupel__pool_block(bool is_watched, void *pool, void *block, size_t size) {
    (void)pool;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_MEMPOOL_ALLOC(pool, block, size);
    }
    /* LCOV_EXCL_STOP */
#endif
    cupel__unhide(is_watched, block, size);
}

/* A block is gone. */
static inline void cupel__pool_drop(bool is_watched, void *pool, void *block, size_t size) {
    (void)pool;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_MEMPOOL_FREE(pool, block);
    }
    /* LCOV_EXCL_STOP */
#endif
    cupel__hide(is_watched, block, size);
}

/* A block stays where it is and is known as new_size bytes; what is accessible stays as it was. */
static inline void cupel__pool_resize(bool is_watched, void *pool, void *block, size_t new_size) {
    (void)is_watched;
    (void)pool;
    (void)block;
    (void)new_size;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_MEMPOOL_CHANGE(pool, block, block, new_size);
    }
    /* LCOV_EXCL_STOP */
#endif
}

/* Of the pool's blocks, those in [start, start + keep) stay; the others, all below start + size, are gone. */
static inline void cupel__pool_trim(bool is_watched, void *pool, void *start, size_t keep, size_t size) {
    (void)pool;
#ifdef CUPEL_HAS_VALGRIND
    /* LCOV_EXCL_START(under valgrind, which is a run of its own) */
    if (is_watched) {
        VALGRIND_MEMPOOL_TRIM(pool, start, keep);
    }
    /* LCOV_EXCL_STOP */
#endif
    cupel__hide(is_watched, (char *)start + keep, size - keep);
}

#endif
