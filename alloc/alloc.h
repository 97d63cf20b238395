/* The allocator interface: memory is asked for with a size in bytes and an alignment, and both come back with the
 * block.
 *
 * A layer is a struct that the caller owns, whose first member is `struct cupel_allocator`; an `init` function returns
 * that member, so that stacks are built by nesting and need no heap:
 *
 *     struct cupel_counting counting;
 *     struct cupel_failing failing;
 *     struct cupel_allocator *a = cupel_counting_init(&counting, cupel_failing_init(&failing, cupel_libc(), "alloc:3",
 * NULL));
 *
 * The contract, for every implementation:
 *   - align is a power of two, at least 1 and at most CUPEL_ALIGN_MAX; anything else gives NULL (false);
 *   - size 0 gives a distinct block that must be released; a size over PTRDIFF_MAX gives NULL;
 *   - failure is NULL (or false) and changes nothing: the block given to resize or remap is as it was;
 *   - `site` is the caller's return address; layers hand it down, so that a report starts where the user's code stands;
 *   - resize and remap keep the first min(size, new_size) bytes; with CUPEL_ZEROED the rest of the new block is zero.
 * Each layer's header states its locking. */
#ifndef ALLOC_ALLOC_H
#define ALLOC_ALLOC_H

#include "alloc/base/language.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUPEL_ALIGN_MAX ((size_t)1 << 30)

enum cupel_alloc_flags {
    CUPEL_ZEROED = 1, /* the block is all zero */
};

struct cupel_allocator;

struct cupel_allocator_ops {
    const char *name; /* the layer's word in spec strings */
    void *(*acquire)(struct cupel_allocator *, size_t size, size_t align, unsigned flags, const void *site);
    /* In place; true if the block now has new_size bytes. */
    bool (*resize)(struct cupel_allocator *, void *block, size_t size, size_t align, size_t new_size, const void *site);
    /* May move. NULL: the block is as it was. */
    void *(*remap)(struct cupel_allocator *, void *block, size_t size, size_t align, size_t new_size, unsigned flags,
                   const void *site);
    void (*release)(struct cupel_allocator *, void *block, size_t size, size_t align, const void *site);
    /* Bytes that may be used at block, at least size. NULL: exactly size. */
    size_t (*usable)(struct cupel_allocator *, const void *block, size_t size, size_t align);
};

struct cupel_allocator {
    const struct cupel_allocator_ops *ops;
};

#define CUPEL_SITE() __builtin_return_address(0)

/* Allocates `size` bytes aligned to `align`. NULL when out of memory or align is invalid. Release with cupel_free. */
void *cupel_alloc(struct cupel_allocator *allocator, size_t size, size_t align);
/* The same, all zero. */
void *cupel_alloc_zeroed(struct cupel_allocator *allocator, size_t size, size_t align);
/* Grows or shrinks, in place or by moving. NULL: the block is as it was. `block` NULL allocates (size is then 0). */
void *cupel_realloc(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size);
/* Grows or shrinks in place only; true on success. */
bool cupel_resize(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size);
/* Releases; size and align must be those of the allocation or last resize. NULL is allowed. */
void cupel_free(struct cupel_allocator *allocator, void *block, size_t size, size_t align);
/* Bytes that may be used at block, at least size. */
size_t cupel_usable(struct cupel_allocator *allocator, const void *block, size_t size, size_t align);

/* True if align is acceptable and size is not over PTRDIFF_MAX: the check every root allocator makes first. */
static inline bool cupel_request_is_valid(size_t size, size_t align) {
    return size <= PTRDIFF_MAX && align != 0 && (align & (align - 1)) == 0 && align <= CUPEL_ALIGN_MAX;
}

#define CUPEL_NEW(a, type)                  ((type *)cupel_alloc_zeroed((a), sizeof(type), CUPEL_ALIGNOF(type)))
#define CUPEL_NEW_ARRAY(a, type, n)         ((type *)cupel__alloc_array((a), (n), sizeof(type), CUPEL_ALIGNOF(type)))
#define CUPEL_FREE(a, type, block)          cupel_free((a), (block), sizeof(type), CUPEL_ALIGNOF(type))
#define CUPEL_FREE_ARRAY(a, type, block, n) cupel_free((a), (block), sizeof(type) * (n), CUPEL_ALIGNOF(type))
void *cupel__alloc_array(struct cupel_allocator *allocator, size_t count, size_t size, size_t align);

#ifdef __cplusplus
}
#endif

#endif
