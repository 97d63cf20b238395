/* Debug mode: the debug allocator, which knows each block's size itself. At the end of the program damage and leaks are
 * told, while the memory stays: whoever still frees then is served. */
#include "alloc/pages.h"
#include "alloc/src/debug_statistics.h"
#include "alloc/src/mode_state.h"

#include <stdlib.h>

enum { ALIGN = _Alignof(max_align_t) };

static struct cupel_debug debug;
static struct cupel_debug_options options;
static bool has_options, has_exit;

struct cupel_debug_options *cupel__mode_debug_options(void) {
    if (!has_options) {
        cupel_debug_defaults(&options);
        options.name = "cupel";
        has_options = true;
    }
    return &options;
}

void cupel_set_global_debug_options(const struct cupel_debug_options *new_options) {
    options = *new_options;
    has_options = true;
}

struct cupel_debug *cupel__mode_debug_layer(void) {
    return &debug;
}

static void *mode_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    return debug.base.ops->acquire(&debug.base, size, align, flags, site);
}

static bool mode_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        const void *site) {
    (void)self;
    return debug.base.ops->resize(&debug.base, block, size, align, new_size, site);
}

static void *mode_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        unsigned flags, const void *site) {
    (void)self;
    return debug.base.ops->remap(&debug.base, block, size, align, new_size, flags, site);
}

static void mode_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    debug.base.ops->release(&debug.base, block, size, align, site);
}

static const struct cupel_allocator_ops mode_ops = {
    .name = "global", .acquire = mode_acquire, .resize = mode_resize, .remap = mode_remap, .release = mode_release};

static void *mode_malloc(size_t size) {
    return debug.base.ops->acquire(&debug.base, size, ALIGN, 0, CUPEL_SITE());
}

static void *mode_calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return debug.base.ops->acquire(&debug.base, bytes, ALIGN, CUPEL_ZEROED, CUPEL_SITE());
}

static void *mode_realloc(void *block, size_t size) {
    return block == NULL ? debug.base.ops->acquire(&debug.base, size, ALIGN, 0, CUPEL_SITE())
                         : cupel_debug_remap(&debug, block, size, CUPEL_SITE());
}

static void mode_free(void *block) {
    if (block != NULL) {
        cupel_debug_release(&debug, block, CUPEL_SITE());
    }
}

static void tell_at_exit(void) {
    if (debug.state != NULL) {
        (void)cupel_debug_check(&debug);
        (void)cupel_debug_tell_leaks(&debug);
        if (debug.state->options.prints_statistics) {
            cupel__debug_write_statistics(debug.state);
        }
    }
}

static bool mode_enter(struct cupel_error *error) {
    if (cupel_debug_init(&debug, cupel_pages(), cupel__mode_debug_options(), error) == NULL) {
        return false;
    }
    if (!has_exit) {
        has_exit = atexit(tell_at_exit) == 0;
    }
    return true;
}

static void mode_leave(void) {
    (void)cupel_debug_deinit(&debug);
}

static uint64_t mode_live_blocks(bool *is_balanced) {
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    *is_balanced = statistics.live_blocks == 0;
    return statistics.live_blocks;
}

static const struct cupel_global_table mode_table = {mode_malloc, mode_calloc, mode_realloc, mode_free};

const struct cupel__mode cupel__mode_debug = {.name = "debug",
                                              .table = &mode_table,
                                              .ops = &mode_ops,
                                              .enter = mode_enter,
                                              .leave = mode_leave,
                                              .live_blocks = mode_live_blocks};
