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

enum { PLACEMENTS = 8, MARKS_MAX = 128 };
static_assert((int)CUPEL_PLACEMENT_COUNT <= (int)PLACEMENTS, "each has a number of its own");

static struct {
    struct cupel_allocator gate;
    struct cupel_allocator *below; /* NULL before the first run */
    struct cupel_index blocks;     /* serial: the number of the run */
    uint64_t run;                  /* times PLACEMENTS, plus how its blocks are placed */
    struct cupel__routed counts;
    bool is_prepared;
    bool takes_libc;
    /* Requests that left blocks, by their addresses; the last entry is for all beyond. */
    unsigned mark_count;
    struct mark {
        const void *site;
        uint64_t freed; /* blocks of it and of earlier runs, since */
        uint64_t left;
    } marks[MARKS_MAX];
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
        cupel__route_find_callers(route.takes_libc);
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

void cupel__route_take_libc(bool takes_libc) {
    route.takes_libc = takes_libc;
}

static struct mark *find_mark(const void *site) {
    unsigned i = 0;
    while (i < route.mark_count && i < MARKS_MAX - 1 && route.marks[i].site != site) {
        i++;
    }
    return i < route.mark_count ? &route.marks[i] : NULL;
}

static bool add_mark(void *user, const struct cupel_block *block) {
    (void)user;
    if (block->serial == route.run && find_mark(block->frames[0]) == NULL) {
        route.marks[route.mark_count++] = (struct mark){.site = block->frames[0]};
    }
    return true;
}

void cupel__route_mark_left(void) {
    cupel__route_enter();
    route.mark_count = 0;
    cupel_index_walk(&route.blocks, add_mark, NULL);
    cupel__route_leave();
}

static bool count_left(void *user, const struct cupel_block *block) {
    (void)user;
    struct mark *mark = block->serial == route.run ? find_mark(block->frames[0]) : NULL;
    if (mark != NULL) {
        mark->left++;
    }
    return true;
}

bool cupel__route_left_grew(void) {
    bool has_grown = false;
    cupel__route_enter();
    cupel_index_walk(&route.blocks, count_left, NULL);
    for (unsigned i = 0; i < route.mark_count; i++) {
        has_grown = has_grown || route.marks[i].left > route.marks[i].freed;
    }
    route.mark_count = 0;
    cupel__route_leave();
    return has_grown;
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
    } else if (route.mark_count != 0) {
        struct mark *mark = find_mark(block->frames[0]);
        if (mark != NULL) {
            mark->freed++;
        }
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

/* A layer that places blocks itself takes them from the root for many uses. */
static void forget_form(uint64_t serial) {
    if (serial % PLACEMENTS != CUPEL_PLACEMENT_PARENT) {
        cupel__route_thread.form = NULL;
    }
}

static void *acquire(size_t size, size_t align, unsigned flags, const void *site) {
    forget_form(route.run);
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
    forget_form(block.serial);
    if (block.serial == route.run) {
        route.below->ops->release(route.below, base, block.size, block.align, site);
    } else {
        cupel_perturbing_release_late((enum cupel_placement)(block.serial % PLACEMENTS), cupel__route_root(), base,
                                      block.size, block.align);
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

ENTRY void *cupel__route_acquire_by(const struct cupel__route_operator *form, size_t size, size_t align,
                                    const void *site) {
    cupel__route_thread.form = form;
    void *base = cupel__route_acquire(size, align, 0, site);
    cupel__route_thread.form = NULL;
    return base;
}

ENTRY bool cupel__route_release_by(const struct cupel__route_operator *form, void *block, const void *site) {
    cupel__route_thread.form = form;
    bool is_known = cupel__route_release(block, site);
    cupel__route_thread.form = NULL;
    return is_known;
}
