/* The tracking layer: see tracking.h. Each request is checked against the index before the parent hears of it. Printing
 * is in tracking_print.c. */
#include "alloc/tracking.h"

#include "alloc/src/frames.h"

static struct cupel_tracking *from_base(struct cupel_allocator *self) {
    return (struct cupel_tracking *)self;
}

static unsigned take_frames(const struct cupel_tracking *tracking, const void *site, const void *frames[]) {
    return tracking->unwinds ? cupel__frames_unwind(site, frames, CUPEL_TRACKING_FRAMES)
                             : cupel__frames_collect(site, frames, CUPEL_TRACKING_FRAMES);
}

/* The record of the block that the caller means, or NULL after a finding. */
static struct cupel_block *check(struct cupel_tracking *tracking, const char *verb, const void *base, size_t size,
                                 size_t align, const void *site) {
    struct cupel_block *block = cupel_index_at(&tracking->index, base);
    enum cupel_tracking_finding finding = block == NULL           ? CUPEL_TRACKING_UNKNOWN_BLOCK
                                          : block->size != size   ? CUPEL_TRACKING_WRONG_SIZE
                                          : block->align != align ? CUPEL_TRACKING_WRONG_ALIGN
                                                                  : CUPEL_TRACKING_OK;
    if (finding == CUPEL_TRACKING_OK) {
        return block;
    }
    if (tracking->findings < CUPEL_TRACKING_REFUSALS) {
        struct cupel_tracking_refusal *refusal = &tracking->refusals[tracking->findings];
        *refusal = (struct cupel_tracking_refusal){finding, verb, base, size, align, .frame_count = 0};
        if (block != NULL) {
            refusal->block = *block;
        }
        refusal->frame_count = take_frames(tracking, site, refusal->frames);
    }
    tracking->findings++;
    if (tracking->on_finding != NULL) {
        tracking->on_finding(tracking->user, finding, base, size, align, site);
    }
    return NULL;
}

static void *tracking_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                              const void *site) {
    struct cupel_tracking *tracking = from_base(self);
    void *base = tracking->parent->ops->acquire(tracking->parent, size, align, flags, site);
    if (base == NULL) {
        return NULL;
    }
    struct cupel_block block = {.base = base, .size = size, .align = align, .serial = tracking->serial + 1};
    block.frame_count = take_frames(tracking, site, block.frames);
    if (cupel_index_insert(&tracking->index, &block) != CUPEL_INDEX_OK) {
        tracking->parent->ops->release(tracking->parent, base, size, align, site);
        return NULL;
    }
    tracking->serial++;
    tracking->live_bytes += size;
    return base;
}

static bool tracking_resize(struct cupel_allocator *self, void *base, size_t size, size_t align, size_t new_size,
                            const void *site) {
    struct cupel_tracking *tracking = from_base(self);
    struct cupel_block *block = check(tracking, "resized", base, size, align, site);
    if (block == NULL || !tracking->parent->ops->resize(tracking->parent, base, size, align, new_size, site)) {
        return false;
    }
    tracking->live_bytes += (uint64_t)new_size - size;
    (void)cupel_index_resize(&tracking->index, base, new_size);
    return true;
}

static void *tracking_remap(struct cupel_allocator *self, void *base, size_t size, size_t align, size_t new_size,
                            unsigned flags, const void *site) {
    struct cupel_tracking *tracking = from_base(self);
    struct cupel_block *block = check(tracking, "resized", base, size, align, site);
    if (block == NULL) {
        return NULL;
    }
    void *moved = tracking->parent->ops->remap(tracking->parent, base, size, align, new_size, flags, site);
    if (moved == NULL) {
        return NULL;
    }
    tracking->live_bytes += (uint64_t)new_size - size;
    (void)cupel_index_move(&tracking->index, base, moved, new_size); /* needs no memory */
    block = cupel_index_at(&tracking->index, moved);
    if (block != NULL) {
        block->frame_count = take_frames(tracking, site, block->frames);
    }
    return moved;
}

static void tracking_release(struct cupel_allocator *self, void *base, size_t size, size_t align, const void *site) {
    struct cupel_tracking *tracking = from_base(self);
    if (check(tracking, "released", base, size, align, site) != NULL) {
        (void)cupel_index_remove(&tracking->index, base);
        tracking->live_bytes -= size;
        tracking->parent->ops->release(tracking->parent, base, size, align, site);
    }
}

static size_t tracking_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    return cupel_usable(from_base(self)->parent, block, size, align);
}

static const struct cupel_allocator_ops tracking_ops = {.name = "tracking",
                                                        .acquire = tracking_acquire,
                                                        .resize = tracking_resize,
                                                        .remap = tracking_remap,
                                                        .release = tracking_release,
                                                        .usable = tracking_usable};

struct cupel_allocator *cupel_tracking_init(struct cupel_tracking *tracking, struct cupel_allocator *parent) {
    *tracking = (struct cupel_tracking){.base = {&tracking_ops}, .parent = parent};
    cupel_index_init(&tracking->index);
    return &tracking->base;
}

void cupel_tracking_deinit(struct cupel_tracking *tracking) {
    cupel_index_deinit(&tracking->index);
    tracking->live_bytes = 0;
}

uint64_t cupel_tracking_live_blocks(const struct cupel_tracking *tracking) {
    return tracking->index.count;
}

const char *cupel_tracking_finding_name(enum cupel_tracking_finding finding) {
    static const char *const names[] = {"ok", "unknown block", "wrong size", "wrong alignment"};
    return names[finding];
}
