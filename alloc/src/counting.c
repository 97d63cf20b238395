/* The counting layer: see counting.h. The work is written once, with a constant that says whether counters are atomic;
 * the compiler makes two tables of functions of it. */
#include "alloc/counting.h"

static inline struct cupel_counting *from_base(struct cupel_allocator *self) {
    return (struct cupel_counting *)self;
}

static inline uint64_t add(uint64_t *counter, uint64_t amount, bool is_shared) {
    if (is_shared) {
        return __atomic_add_fetch(counter, amount, __ATOMIC_RELAXED);
    }
    return *counter += amount;
}

/* Adds to a live counter and keeps its peak. Each value that the counter takes is seen by the thread that made it, so
 * the peak is exact. */
static inline void add_live(uint64_t *counter, uint64_t *peak, uint64_t amount, bool is_shared) {
    uint64_t live = add(counter, amount, is_shared);
    if (!is_shared) {
        if (__builtin_expect(live > *peak, 0)) {
            *peak = live;
        }
        return;
    }
    uint64_t seen = __atomic_load_n(peak, __ATOMIC_RELAXED);
    /* LCOV_EXCL_BR_START(threads rarely meet here) */
    while (live > seen && !__atomic_compare_exchange_n(peak, &seen, live, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    /* LCOV_EXCL_BR_STOP */
}

static inline void count_resized(struct cupel_counts *counts, size_t size, size_t new_size, bool is_shared) {
    add(&counts->resized, 1, is_shared);
    if (new_size >= size) {
        add(&counts->bytes_acquired, new_size - size, is_shared);
        add_live(&counts->live_bytes, &counts->live_bytes_peak, new_size - size, is_shared);
    } else {
        add(&counts->live_bytes, 0 - (uint64_t)(size - new_size), is_shared);
    }
}

static inline void *acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site,
                            bool is_shared) {
    struct cupel_allocator *parent = from_base(self)->parent;
    struct cupel_counts *counts = &from_base(self)->counts;
    void *block = parent->ops->acquire(parent, size, align, flags, site);
    if (block == NULL) {
        add(&counts->failed, 1, is_shared);
        return NULL;
    }
    add(&counts->acquired, 1, is_shared);
    add(&counts->bytes_acquired, size, is_shared);
    add(&counts->address_sum, (uintptr_t)block, is_shared);
    add_live(&counts->live_blocks, &counts->live_blocks_peak, 1, is_shared);
    add_live(&counts->live_bytes, &counts->live_bytes_peak, size, is_shared);
    return block;
}

static inline bool resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site, bool is_shared) {
    struct cupel_allocator *parent = from_base(self)->parent;
    if (!parent->ops->resize(parent, block, size, align, new_size, site)) {
        return false;
    }
    count_resized(&from_base(self)->counts, size, new_size, is_shared);
    return true;
}

static inline void *remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site, bool is_shared) {
    struct cupel_allocator *parent = from_base(self)->parent;
    struct cupel_counts *counts = &from_base(self)->counts;
    uintptr_t old_address = (uintptr_t)block;
    void *moved = parent->ops->remap(parent, block, size, align, new_size, flags, site);
    if (moved == NULL) {
        add(&counts->failed, 1, is_shared);
        return NULL;
    }
    add(&counts->address_sum, (uint64_t)(uintptr_t)moved - old_address, is_shared);
    count_resized(counts, size, new_size, is_shared);
    return moved;
}

/* Counts before the parent releases: afterwards another thread may hold the same address. */
static inline void release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site,
                           bool is_shared) {
    struct cupel_allocator *parent = from_base(self)->parent;
    struct cupel_counts *counts = &from_base(self)->counts;
    add(&counts->released, 1, is_shared);
    add(&counts->address_sum, 0 - (uint64_t)(uintptr_t)block, is_shared);
    add(&counts->live_blocks, UINT64_MAX, is_shared);
    add(&counts->live_bytes, 0 - (uint64_t)size, is_shared);
    parent->ops->release(parent, block, size, align, site);
}

static size_t counting_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    return cupel_usable(from_base(self)->parent, block, size, align);
}

#define COUNTING_TABLE(name_, is_shared_)                                                                              \
    static void *name_##_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,              \
                                 const void *site) {                                                                   \
        return acquire(self, size, align, flags, site, is_shared_);                                                    \
    }                                                                                                                  \
    static bool name_##_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,  \
                               const void *site) {                                                                     \
        return resize(self, block, size, align, new_size, site, is_shared_);                                           \
    }                                                                                                                  \
    static void *name_##_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,  \
                               unsigned flags, const void *site) {                                                     \
        return remap(self, block, size, align, new_size, flags, site, is_shared_);                                     \
    }                                                                                                                  \
    static void name_##_release(struct cupel_allocator *self, void *block, size_t size, size_t align,                  \
                                const void *site) {                                                                    \
        release(self, block, size, align, site, is_shared_);                                                           \
    }                                                                                                                  \
    static const struct cupel_allocator_ops name_##_ops = {.name = "counting",                                         \
                                                           .acquire = name_##_acquire,                                 \
                                                           .resize = name_##_resize,                                   \
                                                           .remap = name_##_remap,                                     \
                                                           .release = name_##_release,                                 \
                                                           .usable = counting_usable}

COUNTING_TABLE(plain, false);
COUNTING_TABLE(shared, true);

struct cupel_allocator *cupel_counting_init(struct cupel_counting *counting, struct cupel_allocator *parent) {
    *counting = (struct cupel_counting){.base = {&plain_ops}, .parent = parent};
    return &counting->base;
}

struct cupel_allocator *cupel_counting_init_shared(struct cupel_counting *counting, struct cupel_allocator *parent) {
    *counting = (struct cupel_counting){.base = {&shared_ops}, .parent = parent};
    return &counting->base;
}

struct cupel_counts cupel_counting_read(const struct cupel_counting *counting) {
    const struct cupel_counts *from = &counting->counts;
    return (struct cupel_counts){
        .acquired = __atomic_load_n(&from->acquired, __ATOMIC_RELAXED),
        .released = __atomic_load_n(&from->released, __ATOMIC_RELAXED),
        .resized = __atomic_load_n(&from->resized, __ATOMIC_RELAXED),
        .failed = __atomic_load_n(&from->failed, __ATOMIC_RELAXED),
        .live_blocks = __atomic_load_n(&from->live_blocks, __ATOMIC_RELAXED),
        .live_blocks_peak = __atomic_load_n(&from->live_blocks_peak, __ATOMIC_RELAXED),
        .live_bytes = __atomic_load_n(&from->live_bytes, __ATOMIC_RELAXED),
        .live_bytes_peak = __atomic_load_n(&from->live_bytes_peak, __ATOMIC_RELAXED),
        .bytes_acquired = __atomic_load_n(&from->bytes_acquired, __ATOMIC_RELAXED),
        .address_sum = __atomic_load_n(&from->address_sum, __ATOMIC_RELAXED),
    };
}

bool cupel_counts_are_balanced(const struct cupel_counts *counts) {
    return counts->live_blocks == 0 && counts->live_bytes == 0 && counts->address_sum == 0;
}
