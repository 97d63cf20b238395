/* The root over the C library: see libc.h. */
#include "alloc/libc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Above these the sanitizers abort instead of returning NULL. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define SIZE_LIMIT ((size_t)1 << 32)
#elif __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIZE_LIMIT ((size_t)1 << 38)
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIZE_LIMIT ((size_t)1 << 38)
#endif
#ifndef SIZE_LIMIT
#define SIZE_LIMIT ((size_t)PTRDIFF_MAX)
#endif

static bool is_possible(size_t size, size_t align) {
    /* LCOV_EXCL_BR_START(the limit is lower in builds with sanitizers alone) */
    return cupel_request_is_valid(size, align) && size <= SIZE_LIMIT;
    /* LCOV_EXCL_BR_STOP */
}

static bool is_plain(size_t align) {
    return align <= _Alignof(max_align_t);
}

static void *libc_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    (void)site;
    if (!is_possible(size, align)) {
        return NULL;
    }
    size = size == 0 ? 1 : size;
    if (is_plain(align)) {
        return (flags & CUPEL_ZEROED) != 0 ? calloc(1, size) : malloc(size);
    }
    void *block = NULL;
    if (posix_memalign(&block, align, size) != 0) {
        return NULL;
    }
    if ((flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static bool libc_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        const void *site) {
    (void)self;
    (void)size;
    (void)site;
    return cupel_request_is_valid(new_size, align) && new_size <= malloc_usable_size(block);
}

static void libc_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    (void)size;
    (void)align;
    (void)site;
    free(block);
}

static void *libc_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        unsigned flags, const void *site) {
    if (!is_possible(new_size, align)) {
        return NULL;
    }
    if (!is_plain(align)) {
        void *moved = libc_acquire(self, new_size, align, flags, site);
        if (moved != NULL) {
            memcpy(moved, block, size < new_size ? size : new_size);
            free(block);
        }
        return moved;
    }
    void *moved = realloc(block, new_size == 0 ? 1 : new_size);
    if (moved != NULL && (flags & CUPEL_ZEROED) != 0 && new_size > size) {
        memset((char *)moved + size, 0, new_size - size);
    }
    return moved;
}

static size_t libc_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    (void)align;
    size_t usable = malloc_usable_size((void *)(uintptr_t)block);
    return usable < size ? size : usable;
}

static const struct cupel_allocator_ops libc_ops = {.name = "libc",
                                                    .acquire = libc_acquire,
                                                    .resize = libc_resize,
                                                    .remap = libc_remap,
                                                    .release = libc_release,
                                                    .usable = libc_usable};

struct cupel_allocator *cupel_libc(void) {
    static struct cupel_allocator libc_allocator = {&libc_ops};
    return &libc_allocator;
}
