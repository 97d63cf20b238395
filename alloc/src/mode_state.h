/* What the parts of the global allocator share: the functions that it stands on, and the modes' tables. */
#ifndef ALLOC_SRC_MODE_STATE_H
#define ALLOC_SRC_MODE_STATE_H

#include "alloc/mode.h"

/* The root: what cupel_set_alloc_functions set, or the C library. Its allocator over-aligns on its own, by keeping the
 * function's block in the word before the aligned one. */
void cupel__mode_set_functions(cupel_malloc_function malloc_function, cupel_realloc_function realloc_function,
                               cupel_free_function free_function, void *user);
bool cupel__mode_has_functions(void);
void *cupel__mode_root_malloc(size_t size);
void *cupel__mode_root_calloc(size_t count, size_t size);
void *cupel__mode_root_realloc(void *block, size_t size);
void cupel__mode_root_free(void *block);
void *cupel__mode_root_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                               const void *site);
bool cupel__mode_root_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                             const void *site);
void *cupel__mode_root_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                             unsigned flags, const void *site);
void cupel__mode_root_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site);
struct cupel_allocator *cupel__mode_root(void);

/* One mode: its entry points, those of cupel_global(), and how it is entered and left. */
struct cupel__mode {
    const char *name;
    const struct cupel_global_table *table; /* NULL: not built in */
    const struct cupel_allocator_ops *ops;
    bool (*enter)(struct cupel_error *error); /* may be NULL, as may leave; false: the mode cannot be had */
    void (*leave)(void);
    /* Blocks that are live; `is_balanced` also says whether their addresses agree. */
    uint64_t (*live_blocks)(bool *is_balanced);
};

extern const struct cupel__mode cupel__mode_counting;
extern const struct cupel__mode cupel__mode_tracking;
struct cupel_tracking *cupel__mode_tracking_layer(void);
extern const struct cupel__mode cupel__mode_debug;
struct cupel_debug *cupel__mode_debug_layer(void);
/* What the next entry into debug mode is made of. */
struct cupel_debug_options *cupel__mode_debug_options(void);

#endif
