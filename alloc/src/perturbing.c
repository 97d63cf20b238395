/* The perturbing layer: fills what is acquired and released, and leaves the placing to perturbing_place.c. See
 * perturbing.h. */
#include "alloc/perturbing.h"

#include "alloc/base/poison.h"
#include "alloc/src/perturbing_place.h"

#include <string.h>

enum { FILL_MAX = 1 << 20 };

static struct cupel_perturbing *from_base(struct cupel_allocator *self) {
    return (struct cupel_perturbing *)self;
}

static void fill(void *start, int byte, size_t size) {
    memset(start, byte, size < FILL_MAX ? size : FILL_MAX);
}

/* Bytes that the caller has not written: filled, and yet unknown to whoever watches. */
static void fill_fresh(const struct cupel_perturbing *layer, void *start, size_t size) {
    if (layer->options.fills_fresh && size != 0) {
        fill(start, layer->options.fresh, size);
        cupel__unhide(layer->is_watched, start, size);
    }
}

static void *perturbing_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                                const void *site) {
    struct cupel_perturbing *layer = from_base(self);
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    void *block = cupel__place_acquire(layer, size, align, flags, site);
    if (block != NULL && (flags & CUPEL_ZEROED) == 0) {
        fill_fresh(layer, block, size);
    }
    return block;
}

static void perturbing_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel_perturbing *layer = from_base(self);
    if (layer->options.fills_freed) {
        fill(block, layer->options.freed, size);
    }
    cupel__place_release(layer, block, size, align, site);
}

static bool perturbing_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                              const void *site) {
    struct cupel_perturbing *layer = from_base(self);
    if (!cupel_request_is_valid(new_size, align) || !cupel__place_resize(layer, block, size, align, new_size, site)) {
        return false;
    }
    if (new_size > size) {
        fill_fresh(layer, (char *)block + size, new_size - size);
    }
    return true;
}

/* Moves, so that the old place is freed as any other. */
static void *move(struct cupel_perturbing *layer, void *block, size_t size, size_t align, size_t new_size,
                  const void *site) {
    void *moved = cupel__place_acquire(layer, new_size, align, 0, site);
    if (moved != NULL) {
        memcpy(moved, block, size < new_size ? size : new_size);
        perturbing_release(&layer->base, block, size, align, site);
    }
    return moved;
}

static void *perturbing_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                              unsigned flags, const void *site) {
    struct cupel_perturbing *layer = from_base(self);
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    bool is_ours = layer->options.placement != CUPEL_PLACEMENT_PARENT || layer->options.fills_freed;
    void *moved = is_ours ? move(layer, block, size, align, new_size, site)
                          : layer->parent->ops->remap(layer->parent, block, size, align, new_size, flags, site);
    if (moved == NULL || new_size <= size) {
        return moved;
    }
    if ((flags & CUPEL_ZEROED) == 0) {
        fill_fresh(layer, (char *)moved + size, new_size - size);
    } else if (is_ours) {
        memset((char *)moved + size, 0, new_size - size);
    }
    return moved;
}

static size_t perturbing_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    struct cupel_perturbing *layer = from_base(self);
    return layer->options.placement == CUPEL_PLACEMENT_PARENT ? cupel_usable(layer->parent, block, size, align) : size;
}

static const struct cupel_allocator_ops perturbing_ops = {.name = "perturbing",
                                                          .acquire = perturbing_acquire,
                                                          .resize = perturbing_resize,
                                                          .remap = perturbing_remap,
                                                          .release = perturbing_release,
                                                          .usable = perturbing_usable};

struct cupel_allocator *cupel_perturbing_init(struct cupel_perturbing *perturbing, struct cupel_allocator *parent,
                                              const struct cupel_perturbing_options *options) {
    *perturbing = (struct cupel_perturbing){.base = {&perturbing_ops},
                                            .parent = parent,
                                            .options = *options,
                                            .is_watched = cupel__is_watched(),
                                            .lock = PTHREAD_MUTEX_INITIALIZER};
    return &perturbing->base;
}

void cupel_perturbing_deinit(struct cupel_perturbing *perturbing) {
    cupel__place_flush(perturbing);
}
