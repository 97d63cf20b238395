/* Programs of others under the debug allocator, for the benchmarks alone: this library stands in front of the C
 * library's malloc family. Its options are those of the environment's CUPEL_BENCH_DEBUG. At the end nothing is given
 * back, for whoever still frees then. */
#include "alloc/debug.h"
#include "alloc/pages.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define OURS  __attribute__((visibility("default")))
#define ALIGN _Alignof(max_align_t)

static struct cupel_debug debug;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void) {
    struct cupel_debug_options options;
    const char *text = getenv("CUPEL_BENCH_DEBUG");
    cupel_debug_defaults(&options);
    if (!cupel_debug_parse(&options, text == NULL ? "" : text, NULL) ||
        cupel_debug_init(&debug, cupel_pages(), &options, NULL) == NULL) {
        abort();
    }
}

__attribute__((destructor)) static void end(void) {
    if (debug.state != NULL) {
        (void)cupel_debug_check(&debug);
        (void)cupel_debug_tell_leaks(&debug);
    }
}

static inline void be_there(void) {
    if (__builtin_expect(debug.state == NULL, 0)) {
        (void)pthread_once(&once, begin);
    }
}

/* As the C library has it: errno says why there is none. */
static void *acquire(size_t size, size_t align, unsigned flags, const void *site) {
    be_there();
    void *block = debug.base.ops->acquire(&debug.base, size, align, flags, site);
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

OURS void *malloc(size_t size) {
    return acquire(size, ALIGN, 0, CUPEL_SITE());
}

OURS void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return acquire(bytes, ALIGN, CUPEL_ZEROED, CUPEL_SITE());
}

OURS void free(void *block) {
    if (block != NULL) {
        be_there();
        cupel_debug_release(&debug, block, CUPEL_SITE());
    }
}

OURS void *realloc(void *block, size_t size) {
    if (block == NULL) {
        return acquire(size, ALIGN, 0, CUPEL_SITE());
    }
    if (size == 0) {
        cupel_debug_release(&debug, block, CUPEL_SITE());
        return NULL;
    }
    void *moved = cupel_debug_remap(&debug, block, size, CUPEL_SITE());
    if (moved == NULL) {
        errno = ENOMEM;
    }
    return moved;
}

OURS void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

OURS void *memalign(size_t align, size_t size) {
    return acquire(size, align < ALIGN ? ALIGN : align, 0, CUPEL_SITE());
}

OURS void *aligned_alloc(size_t align, size_t size) {
    return acquire(size, align < ALIGN ? ALIGN : align, 0, CUPEL_SITE());
}

OURS int posix_memalign(void **block, size_t align, size_t size) {
    void *acquired = acquire(size, align < ALIGN ? ALIGN : align, 0, CUPEL_SITE());
    if (acquired == NULL) {
        return ENOMEM;
    }
    *block = acquired;
    return 0;
}

OURS void *valloc(size_t size) {
    return acquire(size, cupel_page_size(), 0, CUPEL_SITE());
}

OURS void *pvalloc(size_t size) {
    size_t page = cupel_page_size();
    return acquire((size + page - 1) & ~(page - 1), page, 0, CUPEL_SITE());
}

OURS size_t malloc_usable_size(void *block) {
    size_t size = 0;
    size_t align;
    return block != NULL && cupel_debug_size(&debug, block, &size, &align) ? size : 0;
}
