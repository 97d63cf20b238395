/* The root of the global allocator: the C library's malloc family or the functions that a program set in its place. */
#include "alloc/src/mode_state.h"

#include <stdlib.h>
#include <string.h>

static struct {
    cupel_malloc_function malloc_function;
    cupel_realloc_function realloc_function;
    cupel_free_function free_function;
    void *user;
} functions;

void cupel__mode_set_functions(cupel_malloc_function malloc_function, cupel_realloc_function realloc_function,
                               cupel_free_function free_function, void *user) {
    functions.malloc_function = malloc_function;
    functions.realloc_function = realloc_function;
    functions.free_function = free_function;
    functions.user = user;
}

bool cupel__mode_has_functions(void) {
    return functions.malloc_function != NULL;
}

static size_t at_least_one(size_t size) {
    return size == 0 ? 1 : size;
}

void *cupel__mode_root_malloc(size_t size) {
    size = at_least_one(size);
    return functions.malloc_function == NULL ? malloc(size) : functions.malloc_function(functions.user, size);
}

/* The product is checked here, since a sanitizer's calloc ends the process where it overflows. */
void *cupel__mode_root_calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    bytes = at_least_one(bytes);
    if (functions.malloc_function == NULL) {
        return calloc(1, bytes);
    }
    void *block = functions.malloc_function(functions.user, bytes);
    if (block != NULL) {
        memset(block, 0, bytes);
    }
    return block;
}

void *cupel__mode_root_realloc(void *block, size_t size) {
    if (block == NULL) {
        return cupel__mode_root_malloc(size);
    }
    size = at_least_one(size);
    return functions.realloc_function == NULL ? realloc(block, size)
                                              : functions.realloc_function(functions.user, block, size);
}

void cupel__mode_root_free(void *block) {
    if (block == NULL) {
        return;
    }
    if (functions.free_function == NULL) {
        free(block);
    } else {
        functions.free_function(functions.user, block);
    }
}

/* What stands before a block aligned over the functions' own alignment. */
static void **whole_block_of(void *block) {
    return (void **)block - 1;
}

static bool is_over_aligned(size_t align) {
    return align > _Alignof(max_align_t);
}

static void *acquire_over_aligned(size_t size, size_t align, unsigned flags) {
    size_t whole_size = size + align + sizeof(void *);
    char *whole =
        (flags & CUPEL_ZEROED) != 0 ? cupel__mode_root_calloc(1, whole_size) : cupel__mode_root_malloc(whole_size);
    if (whole == NULL) {
        return NULL;
    }
    char *after_word = whole + sizeof(void *);
    void *block = after_word + (-(uintptr_t)after_word & (align - 1));
    *whole_block_of(block) = whole;
    return block;
}

void *cupel__mode_root_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                               const void *site) {
    (void)self;
    (void)site;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    if (is_over_aligned(align)) {
        return acquire_over_aligned(size, align, flags);
    }
    return (flags & CUPEL_ZEROED) != 0 ? cupel__mode_root_calloc(1, size) : cupel__mode_root_malloc(size);
}

bool cupel__mode_root_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                             const void *site) {
    (void)self;
    (void)block;
    (void)align;
    (void)site;
    return new_size == size;
}

void cupel__mode_root_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    (void)size;
    (void)site;
    cupel__mode_root_free(is_over_aligned(align) ? *whole_block_of(block) : block);
}

void *cupel__mode_root_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                             unsigned flags, const void *site) {
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    char *moved;
    if (is_over_aligned(align)) {
        moved = acquire_over_aligned(new_size, align, flags);
        if (moved != NULL) {
            memcpy(moved, block, size < new_size ? size : new_size);
            cupel__mode_root_release(self, block, size, align, site);
        }
        return moved;
    }
    moved = cupel__mode_root_realloc(block, new_size);
    if (moved != NULL && (flags & CUPEL_ZEROED) != 0 && new_size > size) {
        memset(moved + size, 0, new_size - size);
    }
    return moved;
}

struct cupel_allocator *cupel__mode_root(void) {
    static const struct cupel_allocator_ops ops = {.name = "functions",
                                                   .acquire = cupel__mode_root_acquire,
                                                   .resize = cupel__mode_root_resize,
                                                   .remap = cupel__mode_root_remap,
                                                   .release = cupel__mode_root_release};
    static struct cupel_allocator root = {&ops};
    return &root;
}
