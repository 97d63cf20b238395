/* The root over the C library: see libc.h. */
#include "alloc/libc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *libc_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    (void)site;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    if (size == 0) {
        size = 1;
    }
    if (align <= _Alignof(max_align_t)) {
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
    (void)block;
    (void)align;
    (void)site;
    return new_size == size;
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
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    void *moved;
    if (align <= _Alignof(max_align_t)) {
        moved = realloc(block, new_size == 0 ? 1 : new_size);
        if (moved != NULL && (flags & CUPEL_ZEROED) != 0 && new_size > size) {
            memset((char *)moved + size, 0, new_size - size);
        }
        return moved;
    }
    moved = libc_acquire(self, new_size, align, flags, site);
    if (moved != NULL) {
        memcpy(moved, block, size < new_size ? size : new_size);
        free(block);
    }
    return moved;
}

static const struct cupel_allocator_ops libc_ops = {
    .name = "libc", .acquire = libc_acquire, .resize = libc_resize, .remap = libc_remap, .release = libc_release};

struct cupel_allocator *cupel_libc(void) {
    static struct cupel_allocator libc_allocator = {&libc_ops};
    return &libc_allocator;
}
