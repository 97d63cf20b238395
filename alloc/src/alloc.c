/* The entry points over a layer's table: argument checks that every layer would otherwise repeat, and the caller's
 * address. */
#include "alloc/alloc.h"

void *cupel_alloc(struct cupel_allocator *allocator, size_t size, size_t align) {
    return allocator->ops->acquire(allocator, size, align, 0, CUPEL_SITE());
}

void *cupel_alloc_zeroed(struct cupel_allocator *allocator, size_t size, size_t align) {
    return allocator->ops->acquire(allocator, size, align, CUPEL_ZEROED, CUPEL_SITE());
}

void *cupel_realloc(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size) {
    if (block == NULL) {
        return allocator->ops->acquire(allocator, new_size, align, 0, CUPEL_SITE());
    }
    return allocator->ops->remap(allocator, block, size, align, new_size, 0, CUPEL_SITE());
}

bool cupel_resize(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size) {
    return allocator->ops->resize(allocator, block, size, align, new_size, CUPEL_SITE());
}

void cupel_free(struct cupel_allocator *allocator, void *block, size_t size, size_t align) {
    if (block != NULL) {
        allocator->ops->release(allocator, block, size, align, CUPEL_SITE());
    }
}

size_t cupel_usable(struct cupel_allocator *allocator, const void *block, size_t size, size_t align) {
    return allocator->ops->usable == NULL ? size : allocator->ops->usable(allocator, block, size, align);
}

void *cupel__alloc_array(struct cupel_allocator *allocator, size_t count, size_t size, size_t align) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return allocator->ops->acquire(allocator, bytes, align, CUPEL_ZEROED, CUPEL_SITE());
}
