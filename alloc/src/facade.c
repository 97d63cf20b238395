/* The malloc family over any allocator: see facade.h.
 *
 * Every call enters the facade or is turned away. It is turned away before init, and where the calling thread is inside
 * already, since then a layer below is calling: new blocks then come from the boot arena, and freed ones wait on the
 * list of deferred ones until the outer call leaves. The index is whole whenever a layer below runs, so that it may be
 * read and removed from even then; nothing is inserted then. */
#include "alloc/facade.h"

#include "alloc/src/facade_boot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = _Alignof(max_align_t) };

static uintptr_t this_thread(void) {
    return (uintptr_t)pthread_self();
}

static bool is_ready(const struct cupel_facade *facade) {
    return __atomic_load_n(&facade->parent, __ATOMIC_ACQUIRE) != NULL;
}

/* Only the thread itself can have written its own name there. */
static bool is_inside(const struct cupel_facade *facade) {
    return __atomic_load_n(&facade->owner, __ATOMIC_RELAXED) == this_thread();
}

static void take_lock(struct cupel_facade *facade) {
    (void)pthread_mutex_lock(&facade->lock);
    __atomic_store_n(&facade->owner, this_thread(), __ATOMIC_RELAXED);
}

static void give_lock(struct cupel_facade *facade) {
    __atomic_store_n(&facade->owner, 0, __ATOMIC_RELAXED);
    (void)pthread_mutex_unlock(&facade->lock);
}

static bool enter(struct cupel_facade *facade) {
    if (!is_ready(facade) || is_inside(facade)) {
        return false;
    }
    take_lock(facade);
    return true;
}

static void leave(struct cupel_facade *facade) {
    while (facade->deferred_count > 0) {
        struct cupel_facade_deferred one = facade->deferred[--facade->deferred_count];
        facade->parent->ops->release(facade->parent, one.block, one.size, one.align, CUPEL_SITE());
    }
    give_lock(facade);
}

static void tell(struct cupel_facade *facade, const struct cupel_facade_finding *finding, bool is_quiet) {
    (void)__atomic_fetch_add(&facade->findings, 1, __ATOMIC_RELAXED);
    if (!is_quiet && facade->on_finding != NULL) {
        facade->on_finding(facade->user, finding);
    }
}

/* What is wrong with an address that is no live block of the index. Inside the facade. */
static struct cupel_facade_finding explain(struct cupel_facade *facade, const void *address, const void *site) {
    struct cupel_facade_finding finding = {.kind = CUPEL_FACADE_UNKNOWN_BLOCK, .address = address, .site = site};
    const struct cupel_block *around = cupel_index_containing(&facade->index, address);
    if (around != NULL) {
        finding.kind = CUPEL_FACADE_INTERIOR;
        finding.block = *around;
    }
    return finding;
}

/* Copies the record of a live block. Where there is none: tells so, and is false. `has_entered` says whether the caller
 * holds the lock for itself; it is given back then. */
static bool find(struct cupel_facade *facade, const void *block, bool has_entered, const void *site,
                 struct cupel_block *known) {
    if (!has_entered && !is_inside(facade)) { /* before init: nothing is known */
        tell(facade, &(struct cupel_facade_finding){.address = block, .site = site}, false);
        return false;
    }
    const struct cupel_block *found = cupel_index_at(&facade->index, block);
    if (found != NULL) {
        *known = *found;
        return true;
    }
    struct cupel_facade_finding finding = explain(facade, block, site);
    if (has_entered) {
        leave(facade);
    }
    tell(facade, &finding, !has_entered);
    return false;
}

static void *boot_acquire(size_t size, size_t align, unsigned flags) {
    void *block = cupel_request_is_valid(size, align) ? cupel__boot_acquire(size, align) : NULL;
    if (block != NULL && (flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static void boot_release(struct cupel_facade *facade, void *block, const void *site) {
    if (!cupel__boot_release(block)) {
        tell(facade, &(struct cupel_facade_finding){.kind = CUPEL_FACADE_BOOT_FREED, .address = block, .site = site},
             is_inside(facade));
    }
}

static void *acquire(struct cupel_facade *facade, size_t size, size_t align, unsigned flags, const void *site) {
    if (!enter(facade)) {
        return boot_acquire(size, align, flags);
    }
    void *block = facade->parent->ops->acquire(facade->parent, size, align, flags, site);
    if (block != NULL) {
        struct cupel_block record = {.base = block,
                                     .size = size,
                                     .align = align,
                                     .serial = ++facade->serial,
                                     .frame_count = 1,
                                     .frames = {site}};
        if (cupel_index_insert(&facade->index, &record) != CUPEL_INDEX_OK) {
            facade->parent->ops->release(facade->parent, block, size, align, site);
            block = NULL;
        }
    }
    leave(facade);
    return block;
}

/* A layer below frees: the block is forgotten now and released when the call that it serves is done. */
static void defer(struct cupel_facade *facade, const struct cupel_block *known, const void *site) {
    bool has_removed = cupel_index_remove(&facade->index, known->base);
    assert(has_removed); /* LCOV_EXCL_BR_LINE(it was found just before, and the lock is held) */
    (void)has_removed;
    if (facade->deferred_count == CUPEL_FACADE_DEFERRED_MAX) {
        tell(facade,
             &(struct cupel_facade_finding){.kind = CUPEL_FACADE_DEFERRED_FULL, .address = known->base, .site = site},
             true);
        return;
    }
    facade->deferred[facade->deferred_count++] =
        (struct cupel_facade_deferred){(void *)(uintptr_t)known->base, known->size, known->align};
}

static void release(struct cupel_facade *facade, void *block, const void *site) {
    if (cupel_facade_is_boot(block)) {
        boot_release(facade, block, site);
        return;
    }
    bool has_entered = enter(facade);
    struct cupel_block known;
    if (!find(facade, block, has_entered, site, &known)) {
        return;
    }
    if (!has_entered) {
        defer(facade, &known, site);
        return;
    }
    (void)cupel_index_remove(&facade->index, block);
    facade->parent->ops->release(facade->parent, block, known.size, known.align, site);
    leave(facade);
}

/* The block is now at `moved` with `size` bytes. */
static void record_move(struct cupel_facade *facade, const struct cupel_block *known, void *moved, size_t size) {
    enum cupel_index_status status = cupel_index_move(&facade->index, known->base, moved, size);
    assert(status == CUPEL_INDEX_OK); /* LCOV_EXCL_BR_LINE(room for it was made before) */
    (void)status;
}

/* Moves by copying, where the block is of the boot arena or the facade cannot be entered. */
static void *copy(struct cupel_facade *facade, void *block, size_t size, size_t align, size_t new_size, unsigned flags,
                  const void *site) {
    void *moved = acquire(facade, new_size, align, flags, site);
    if (moved != NULL) {
        memcpy(moved, block, size < new_size ? size : new_size);
        release(facade, block, site);
    }
    return moved;
}

/* `is_known` becomes false where the block is none of ours. A block of the boot arena moves out of it when it can. */
static void *remap(struct cupel_facade *facade, void *block, size_t align, size_t new_size, unsigned flags,
                   const void *site, bool *is_known) {
    size_t size;
    *is_known = true;
    if (cupel_facade_is_boot(block)) {
        if (!cupel__boot_size(block, &size)) {
            boot_release(facade, block, site); /* tells that it is none */
            *is_known = false;
            return NULL;
        }
        return copy(facade, block, size, align, new_size, flags, site);
    }
    bool has_entered = enter(facade);
    struct cupel_block known;
    if (!find(facade, block, has_entered, site, &known)) {
        *is_known = false;
        return NULL;
    }
    if (!has_entered) {
        return copy(facade, block, known.size, known.align, new_size, flags, site);
    }
    void *moved = facade->parent->ops->remap(facade->parent, block, known.size, known.align, new_size, flags, site);
    if (moved != NULL) {
        record_move(facade, &known, moved, new_size);
    }
    leave(facade);
    return moved;
}

static void *or_no_memory(void *block) {
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

void *cupel_facade_malloc(struct cupel_facade *facade, size_t size) {
    return or_no_memory(acquire(facade, size, ALIGN, 0, CUPEL_SITE()));
}

void *cupel_facade_calloc(struct cupel_facade *facade, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return or_no_memory(NULL);
    }
    return or_no_memory(acquire(facade, bytes, ALIGN, CUPEL_ZEROED, CUPEL_SITE()));
}

static void *reallocate(struct cupel_facade *facade, void *block, size_t size, const void *site) {
    if (block == NULL) {
        return or_no_memory(acquire(facade, size, ALIGN, 0, site));
    }
    int errno_before = errno;
    if (size == 0) {
        release(facade, block, site);
        errno = errno_before;
        return NULL;
    }
    bool is_known;
    void *moved = remap(facade, block, ALIGN, size, 0, site, &is_known);
    errno = moved != NULL ? errno_before : is_known ? ENOMEM : EINVAL;
    return moved;
}

void *cupel_facade_realloc(struct cupel_facade *facade, void *block, size_t size) {
    return reallocate(facade, block, size, CUPEL_SITE());
}

void *cupel_facade_reallocarray(struct cupel_facade *facade, void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return or_no_memory(NULL);
    }
    return reallocate(facade, block, bytes, CUPEL_SITE());
}

static bool is_power_of_two(size_t align) {
    return align != 0 && (align & (align - 1)) == 0;
}

void *cupel_facade_aligned_alloc(struct cupel_facade *facade, size_t align, size_t size) {
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return or_no_memory(acquire(facade, size, align, 0, CUPEL_SITE()));
}

int cupel_facade_posix_memalign(struct cupel_facade *facade, void **block, size_t align, size_t size) {
    if (!is_power_of_two(align) || align % sizeof(void *) != 0) {
        return EINVAL;
    }
    int errno_before = errno;
    void *acquired = acquire(facade, size, align, 0, CUPEL_SITE());
    errno = errno_before;
    if (acquired == NULL) {
        return ENOMEM;
    }
    *block = acquired;
    return 0;
}

void cupel_facade_free(struct cupel_facade *facade, void *block) {
    if (block != NULL) {
        int errno_before = errno;
        release(facade, block, CUPEL_SITE());
        errno = errno_before;
    }
}

size_t cupel_facade_usable_size(struct cupel_facade *facade, const void *block) {
    size_t size = 0;
    if (block == NULL || cupel__boot_size(block, &size)) {
        return size;
    }
    bool has_entered = enter(facade);
    struct cupel_block known;
    if (!find(facade, block, has_entered, CUPEL_SITE(), &known)) {
        return 0;
    }
    if (has_entered) {
        leave(facade);
    }
    return known.size;
}

size_t cupel_facade_live_blocks(struct cupel_facade *facade) {
    bool has_entered = enter(facade);
    size_t count = facade->index.count;
    if (has_entered) {
        leave(facade);
    }
    return count;
}

static struct cupel_facade *facade_of(struct cupel_allocator *self) {
    return (struct cupel_facade *)self;
}

static void *facade_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    return acquire(facade_of(self), size, align, flags, site);
}

static bool facade_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site) {
    struct cupel_facade *facade = facade_of(self);
    (void)align;
    if (cupel_facade_is_boot(block) || is_inside(facade)) {
        return new_size == size;
    }
    bool has_entered = enter(facade);
    struct cupel_block known;
    if (!find(facade, block, has_entered, site, &known)) {
        return false;
    }
    bool has_resized = facade->parent->ops->resize(facade->parent, block, known.size, known.align, new_size, site);
    if (has_resized) {
        record_move(facade, &known, block, new_size);
    }
    leave(facade);
    return has_resized;
}

static void *facade_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site) {
    (void)size;
    bool is_known;
    return remap(facade_of(self), block, align, new_size, flags, site, &is_known);
}

static void facade_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)size;
    (void)align;
    release(facade_of(self), block, site);
}

static const struct cupel_allocator_ops facade_ops = {.name = "facade",
                                                      .acquire = facade_acquire,
                                                      .resize = facade_resize,
                                                      .remap = facade_remap,
                                                      .release = facade_release};

struct cupel_allocator *cupel_facade_init(struct cupel_facade *facade, struct cupel_allocator *parent) {
    assert(parent != NULL && !is_ready(facade));
    facade->base.ops = &facade_ops;
    facade->owner = 0;
    facade->serial = 0;
    facade->deferred_count = 0;
    (void)pthread_mutex_init(&facade->lock, NULL);
    (void)cupel_index_init_with(&facade->index, &(struct cupel_index_options){.kind = CUPEL_INDEX_PAGES});
    __atomic_store_n(&facade->parent, parent, __ATOMIC_RELEASE);
    return &facade->base;
}

void cupel_facade_deinit(struct cupel_facade *facade) {
    if (is_ready(facade)) {
        cupel_index_deinit(&facade->index);
        (void)pthread_mutex_destroy(&facade->lock);
        *facade = (struct cupel_facade){0};
    }
}

void cupel_facade_lock(struct cupel_facade *facade) {
    if (is_ready(facade)) {
        take_lock(facade);
    }
}

void cupel_facade_unlock(struct cupel_facade *facade) {
    if (is_ready(facade)) {
        leave(facade);
    }
}
