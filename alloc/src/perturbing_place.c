/* Placements of the perturbing layer: see perturbing_place.h.
 *
 *     misaligned   asks for `align` bytes more at twice the alignment, and hands out what begins behind them
 *     reused       keeps the last blocks that were released in a ring, and looks there first, the newest first
 *     never        keeps what was released in the same ring until it is full
 *     adjacent     cuts blocks from slabs; a slab counts its live blocks, and is known by its alignment */
#include "alloc/src/perturbing_place.h"

#include "alloc/base/poison.h"
#include "alloc/pages.h"

#include <string.h>

enum { HELD_MAX = 32768, REUSED_MAX = 64, CLASS = 64, REUSED_SIZE_MAX = 65536 };
enum { SLAB_SIZE = 16384, CUT_SIZE_MAX = 2048, CUT_ALIGN_MAX = 256 };
static const size_t held_bytes_max = (size_t)64 << 20;

struct cupel__held_block {
    void *block;
    size_t size; /* as the parent knows it */
    size_t align;
};

struct cupel__slab {
    struct cupel__slab *previous, *next;
    size_t live;
    size_t used; /* bytes, this head included */
};

static struct cupel__held_block *held_at(const struct cupel_perturbing *layer, size_t index) {
    return &layer->held[(layer->held_first + index) % HELD_MAX];
}

static void release_oldest(struct cupel_perturbing *layer) {
    struct cupel__held_block oldest = *held_at(layer, 0);
    layer->held_first = (layer->held_first + 1) % HELD_MAX;
    layer->held_count--;
    layer->held_bytes -= oldest.size;
    cupel__unhide(layer->is_watched, oldest.block, oldest.size);
    layer->parent->ops->release(layer->parent, oldest.block, oldest.size, oldest.align, NULL);
}

/* Keeps a block back from the parent, at most `count_max` of them. */
static void hold(struct cupel_perturbing *layer, void *block, size_t size, size_t align, size_t count_max,
                 const void *site) {
    pthread_mutex_lock(&layer->lock);
    if (layer->held == NULL) {
        layer->held = cupel_alloc(cupel_pages(), HELD_MAX * sizeof *layer->held, _Alignof(struct cupel__held_block));
    }
    if (layer->held == NULL) {
        pthread_mutex_unlock(&layer->lock);
        layer->parent->ops->release(layer->parent, block, size, align, site);
        return;
    }
    while (layer->held_count != 0 && (layer->held_count >= count_max || layer->held_bytes + size > held_bytes_max)) {
        release_oldest(layer);
    }
    *held_at(layer, layer->held_count++) = (struct cupel__held_block){block, size, align};
    layer->held_bytes += size;
    cupel__hide(layer->is_watched, block, size);
    pthread_mutex_unlock(&layer->lock);
}

/* The newest held block of that size and alignment, or NULL. */
static void *take_held(struct cupel_perturbing *layer, size_t size, size_t align) {
    void *block = NULL;
    pthread_mutex_lock(&layer->lock);
    for (size_t i = layer->held_count; i-- > 0;) {
        const struct cupel__held_block *held = held_at(layer, i);
        if (held->size == size && held->align == align) {
            block = held->block;
            for (; i + 1 < layer->held_count; i++) {
                *held_at(layer, i) = *held_at(layer, i + 1);
            }
            layer->held_count--;
            layer->held_bytes -= size;
            cupel__unhide(layer->is_watched, block, size);
            break;
        }
    }
    pthread_mutex_unlock(&layer->lock);
    return block;
}

/* From the parent; where it has no more, what is held back goes first. */
static void *from_parent(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags, const void *site) {
    void *block = layer->parent->ops->acquire(layer->parent, size, align, flags, site);
    if (block == NULL) {
        pthread_mutex_lock(&layer->lock);
        bool has_more = layer->held_count != 0;
        while (layer->held_count != 0) {
            release_oldest(layer);
        }
        pthread_mutex_unlock(&layer->lock);
        block = !has_more ? NULL : layer->parent->ops->acquire(layer->parent, size, align, flags, site);
    }
    return block;
}

/* Misaligned: whether a block is moved up by its alignment. */
static bool is_shifted(size_t size, size_t align) {
    return align <= CUPEL_ALIGN_MAX / 2 && size <= PTRDIFF_MAX - align;
}

static void *acquire_shifted(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags,
                             const void *site) {
    char *start = layer->parent->ops->acquire(layer->parent, size + align, 2 * align, flags, site);
    if (start == NULL) {
        return NULL;
    }
    cupel__hide(layer->is_watched, start, align);
    return start + align;
}

static void release_shifted(struct cupel_perturbing *layer, void *block, size_t size, size_t align, const void *site) {
    char *start = (char *)block - align;
    cupel__unhide(layer->is_watched, start, align);
    layer->parent->ops->release(layer->parent, start, size + align, 2 * align, site);
}

/* Reused: what a block is rounded up to, so that one serves for sizes near its own; itself where it is too large. */
static size_t class_of(size_t size) {
    return size > REUSED_SIZE_MAX ? size : (size == 0 ? CLASS : (size + CLASS - 1) / CLASS * CLASS);
}

static void *acquire_reused(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags,
                            const void *site) {
    size_t whole = class_of(size);
    char *block = size > REUSED_SIZE_MAX ? NULL : take_held(layer, whole, align);
    if (block != NULL && (flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, whole);
    }
    if (block == NULL) {
        block = from_parent(layer, whole, align, flags, site);
    }
    if (block != NULL && whole != size) {
        cupel__hide(layer->is_watched, block + size, whole - size);
    }
    return block;
}

static void release_reused(struct cupel_perturbing *layer, void *block, size_t size, size_t align, const void *site) {
    size_t whole = class_of(size);
    if (whole != size) {
        cupel__unhide(layer->is_watched, (char *)block + size, whole - size);
    }
    if (size > REUSED_SIZE_MAX) {
        layer->parent->ops->release(layer->parent, block, size, align, site);
    } else {
        hold(layer, block, whole, align, REUSED_MAX, site);
    }
}

/* Adjacent: whether a block is cut from a slab. */
static bool is_cut(size_t size, size_t align) {
    return size <= CUT_SIZE_MAX && align <= CUT_ALIGN_MAX;
}

static struct cupel__slab *slab_of(const void *block) {
    return (struct cupel__slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_SIZE - 1));
}

static struct cupel__slab *new_slab(struct cupel_perturbing *layer, const void *site) {
    struct cupel__slab *slab = layer->parent->ops->acquire(layer->parent, SLAB_SIZE, SLAB_SIZE, 0, site);
    if (slab == NULL) {
        return NULL;
    }
    *slab = (struct cupel__slab){.next = layer->slabs, .used = sizeof *slab};
    if (layer->slabs != NULL) {
        layer->slabs->previous = slab;
    }
    layer->slabs = slab;
    cupel__hide(layer->is_watched, slab + 1, SLAB_SIZE - sizeof *slab);
    return slab;
}

static void drop_slab(struct cupel_perturbing *layer, struct cupel__slab *slab) {
    if (slab->next != NULL) {
        slab->next->previous = slab->previous;
    }
    *(slab->previous != NULL ? &slab->previous->next : &layer->slabs) = slab->next;
    cupel__unhide(layer->is_watched, slab, SLAB_SIZE);
    layer->parent->ops->release(layer->parent, slab, SLAB_SIZE, SLAB_SIZE, NULL);
}

static void *cut(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags, const void *site) {
    size_t taken = size == 0 ? 1 : size;
    char *block = NULL;
    pthread_mutex_lock(&layer->lock);
    struct cupel__slab *slab = layer->slabs;
    size_t at = slab == NULL ? 0 : (slab->used + align - 1) & ~(align - 1);
    if (slab == NULL || at + taken > SLAB_SIZE) {
        slab = new_slab(layer, site);
        at = (sizeof *slab + align - 1) & ~(align - 1);
    }
    if (slab != NULL) {
        block = (char *)slab + at;
        slab->used = at + taken;
        slab->live++;
        cupel__unhide(layer->is_watched, block, size);
    }
    pthread_mutex_unlock(&layer->lock);
    if (block != NULL && (flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static void release_cut(struct cupel_perturbing *layer, void *block, size_t size) {
    struct cupel__slab *slab = slab_of(block);
    pthread_mutex_lock(&layer->lock);
    cupel__hide(layer->is_watched, block, size);
    slab->live--;
    if (slab->live == 0 && slab != layer->slabs) {
        drop_slab(layer, slab);
    } else if (slab->live == 0) {
        slab->used = sizeof *slab; /* begins anew */
    }
    pthread_mutex_unlock(&layer->lock);
}

/* In place where it shrinks, or where nothing stands behind it yet. */
static bool resize_cut(struct cupel_perturbing *layer, void *block, size_t size, size_t new_size) {
    struct cupel__slab *slab = slab_of(block);
    size_t begin = (size_t)((char *)block - (char *)slab);
    pthread_mutex_lock(&layer->lock);
    bool is_last = slab->used == begin + (size == 0 ? 1 : size);
    bool is_possible = new_size <= size || (is_last && begin + new_size <= SLAB_SIZE);
    if (is_possible && new_size > size) {
        slab->used = begin + new_size;
        cupel__unhide(layer->is_watched, (char *)block + size, new_size - size);
    } else if (is_possible) {
        cupel__hide(layer->is_watched, (char *)block + new_size, size - new_size);
    }
    pthread_mutex_unlock(&layer->lock);
    return is_possible;
}

void *cupel__place_acquire(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags,
                           const void *site) {
    switch (layer->options.placement) {
    case CUPEL_PLACEMENT_REUSED:
        return acquire_reused(layer, size, align, flags, site);
    case CUPEL_PLACEMENT_ADJACENT:
        if (is_cut(size, align)) {
            return cut(layer, size, align, flags, site);
        }
        break;
    case CUPEL_PLACEMENT_MISALIGNED:
        if (is_shifted(size, align)) {
            return acquire_shifted(layer, size, align, flags, site);
        }
        break;
    default:
        break;
    }
    return from_parent(layer, size, align, flags, site);
}

bool cupel__place_resize(struct cupel_perturbing *layer, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel_allocator *parent = layer->parent;
    switch (layer->options.placement) {
    case CUPEL_PLACEMENT_REUSED:
        if (size > REUSED_SIZE_MAX && new_size > REUSED_SIZE_MAX) {
            break;
        }
        if (class_of(new_size) != class_of(size)) { /* where one of them is too large they differ */
            return false;
        }
        cupel__unhide(layer->is_watched, (char *)block + size, new_size > size ? new_size - size : 0);
        cupel__hide(layer->is_watched, (char *)block + new_size, class_of(new_size) - new_size);
        return true;
    case CUPEL_PLACEMENT_ADJACENT:
        if (is_cut(size, align) && is_cut(new_size, align)) {
            return resize_cut(layer, block, size, new_size);
        }
        if (is_cut(size, align) || is_cut(new_size, align)) {
            return false;
        }
        break;
    case CUPEL_PLACEMENT_MISALIGNED:
        if (is_shifted(size, align) && is_shifted(new_size, align)) {
            return parent->ops->resize(parent, (char *)block - align, size + align, 2 * align, new_size + align, site);
        }
        if (is_shifted(size, align)) { /* what was too large to be moved up has no larger alignment to come down to */
            return false;
        }
        break;
    default:
        break;
    }
    return parent->ops->resize(parent, block, size, align, new_size, site);
}

void cupel__place_release(struct cupel_perturbing *layer, void *block, size_t size, size_t align, const void *site) {
    switch (layer->options.placement) {
    case CUPEL_PLACEMENT_REUSED:
        release_reused(layer, block, size, align, site);
        return;
    case CUPEL_PLACEMENT_NEVER:
        hold(layer, block, size, align, HELD_MAX, site);
        return;
    case CUPEL_PLACEMENT_ADJACENT:
        if (is_cut(size, align)) {
            release_cut(layer, block, size);
            return;
        }
        break;
    case CUPEL_PLACEMENT_MISALIGNED:
        if (is_shifted(size, align)) {
            release_shifted(layer, block, size, align, site);
            return;
        }
        break;
    default:
        break;
    }
    layer->parent->ops->release(layer->parent, block, size, align, site);
}

void cupel__place_flush(struct cupel_perturbing *layer) {
    while (layer->held_count != 0) {
        release_oldest(layer);
    }
    if (layer->held != NULL) {
        cupel_free(cupel_pages(), layer->held, HELD_MAX * sizeof *layer->held, _Alignof(struct cupel__held_block));
        layer->held = NULL;
    }
    for (struct cupel__slab *slab = layer->slabs, *next; slab != NULL; slab = next) {
        next = slab->next;
        if (slab->live == 0) {
            drop_slab(layer, slab);
        } else {
            slab->previous = slab->next = NULL; /* its last block takes it along */
        }
    }
    layer->slabs = NULL;
}

void cupel_perturbing_release_late(enum cupel_placement placement, struct cupel_allocator *parent, void *block,
                                   size_t size, size_t align) {
    struct cupel_perturbing layer = {.parent = parent, .is_watched = cupel__is_watched()};
    if (placement == CUPEL_PLACEMENT_ADJACENT && is_cut(size, align)) {
        struct cupel__slab *slab = slab_of(block);
        if (--slab->live == 0) {
            cupel__unhide(layer.is_watched, slab, SLAB_SIZE);
            parent->ops->release(parent, slab, SLAB_SIZE, SLAB_SIZE, NULL);
        }
    } else if (placement == CUPEL_PLACEMENT_MISALIGNED && is_shifted(size, align)) {
        release_shifted(&layer, block, size, align, NULL);
    } else if (placement == CUPEL_PLACEMENT_REUSED) {
        size_t whole = class_of(size);
        cupel__unhide(layer.is_watched, (char *)block + size, whole - size);
        parent->ops->release(parent, block, whole, align, NULL);
    } else {
        parent->ops->release(parent, block, size, align, NULL);
    }
}
