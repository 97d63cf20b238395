/* Counting mode: a number of live blocks and a sum of their addresses. While the program has one thread, which the C
 * library says where it can, the two are added to without locked instructions. */
#include "alloc/src/mode_state.h"

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define IS_SINGLE_THREADED (__libc_single_threaded != 0)
#endif
#endif
#ifndef IS_SINGLE_THREADED
#define IS_SINGLE_THREADED false
#endif

static uint64_t live_blocks;
static uint64_t address_sum;

static void add(uint64_t *counter, uint64_t amount) {
    if (IS_SINGLE_THREADED) {
        __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
    } else {
        (void)__atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
    }
}

static void *count_in(void *block) {
    if (block != NULL) {
        add(&live_blocks, 1);
        add(&address_sum, (uintptr_t)block);
    }
    return block;
}

static void count_out(const void *block) {
    if (block != NULL) {
        add(&live_blocks, (uint64_t)-1);
        add(&address_sum, -(uint64_t)(uintptr_t)block);
    }
}

static void *counting_malloc(size_t size) {
    return count_in(cupel__mode_root_malloc(size));
}

static void *counting_calloc(size_t count, size_t size) {
    return count_in(cupel__mode_root_calloc(count, size));
}

static void *counting_realloc(void *block, size_t size) {
    uint64_t address = (uintptr_t)block;
    void *moved = cupel__mode_root_realloc(block, size);
    if (address == 0) {
        return count_in(moved);
    }
    if (moved != NULL && (uintptr_t)moved != address) {
        add(&address_sum, (uint64_t)(uintptr_t)moved - address);
    }
    return moved;
}

static void counting_free(void *block) {
    count_out(block);
    cupel__mode_root_free(block);
}

static void *counting_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                              const void *site) {
    (void)self;
    return count_in(cupel__mode_root_acquire(NULL, size, align, flags, site));
}

static bool counting_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                            const void *site) {
    (void)self;
    return cupel__mode_root_resize(NULL, block, size, align, new_size, site);
}

static void *counting_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                            unsigned flags, const void *site) {
    (void)self;
    uint64_t address = (uintptr_t)block;
    void *moved = cupel__mode_root_remap(NULL, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        add(&address_sum, (uint64_t)(uintptr_t)moved - address);
    }
    return moved;
}

static void counting_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    count_out(block);
    cupel__mode_root_release(NULL, block, size, align, site);
}

static const struct cupel_allocator_ops counting_ops = {.name = "global",
                                                        .acquire = counting_acquire,
                                                        .resize = counting_resize,
                                                        .remap = counting_remap,
                                                        .release = counting_release};

static uint64_t counting_live_blocks(bool *is_balanced) {
    uint64_t live = __atomic_load_n(&live_blocks, __ATOMIC_RELAXED);
    *is_balanced = live == 0 && __atomic_load_n(&address_sum, __ATOMIC_RELAXED) == 0;
    return live;
}

static const struct cupel_global_table counting_table = {counting_malloc, counting_calloc, counting_realloc,
                                                         counting_free};

const struct cupel__mode cupel__mode_counting = {
    .name = "counting", .table = &counting_table, .ops = &counting_ops, .live_blocks = counting_live_blocks};
