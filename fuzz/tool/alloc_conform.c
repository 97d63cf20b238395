/* What C17, POSIX and glibc's manual ask of the malloc family. */
#include "fuzz/tool/alloc_check.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* A request that no machine can meet; volatile, so that no compiler argues about it. */
static volatile size_t beyond = SIZE_MAX;

static void alignment(struct cupel_foreign *foreign, struct check_report *report) {
    for (size_t size = 1; size <= 8192; size++) {
        void *block = foreign->malloc(size);
        size_t fitting = (size_t)1 << (63 - __builtin_clzll(size));
        size_t align = fitting < alignof(max_align_t) ? fitting : alignof(max_align_t);
        if (block == NULL || (uintptr_t)block % align != 0) {
            check_fail(report, "malloc(%zu) gave %p, which %s", size, block,
                       block == NULL ? "is nothing" : "is not aligned for an object of that size");
        }
        foreign->free(block);
    }
}

static void size_zero(struct cupel_foreign *foreign, struct check_report *report) {
    void *first = foreign->malloc(0);
    void *second = foreign->malloc(0);
    if (first != NULL && first == second) {
        check_fail(report, "two calls of malloc(0) gave the same block %p", first);
    }
    check_note(report, "malloc(0) gives %s", first == NULL ? "NULL" : "a block of its own");
    foreign->free(first);
    foreign->free(second);
}

static void no_overlap(struct cupel_foreign *foreign, struct check_report *report) {
    enum { COUNT = 2000 };
    static unsigned char *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = foreign->malloc(i % 700 + 1);
        if (blocks[i] == NULL) {
            check_fail(report, "malloc(%zu) failed", i % 700 + 1);
            return;
        }
        memset(blocks[i], (int)(i % 251), i % 700 + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i % 700 + 1; j++) {
            if (blocks[i][j] != i % 251) {
                check_fail(report, "a block of %zu bytes shares memory with another", i % 700 + 1);
            }
        }
        foreign->free(blocks[i]);
    }
}

static void calloc_is_zero(struct cupel_foreign *foreign, struct check_report *report) {
    for (size_t size = 1; size < 300000; size += size / 3 + 1) {
        void *dirty = foreign->malloc(size);
        if (dirty != NULL) {
            memset(dirty, 0xa5, size);
        }
        foreign->free(dirty);
        unsigned char *block = foreign->calloc(1, size);
        for (size_t i = 0; block != NULL && i < size; i++) {
            if (block[i] != 0) {
                check_fail(report, "calloc(1, %zu): byte %zu is %#x", size, i, block[i]);
                break;
            }
        }
        foreign->free(block);
    }
}

static void expect_no_memory(struct check_report *report, const void *block, const char *call) {
    if (block != NULL) {
        check_fail(report, "%s gave a block", call);
    } else if (errno != ENOMEM) {
        check_fail(report, "%s failed with errno %d and not ENOMEM", call, errno);
    }
}

static void calloc_overflow(struct cupel_foreign *foreign, struct check_report *report) {
    errno = 0;
    expect_no_memory(report, foreign->calloc(beyond / 2 + 1, 2), "calloc(SIZE_MAX / 2 + 1, 2)");
    errno = 0;
    expect_no_memory(report, foreign->calloc(beyond / 16 + 2, 16), "calloc(SIZE_MAX / 16 + 2, 16)");
    errno = 0;
    expect_no_memory(report, foreign->calloc((size_t)1 << 33, (size_t)1 << 33), "calloc(2^33, 2^33)");
}

static void too_large(struct cupel_foreign *foreign, struct check_report *report) {
    for (size_t less = 0; less < 70000; less += less / 2 + 1) {
        errno = 0;
        expect_no_memory(report, foreign->malloc(beyond - less), "malloc near SIZE_MAX");
        errno = 0;
        expect_no_memory(report, foreign->malloc(beyond / 2 + 1 + less), "malloc over PTRDIFF_MAX");
    }
}

static void realloc_of_null(struct cupel_foreign *foreign, struct check_report *report) {
    char *block = foreign->realloc(NULL, 100);
    if (block == NULL) {
        check_fail(report, "realloc(NULL, 100) failed");
        return;
    }
    memset(block, 1, 100);
    foreign->free(block);
}

static void realloc_keeps(struct cupel_foreign *foreign, struct check_report *report) {
    unsigned char *block = foreign->malloc(1);
    size_t size = 1;
    block[0] = 0;
    static const size_t sizes[] = {7, 24, 25, 1000, 4096, 4000, 70000, 130000, 20, 1 << 20, 100, 3 << 20, 16, 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *moved = foreign->realloc(block, sizes[i]);
        if (moved == NULL) {
            check_fail(report, "realloc from %zu to %zu failed", size, sizes[i]);
            break;
        }
        for (size_t j = 0; j < size && j < sizes[i]; j++) {
            if (moved[j] != (unsigned char)(j * 7)) {
                check_fail(report, "realloc from %zu to %zu lost byte %zu", size, sizes[i], j);
                break;
            }
        }
        block = moved;
        size = sizes[i];
        for (size_t j = 0; j < size; j++) {
            block[j] = (unsigned char)(j * 7);
        }
    }
    foreign->free(block);
}

static void realloc_too_large(struct cupel_foreign *foreign, struct check_report *report) {
    char *block = foreign->malloc(100);
    memset(block, 0x42, 100);
    errno = 0;
    expect_no_memory(report, foreign->realloc(block, beyond - 100), "realloc near SIZE_MAX");
    for (size_t i = 0; i < 100; i++) {
        if (block[i] != 0x42) {
            check_fail(report, "a realloc that failed changed byte %zu of the block", i);
            break;
        }
    }
    foreign->free(block);
}

static void free_of_null(struct cupel_foreign *foreign, struct check_report *report) {
    (void)report;
    foreign->free(NULL);
}

static void free_keeps_errno(struct cupel_foreign *foreign, struct check_report *report) {
    for (size_t size = 8; size < 64 << 20; size *= 8) {
        void *block = foreign->malloc(size);
        errno = 4242;
        foreign->free(block);
        if (errno != 4242) {
            check_fail(report, "free of %zu bytes changed errno to %d", size, errno);
        }
    }
}

static void aligned(struct cupel_foreign *foreign, struct check_report *report) {
    if (foreign->aligned_alloc == NULL) {
        check_lacks(report, "aligned_alloc");
        return;
    }
    for (size_t align = 1; align <= 1 << 20; align *= 2) {
        char *block = foreign->aligned_alloc(align, 3 * align);
        if (block == NULL && align < sizeof(void *)) {
            continue; /* an implementation may not support these */
        }
        if (block == NULL || (uintptr_t)block % align != 0) {
            check_fail(report, "aligned_alloc(%zu, %zu) gave %p", align, 3 * align, (void *)block);
        } else {
            memset(block, 1, 3 * align);
        }
        foreign->free(block);
    }
    errno = 0;
    void *bad = foreign->aligned_alloc(48, 96);
    if (bad != NULL) {
        check_note(report, "an alignment of 48 is accepted");
    }
    foreign->free(bad);
}

static void posix_aligned(struct cupel_foreign *foreign, struct check_report *report) {
    if (foreign->posix_memalign == NULL) {
        check_lacks(report, "posix_memalign");
        return;
    }
    for (size_t align = sizeof(void *); align <= 1 << 20; align *= 2) {
        void *block = NULL;
        int status = foreign->posix_memalign(&block, align, 100);
        if (status != 0 || (uintptr_t)block % align != 0) {
            check_fail(report, "posix_memalign(%zu, 100) returned %d and %p", align, status, block);
        }
        foreign->free(block);
    }
    static const size_t bad[] = {0, 1, 2, 24, 48, 4097};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        void *block = NULL;
        int status = foreign->posix_memalign(&block, bad[i], 100);
        if (status != EINVAL) {
            check_fail(report, "posix_memalign with alignment %zu returned %d and not EINVAL", bad[i], status);
        }
    }
    void *block = NULL;
    int status = foreign->posix_memalign(&block, 64, beyond - 64);
    if (status != ENOMEM) {
        check_fail(report, "posix_memalign near SIZE_MAX returned %d and not ENOMEM", status);
    }
}

static void usable(struct cupel_foreign *foreign, struct check_report *report) {
    if (foreign->usable_size == NULL) {
        check_lacks(report, "malloc_usable_size");
        return;
    }
    for (size_t size = 1; size < 200000; size += size / 5 + 1) {
        void *block = foreign->malloc(size);
        if (block == NULL || foreign->usable_size(block) < size) {
            check_fail(report, "malloc(%zu): %zu bytes usable", size, block == NULL ? 0 : foreign->usable_size(block));
        }
        foreign->free(block);
    }
    if (foreign->usable_size(NULL) != 0) {
        check_fail(report, "malloc_usable_size(NULL) is not 0");
    }
}

enum { HANDED_OVER = 20000 };

struct handing {
    struct cupel_foreign *foreign;
    unsigned char *blocks[HANDED_OVER];
};

/* ThreadSanitizer cannot see by what means a library hands memory from thread to thread, and would call it a race. */
__attribute__((no_sanitize("thread"))) static void *free_handed(void *user) {
    struct handing *handing = user;
    for (size_t i = 0; i < HANDED_OVER; i++) {
        handing->foreign->free(handing->blocks[i]);
        handing->blocks[i] = handing->foreign->malloc(i % 500 + 1);
        if (handing->blocks[i] != NULL) {
            handing->blocks[i][0] = 2;
        }
    }
    return NULL;
}

static void threads(struct cupel_foreign *foreign, struct check_report *report) {
    static struct handing handings[2];
    pthread_t ids[2];
    for (size_t i = 0; i < 2; i++) {
        handings[i].foreign = foreign;
        for (size_t j = 0; j < HANDED_OVER; j++) {
            handings[i].blocks[j] = foreign->malloc(j % 500 + 1);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (pthread_create(&ids[i], NULL, free_handed, &handings[i]) != 0) {
            check_fail(report, "no thread");
            return;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(ids[i], NULL);
        for (size_t j = 0; j < HANDED_OVER; j++) {
            if (handings[i].blocks[j] == NULL || handings[i].blocks[j][0] != 2) {
                check_fail(report, "a block from another thread is not as that thread left it");
            }
            foreign->free(handings[i].blocks[j]);
        }
    }
}

const struct check checks_of_conformance[] = {
    {"alignment", "malloc aligns for any object that fits", alignment},
    {"size zero", "malloc(0) gives NULL or a block of its own", size_zero},
    {"no overlap", "live blocks share no memory", no_overlap},
    {"calloc is zero", "calloc gives zeroes, also where memory was used", calloc_is_zero},
    {"calloc overflow", "count times size over SIZE_MAX fails with ENOMEM", calloc_overflow},
    {"too large", "sizes over PTRDIFF_MAX fail with ENOMEM", too_large},
    {"realloc of NULL", "realloc(NULL, n) is malloc(n)", realloc_of_null},
    {"realloc keeps", "contents survive growing and shrinking", realloc_keeps},
    {"realloc fails whole", "a realloc that fails leaves the block alone", realloc_too_large},
    {"free of NULL", "free(NULL) does nothing", free_of_null},
    {"free keeps errno", "free leaves errno alone", free_keeps_errno},
    {"aligned_alloc", "powers of two up to 1 MiB", aligned},
    {"posix_memalign", "powers of two; EINVAL and ENOMEM are returned", posix_aligned},
    {"usable size", "at least the size asked for; 0 for NULL", usable},
    {"threads", "blocks may be released by another thread", threads},
    {.name = NULL},
};
