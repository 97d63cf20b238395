/* Counting for engine targets: see meter.h. */
#include "harness/src/meter.h"

static inline struct cupel__meter *from_base(struct cupel_allocator *self) {
    return (struct cupel__meter *)self;
}

static void *meter_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct cupel__meter *meter = from_base(self);
    void *block = meter->parent->ops->acquire(meter->parent, size, align, flags, site);
    if (block != NULL) {
        meter->live_blocks++;
        meter->live_bytes += size;
        meter->address_sum += (uintptr_t)block;
    }
    return block;
}

static bool meter_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel__meter *meter = from_base(self);
    bool is_resized = meter->parent->ops->resize(meter->parent, block, size, align, new_size, site);
    meter->live_bytes += is_resized ? new_size - size : 0;
    return is_resized;
}

static void *meter_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    struct cupel__meter *meter = from_base(self);
    uintptr_t old_address = (uintptr_t)block;
    void *moved = meter->parent->ops->remap(meter->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        meter->live_bytes += new_size - size;
        meter->address_sum += (uintptr_t)moved - old_address;
    }
    return moved;
}

static void meter_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel__meter *meter = from_base(self);
    meter->live_blocks--;
    meter->live_bytes -= size;
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

struct cupel_allocator *cupel__meter_init(struct cupel__meter *meter, struct cupel_allocator *parent) {
    *meter = (struct cupel__meter){.base = {&meter_ops}, .parent = parent};
    return &meter->base;
}

bool cupel__meter_is_balanced(const struct cupel__meter *meter) {
    return meter->live_blocks == 0 && meter->live_bytes == 0 && meter->address_sum == 0;
}
