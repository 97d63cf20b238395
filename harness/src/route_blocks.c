/* Requests on their way through the layers, and the blocks that came of them: see route.h. Below these stands a root
 * that knows C++'s operators. */
#include "harness/src/route_state.h"

#include "alloc/libc.h"

#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <string.h>

/* The root. An allocator of its own only for C++'s operators. */

static void *root_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    const struct cupel__route_operator *form = cupel__route_thread.form;
    void *block;
    (void)self;
    if (form != NULL && cupel__interpose_new && cupel__interpose_new(form, size, align, &block)) {
        return block;
    }
    return cupel_libc()->ops->acquire(cupel_libc(), size, align, flags, site);
}

static bool root_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        const void *site) {
    (void)self;
    return cupel_libc()->ops->resize(cupel_libc(), block, size, align, new_size, site);
}

static void *root_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        unsigned flags, const void *site) {
    (void)self;
    return cupel_libc()->ops->remap(cupel_libc(), block, size, align, new_size, flags, site);
}

static void root_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    const struct cupel__route_operator *form = cupel__route_thread.form;
    (void)self;
    if (form == NULL || !cupel__interpose_delete || !cupel__interpose_delete(form, block, align)) {
        cupel_libc()->ops->release(cupel_libc(), block, size, align, site);
    }
}

static size_t root_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    return cupel_usable(cupel_libc(), block, size, align);
}

struct cupel_allocator *cupel__route_root(void) {
    static const struct cupel_allocator_ops ops = {.name = "malloc",
                                                   .acquire = root_acquire,
                                                   .resize = root_resize,
                                                   .remap = root_remap,
                                                   .release = root_release,
                                                   .usable = root_usable};
    static struct cupel_allocator root = {&ops};
    return cupel__interpose_new ? &root : cupel_libc();
}

/* Blocks. All of these hold the lock. */

static void note_live(void) {
    __atomic_store_n(&cupel__route.live, cupel__route_state.blocks.count, __ATOMIC_RELAXED);
}

/* The run of a block, or NULL where it is over. */
static struct cupel__route_run *run_of(const struct cupel_block *block) {
    struct cupel__route_run *run = cupel__route_state.run;
    while (run > cupel__route_state.runs && run->number != block->serial) {
        run--;
    }
    return run->number == block->serial ? run : NULL;
}

static void forget(const struct cupel_block *block) {
    struct cupel__route_run *run = run_of(block);
    (void)cupel_index_remove(&cupel__route_state.blocks, block->base);
    if (run != NULL) {
        run->counts.live_blocks--;
        run->counts.live_bytes -= block->size;
        run->counts.address_sum -= (uintptr_t)block->base;
    } else {
        struct cupel__route_mark *mark = cupel__route_mark_of(block->frames[0]);
        if (mark != NULL) {
            mark->freed++;
        }
    }
    note_live();
}

/* False when the index has no room. */
static bool remember(struct cupel__route_run *run, void *base, size_t size, size_t align, const void *site) {
    struct cupel_block block = {
        .base = base, .size = size, .align = align, .serial = run->number, .frame_count = 1, .frames = {site}};
    const struct cupel_block *stale = cupel_index_at(&cupel__route_state.blocks, base);
    if (stale != NULL) { /* it was freed behind our back */
        struct cupel_block gone = *stale;
        forget(&gone);
    }
    if (cupel_index_insert(&cupel__route_state.blocks, &block) != CUPEL_INDEX_OK) {
        return false;
    }
    run->counts.live_blocks++;
    run->counts.live_bytes += size;
    run->counts.address_sum += (uintptr_t)base;
    note_live();
    return true;
}

/* A layer that places blocks itself takes them from the root for many uses. */
static void forget_form(uint64_t serial) {
    if (serial % CUPEL__PLACEMENTS != CUPEL_PLACEMENT_PARENT) {
        cupel__route_thread.form = NULL;
    }
}

static void *acquire(size_t size, size_t align, unsigned flags, const void *site) {
    struct cupel__route_run *run = cupel__route_state.run;
    forget_form(run->number);
    void *base = run->below->ops->acquire(run->below, size, align, flags, site);
    if (base != NULL && !remember(run, base, size, align, site)) {
        run->below->ops->release(run->below, base, size, align, site);
        base = NULL;
    }
    run->counts.acquired += base != NULL;
    return base;
}

/* Forgets the block first: as soon as it is released another thread may get its address. */
static void release(const struct cupel_block *known, const void *site) {
    struct cupel_block block = *known;
    void *base = (void *)(uintptr_t)block.base;
    struct cupel__route_run *run = run_of(&block);
    forget(&block);
    forget_form(block.serial);
    if (run != NULL) {
        run->below->ops->release(run->below, base, block.size, block.align, site);
    } else {
        cupel_perturbing_release_late((enum cupel_placement)(block.serial % CUPEL__PLACEMENTS), cupel__route_root(),
                                      base, block.size, block.align);
    }
}

CUPEL__ROUTE_ENTRY bool cupel__route_usable(const void *block, size_t *size) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&cupel__route_state.blocks, block);
    bool is_placed = known != NULL && known->serial % CUPEL__PLACEMENTS != CUPEL_PLACEMENT_PARENT;
    *size = is_placed ? known->size : 0;
    cupel__route_leave();
    return is_placed;
}

CUPEL__ROUTE_ENTRY void *cupel__route_acquire(size_t size, size_t align, unsigned flags, const void *site) {
    cupel__route_enter();
    void *base = acquire(size, align, flags, site);
    cupel__route_leave();
    return base;
}

CUPEL__ROUTE_ENTRY bool cupel__route_release(void *block, const void *site) {
    int errno_before = errno;
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&cupel__route_state.blocks, block);
    if (known != NULL) {
        release(known, site);
    }
    cupel__route_leave();
    errno = errno_before;
    return known != NULL;
}

/* Within the layers, where the block is of this run: one request that can be refused, as growth and as an allocation,
 * however much room there happens to be behind the block. */
static void *remap_known(struct cupel__route_run *run, const struct cupel_block *known, size_t size, const void *site) {
    struct cupel_block block = *known;
    void *base = (void *)(uintptr_t)block.base;
    void *moved = run->below->ops->remap(run->below, base, block.size, block.align, size, 0, site);
    if (moved == NULL) {
        return NULL;
    }
    forget(&block);
    (void)remember(run, moved, size, block.align, site); /* the place that the old record left takes the new one */
    return moved;
}

CUPEL__ROUTE_ENTRY void *cupel__route_remap(void *block, size_t size, const void *site) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&cupel__route_state.blocks, block);
    struct cupel__route_run *run = known != NULL ? run_of(known) : NULL;
    void *moved;
    if (run != NULL) {
        moved = remap_known(run, known, size, site);
    } else {
        size_t held = known != NULL ? known->size : malloc_usable_size(block);
        moved = acquire(size, alignof(max_align_t), 0, site);
        if (moved != NULL) {
            memcpy(moved, block, held < size ? held : size);
            known = cupel_index_at(&cupel__route_state.blocks, block); /* the index may have moved */
            if (known != NULL) {
                release(known, site);
            } else {
                cupel_free(cupel_libc(), block, held, 1);
            }
        }
    }
    cupel__route_leave();
    return moved;
}

CUPEL__ROUTE_ENTRY bool cupel__route_remap_out(void *block, size_t size, const void *site, void **moved) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&cupel__route_state.blocks, block);
    if (known != NULL) {
        *moved = cupel_alloc(cupel_libc(), size, alignof(max_align_t));
        if (*moved != NULL) {
            memcpy(*moved, block, known->size < size ? known->size : size);
            release(known, site);
        }
    }
    cupel__route_leave();
    return known != NULL;
}

CUPEL__ROUTE_ENTRY void *cupel__route_acquire_by(const struct cupel__route_operator *form, size_t size, size_t align,
                                                 const void *site) {
    cupel__route_thread.form = form;
    void *base = cupel__route_acquire(size, align, 0, site);
    cupel__route_thread.form = NULL;
    return base;
}

CUPEL__ROUTE_ENTRY bool cupel__route_release_by(const struct cupel__route_operator *form, void *block,
                                                const void *site) {
    cupel__route_thread.form = form;
    bool is_known = cupel__route_release(block, site);
    cupel__route_thread.form = NULL;
    return is_known;
}
