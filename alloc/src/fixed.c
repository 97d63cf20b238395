/* The root over a caller's buffer: see fixed.h. A block is known to be the last one by its end, since size and address
 * come back with every request: no record is kept of any block. */
#include "alloc/fixed.h"

#include "alloc/src/freestanding.h"

static struct cupel_fixed *from_base(struct cupel_allocator *self) {
    return (struct cupel_fixed *)self;
}

/* A block of size 0 takes a byte, so that it is distinct. */
static size_t taken(size_t size) {
    return size == 0 ? 1 : size;
}

static bool is_last(const struct cupel_fixed *fixed, const void *block, size_t size) {
    return (const unsigned char *)block + taken(size) == fixed->memory + fixed->used;
}

static void set_used(struct cupel_fixed *fixed, size_t used) {
    fixed->used = used;
    fixed->used_peak = used > fixed->used_peak ? used : fixed->used_peak;
}

static void *fixed_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct cupel_fixed *fixed = from_base(self);
    (void)site;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    size_t room = fixed->capacity - fixed->used;
    size_t padding = (align - (((uintptr_t)fixed->memory + fixed->used) & (align - 1))) & (align - 1);
    if (padding > room || taken(size) > room - padding) {
        return NULL;
    }
    unsigned char *block = fixed->memory + fixed->used + padding;
    set_used(fixed, fixed->used + padding + taken(size));
    if ((flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static bool fixed_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel_fixed *fixed = from_base(self);
    (void)site;
    if (!cupel_request_is_valid(new_size, align)) {
        return false;
    }
    if (!is_last(fixed, block, size)) {
        return taken(new_size) <= taken(size); /* what it leaves is lost until the reset */
    }
    size_t start = (size_t)((unsigned char *)block - fixed->memory);
    if (taken(new_size) > fixed->capacity - start) {
        return false;
    }
    set_used(fixed, start + taken(new_size));
    return true;
}

static void fixed_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel_fixed *fixed = from_base(self);
    (void)align;
    (void)site;
    assert((unsigned char *)block >= fixed->memory);
    assert((unsigned char *)block + taken(size) <= fixed->memory + fixed->used);
    if (is_last(fixed, block, size)) {
        set_used(fixed, fixed->used - taken(size));
    }
}

static void *fixed_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    if (fixed_resize(self, block, size, align, new_size, site)) {
        if ((flags & CUPEL_ZEROED) != 0 && new_size > size) {
            memset((unsigned char *)block + size, 0, new_size - size);
        }
        return block;
    }
    void *moved = fixed_acquire(self, new_size, align, flags, site);
    if (moved != NULL) {
        memcpy(moved, block, size < new_size ? size : new_size);
    }
    return moved;
}

static const struct cupel_allocator_ops fixed_ops = {
    .name = "fixed", .acquire = fixed_acquire, .resize = fixed_resize, .remap = fixed_remap, .release = fixed_release};

struct cupel_allocator *cupel_fixed_init(struct cupel_fixed *fixed, void *memory, size_t capacity) {
    assert(memory != NULL || capacity == 0);
    *fixed = (struct cupel_fixed){.base = {&fixed_ops}, .memory = memory, .capacity = capacity};
    return &fixed->base;
}

void cupel_fixed_reset(struct cupel_fixed *fixed) {
    fixed->used = 0;
}
