/* Counting for engine targets: see meter.h. */
#include "harness/src/meter.h"

#include "alloc/libc.h"

#include <stdlib.h>

static inline struct cupel__meter *from_base(struct cupel_allocator *self) {
    return (struct cupel__meter *)self;
}

/* True where malloc gives what is asked for. */
static inline bool is_plain(size_t size, size_t align) {
    return size - 1 < PTRDIFF_MAX && align - 1 < _Alignof(max_align_t) && (align & (align - 1)) == 0;
}

static void *meter_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct cupel__meter *meter = from_base(self);
    void *block;
    if (__builtin_expect(is_plain(size, align), 1)) { /* what the root would do, without its instrumentation */
        block = (flags & CUPEL_ZEROED) != 0 ? calloc(1, size) : malloc(size);
    } else {
        block = meter->parent->ops->acquire(meter->parent, size, align, flags, site);
    }
    if (block != NULL) {
        meter->address_sum += (uintptr_t)block;
    }
    return block;
}

static void *meter_acquire_below(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                                 const void *site) {
    struct cupel__meter *meter = from_base(self);
    void *block = meter->parent->ops->acquire(meter->parent, size, align, flags, site);
    if (block != NULL) {
        meter->address_sum += (uintptr_t)block;
    }
    return block;
}

static bool meter_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel__meter *meter = from_base(self);
    return meter->parent->ops->resize(meter->parent, block, size, align, new_size, site);
}

static void *meter_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    struct cupel__meter *meter = from_base(self);
    uintptr_t old_address = (uintptr_t)block;
    void *moved = meter->parent->ops->remap(meter->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        meter->address_sum += (uintptr_t)moved - old_address;
    }
    return moved;
}

static void meter_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel__meter *meter = from_base(self);
    (void)size;
    meter->address_sum -= (uintptr_t)block;
    (void)align;
    (void)site;
    free(block);
}

static void meter_release_below(struct cupel_allocator *self, void *block, size_t size, size_t align,
                                const void *site) {
    struct cupel__meter *meter = from_base(self);
    meter->address_sum -= (uintptr_t)block;
    meter->parent->ops->release(meter->parent, block, size, align, site);
}

static size_t meter_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    return cupel_usable(from_base(self)->parent, block, size, align);
}

static const struct cupel_allocator_ops meter_ops = {.name = "meter",
                                                     .acquire = meter_acquire,
                                                     .resize = meter_resize,
                                                     .remap = meter_remap,
                                                     .release = meter_release,
                                                     .usable = meter_usable};

static const struct cupel_allocator_ops meter_over_root_ops = {.name = "meter",
                                                               .acquire = meter_acquire_below,
                                                               .resize = meter_resize,
                                                               .remap = meter_remap,
                                                               .release = meter_release_below,
                                                               .usable = meter_usable};

struct cupel_allocator *cupel__meter_init(struct cupel__meter *meter, struct cupel_allocator *root) {
    *meter = (struct cupel__meter){.base = {root == NULL ? &meter_ops : &meter_over_root_ops},
                                   .parent = root == NULL ? cupel_libc() : root};
    return &meter->base;
}

bool cupel__meter_is_balanced(const struct cupel__meter *meter) {
    return meter->address_sum == 0;
}
