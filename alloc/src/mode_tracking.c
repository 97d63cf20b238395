/* Tracking mode: the tracking layer over the root, under one lock. Its index answers for the entry points that are
 * given no size. */
#include "alloc/src/mode_state.h"

#include <pthread.h>

enum { ALIGN = _Alignof(max_align_t) };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cupel_tracking tracking;

static void *locked_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    (void)pthread_mutex_lock(&lock);
    void *block = tracking.base.ops->acquire(&tracking.base, size, align, flags, site);
    (void)pthread_mutex_unlock(&lock);
    return block;
}

static bool locked_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site) {
    (void)self;
    (void)pthread_mutex_lock(&lock);
    bool has_resized = tracking.base.ops->resize(&tracking.base, block, size, align, new_size, site);
    (void)pthread_mutex_unlock(&lock);
    return has_resized;
}

static void *locked_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site) {
    (void)self;
    (void)pthread_mutex_lock(&lock);
    void *moved = tracking.base.ops->remap(&tracking.base, block, size, align, new_size, flags, site);
    (void)pthread_mutex_unlock(&lock);
    return moved;
}

static void locked_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    (void)pthread_mutex_lock(&lock);
    tracking.base.ops->release(&tracking.base, block, size, align, site);
    (void)pthread_mutex_unlock(&lock);
}

static const struct cupel_allocator_ops tracking_ops = {.name = "global",
                                                        .acquire = locked_acquire,
                                                        .resize = locked_resize,
                                                        .remap = locked_remap,
                                                        .release = locked_release};

static void *tracking_malloc(size_t size) {
    return locked_acquire(NULL, size, ALIGN, 0, CUPEL_SITE());
}

static void *tracking_calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return locked_acquire(NULL, bytes, ALIGN, CUPEL_ZEROED, CUPEL_SITE());
}

/* Size and alignment of a live block. One that is unknown has size 0 and alignment 1: the layer then refuses it and
 * counts a finding. */
static void look_up(const void *block, size_t *size, size_t *align) {
    const struct cupel_block *known = cupel_index_at(&tracking.index, block);
    *size = known == NULL ? 0 : known->size;
    *align = known == NULL ? 1 : known->align;
}

static void *tracking_realloc(void *block, size_t new_size) {
    const void *site = CUPEL_SITE();
    if (block == NULL) {
        return locked_acquire(NULL, new_size, ALIGN, 0, site);
    }
    (void)pthread_mutex_lock(&lock);
    size_t size;
    size_t align;
    look_up(block, &size, &align);
    void *moved = tracking.base.ops->remap(&tracking.base, block, size, align, new_size, 0, site);
    (void)pthread_mutex_unlock(&lock);
    return moved;
}

static void tracking_free(void *block) {
    if (block == NULL) {
        return;
    }
    const void *site = CUPEL_SITE();
    (void)pthread_mutex_lock(&lock);
    size_t size;
    size_t align;
    look_up(block, &size, &align);
    tracking.base.ops->release(&tracking.base, block, size, align, site);
    (void)pthread_mutex_unlock(&lock);
}

static bool tracking_enter(struct cupel_error *error) {
    (void)error;
    (void)cupel_tracking_init(&tracking, cupel__mode_root());
    return true;
}

static void tracking_leave(void) {
    cupel_tracking_deinit(&tracking);
}

static uint64_t tracking_live_blocks(bool *is_balanced) {
    (void)pthread_mutex_lock(&lock);
    uint64_t live = cupel_tracking_live_blocks(&tracking);
    (void)pthread_mutex_unlock(&lock);
    *is_balanced = live == 0;
    return live;
}

static const struct cupel_global_table tracking_table = {tracking_malloc, tracking_calloc, tracking_realloc,
                                                         tracking_free};

const struct cupel__mode cupel__mode_tracking = {.name = "tracking",
                                                 .table = &tracking_table,
                                                 .ops = &tracking_ops,
                                                 .enter = tracking_enter,
                                                 .leave = tracking_leave,
                                                 .live_blocks = tracking_live_blocks};

struct cupel_tracking *cupel__mode_tracking_layer(void) {
    return &tracking;
}
