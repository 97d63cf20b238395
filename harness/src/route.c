/* See route.h. Under MemorySanitizer nothing that comes from the interposition objects, which are not instrumented, may
 * be taken for uninitialised. */
#include "harness/src/route.h"

#include "alloc/index.h"
#include "alloc/libc.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#define ENTRY __attribute__((no_sanitize("memory")))
#else
#define ENTRY
#endif

struct cupel__route cupel__route;
_Thread_local struct cupel__route_thread cupel__route_thread;

enum { PLACEMENTS = 8 };
static_assert((int)CUPEL_PLACEMENT_COUNT <= (int)PLACEMENTS, "each has a number of its own");

static struct {
    struct cupel_allocator gate;
    struct cupel_allocator *below; /* NULL before the first run */
    struct cupel_index blocks;     /* serial: the number of the run */
    uint64_t run;                  /* times PLACEMENTS, plus how its blocks are placed */
    struct cupel__routed counts;
    bool is_prepared;
} route;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ENTRY void cupel__route_enter(void) {
    if (cupel__route_thread.depth++ == 0) {
        (void)pthread_mutex_lock(&lock);
    }
}

ENTRY void cupel__route_leave(void) {
    if (--cupel__route_thread.depth == 0) {
        (void)pthread_mutex_unlock(&lock);
    }
}

/* The gate. */

static void *gate_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    cupel__route_enter();
    void *block = route.below->ops->acquire(route.below, size, align, flags, site);
    cupel__route_leave();
    return block;
}

static bool gate_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        const void *site) {
    (void)self;
    cupel__route_enter();
    bool has_resized = route.below->ops->resize(route.below, block, size, align, new_size, site);
    cupel__route_leave();
    return has_resized;
}

static void *gate_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        unsigned flags, const void *site) {
    (void)self;
    cupel__route_enter();
    void *moved = route.below->ops->remap(route.below, block, size, align, new_size, flags, site);
    cupel__route_leave();
    return moved;
}

static void gate_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    cupel__route_enter();
    route.below->ops->release(route.below, block, size, align, site);
    cupel__route_leave();
}

static size_t gate_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    cupel__route_enter();
    size_t usable = cupel_usable(route.below, block, size, align);
    cupel__route_leave();
    return usable;
}

static const struct cupel_allocator_ops gate_ops = {.name = "gate",
                                                    .acquire = gate_acquire,
                                                    .resize = gate_resize,
                                                    .remap = gate_remap,
                                                    .release = gate_release,
                                                    .usable = gate_usable};

/* Runs. */

struct cupel_allocator *cupel__route_begin(struct cupel_allocator *below, enum cupel_placement placement) {
    cupel__route_enter();
    if (route.gate.ops == NULL) {
        route.gate.ops = &gate_ops;
        cupel_index_init(&route.blocks);
    }
    route.below = below;
    route.run = (route.run / PLACEMENTS + 1) * PLACEMENTS + (uint64_t)placement;
    route.counts = (struct cupel__routed){.acquired = 0};
    cupel__route_leave();
    return &route.gate;
}

static void after_fork_in_parent(void) {
    cupel__route_leave();
}

static void after_fork_in_child(void) {
    cupel__route_leave();
    __atomic_store_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
}

/* What runs when a body leaves by exit is the program's end, not the body. */
static void after_exit(void) {
    __atomic_store_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
}

/* Once: by the supervisor, where there is one, and not in the first test of each worker. */
static void prepare(void) {
    if (!route.is_prepared) {
        route.is_prepared = true;
        cupel__route_find_callers();
        (void)pthread_atfork(cupel__route_enter, after_fork_in_parent, after_fork_in_child);
        (void)atexit(after_exit);
    }
}

void cupel__route_arm(bool is_on) {
    if (cupel__interpose_check) {
        prepare();
        __atomic_store_n(&cupel__route.armed, is_on ? CUPEL__ROUTE_ON : CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
    }
}

struct cupel__routed cupel__route_counts(void) {
    cupel__route_enter();
    struct cupel__routed counts = route.counts;
    cupel__route_leave();
    return counts;
}

static bool take_oldest(void *user, const struct cupel_block *block) {
    struct cupel__routed_block *oldest = user;
    if (block->serial == route.run && oldest->base == NULL) {
        *oldest = (struct cupel__routed_block){block->base, block->size, block->frames[0]};
    }
    return oldest->base == NULL;
}

struct cupel__routed_block cupel__route_oldest(void) {
    struct cupel__routed_block oldest = {.base = NULL};
    cupel__route_enter();
    cupel_index_walk(&route.blocks, take_oldest, &oldest);
    cupel__route_leave();
    return oldest;
}

bool cupel__route_check(struct cupel_error *error) {
    if (!cupel__interpose_check) {
        return cupel_error_set(
            error, 0, 0,
            "this program's malloc cannot be watched: the objects of cupel::harness_main that define "
            "it are not linked");
    }
    prepare();
    return cupel__interpose_check(error);
}

/* Blocks. All of these hold the lock. */

static void note_live(void) {
    __atomic_store_n(&cupel__route.live, route.blocks.count, __ATOMIC_RELAXED);
}

static void forget(const struct cupel_block *block) {
    (void)cupel_index_remove(&route.blocks, block->base);
    if (block->serial == route.run) {
        route.counts.live_blocks--;
        route.counts.live_bytes -= block->size;
        route.counts.address_sum -= (uintptr_t)block->base;
    } else {
        route.counts.old_blocks++;
    }
    note_live();
}

/* False when the index has no room. */
static bool remember(void *base, size_t size, size_t align, const void *site) {
    struct cupel_block block = {
        .base = base, .size = size, .align = align, .serial = route.run, .frame_count = 1, .frames = {site}};
    const struct cupel_block *stale = cupel_index_at(&route.blocks, base);
    if (stale != NULL) { /* it was freed behind our back */
        struct cupel_block gone = *stale;
        forget(&gone);
    }
    if (!cupel_index_insert(&route.blocks, &block)) {
        return false;
    }
    route.counts.live_blocks++;
    route.counts.live_bytes += size;
    route.counts.address_sum += (uintptr_t)base;
    note_live();
    return true;
}

static void *acquire(size_t size, size_t align, unsigned flags, const void *site) {
    void *base = route.below->ops->acquire(route.below, size, align, flags, site);
    if (base != NULL && !remember(base, size, align, site)) {
        route.below->ops->release(route.below, base, size, align, site);
        base = NULL;
    }
    route.counts.acquired += base != NULL;
    return base;
}

/* Forgets the block first: as soon as it is released another thread may get its address. */
static void release(const struct cupel_block *known, const void *site) {
    struct cupel_block block = *known;
    void *base = (void *)(uintptr_t)block.base;
    forget(&block);
    if (block.serial == route.run) {
        route.below->ops->release(route.below, base, block.size, block.align, site);
    } else {
        cupel_perturbing_release_late((enum cupel_placement)(block.serial % PLACEMENTS), cupel_libc(), base, block.size,
                                      block.align);
    }
}

ENTRY bool cupel__route_usable(const void *block, size_t *size) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&route.blocks, block);
    bool is_placed = known != NULL && known->serial % PLACEMENTS != CUPEL_PLACEMENT_PARENT;
    *size = is_placed ? known->size : 0;
    cupel__route_leave();
    return is_placed;
}

ENTRY void *cupel__route_acquire(size_t size, size_t align, unsigned flags, const void *site) {
    cupel__route_enter();
    void *base = acquire(size, align, flags, site);
    cupel__route_leave();
    return base;
}

ENTRY bool cupel__route_release(void *block, const void *site) {
    int errno_before = errno;
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&route.blocks, block);
    if (known != NULL) {
        release(known, site);
    }
    cupel__route_leave();
    errno = errno_before;
    return known != NULL;
}

/* Within the layers, where the block is of this run: one request that can be refused, as growth and as an allocation,
 * however much room there happens to be behind the block. */
static void *remap_known(const struct cupel_block *known, size_t size, const void *site) {
    struct cupel_block block = *known;
    void *base = (void *)(uintptr_t)block.base;
    void *moved = route.below->ops->remap(route.below, base, block.size, block.align, size, 0, site);
    if (moved == NULL) {
        return NULL;
    }
    forget(&block);
    (void)remember(moved, size, block.align, site); /* the place that the old record left takes the new one */
    return moved;
}

ENTRY void *cupel__route_remap(void *block, size_t size, const void *site) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&route.blocks, block);
    void *moved;
    if (known != NULL && known->serial == route.run) {
        moved = remap_known(known, size, site);
    } else {
        size_t held = known != NULL ? known->size : malloc_usable_size(block);
        moved = acquire(size, alignof(max_align_t), 0, site);
        if (moved != NULL) {
            memcpy(moved, block, held < size ? held : size);
            known = cupel_index_at(&route.blocks, block); /* the index may have moved */
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

ENTRY bool cupel__route_remap_out(void *block, size_t size, const void *site, void **moved) {
    cupel__route_enter();
    const struct cupel_block *known = cupel_index_at(&route.blocks, block);
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
