/* Setting the global allocator's mode, and fast mode, which is nothing but a table.
 *
 * Whether fast mode ever allocated is known for nothing: its first table holds functions that put the real table in and
 * note it. Several threads may do that at once, with the same result; the members are read and written as atomics. */
#include "alloc/mode.h"

#include "alloc/base/options.h"
#include "alloc/src/debug_options.h"
#include "alloc/src/mode_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_used_fast; /* fast mode has allocated: some block may be live, for ever */

static void install(const struct cupel_global_table *table) {
    __atomic_store_n(&cupel__global_table.malloc_block, table->malloc_block, __ATOMIC_RELAXED);
    __atomic_store_n(&cupel__global_table.calloc_block, table->calloc_block, __ATOMIC_RELAXED);
    __atomic_store_n(&cupel__global_table.realloc_block, table->realloc_block, __ATOMIC_RELAXED);
    __atomic_store_n(&cupel__global_table.free_block, table->free_block, __ATOMIC_RELAXED);
}

/* The C library directly, except where its answer to size 0 or to an overflow is not ours; set functions through the
 * root. */
static const struct cupel_global_table libc_table = {malloc, cupel__mode_root_calloc, cupel__mode_root_realloc, free};
static const struct cupel_global_table functions_table = {cupel__mode_root_malloc, cupel__mode_root_calloc,
                                                          cupel__mode_root_realloc, cupel__mode_root_free};

static void start_fast(void) {
    __atomic_store_n(&has_used_fast, true, __ATOMIC_RELAXED);
    install(cupel__mode_has_functions() ? &functions_table : &libc_table);
}

static void *first_malloc(size_t size) {
    start_fast();
    return cupel__mode_root_malloc(size);
}

static void *first_calloc(size_t count, size_t size) {
    start_fast();
    return cupel__mode_root_calloc(count, size);
}

static void *first_realloc(void *block, size_t size) {
    start_fast();
    return cupel__mode_root_realloc(block, size);
}

static void first_free(void *block) {
    if (block != NULL) {
        start_fast();
        cupel__mode_root_free(block);
    }
}

static const struct cupel_global_table first_table = {first_malloc, first_calloc, first_realloc, first_free};

struct cupel_global_table cupel__global_table = {first_malloc, first_calloc, first_realloc, first_free};

static void *fast_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    if (!__atomic_load_n(&has_used_fast, __ATOMIC_RELAXED)) {
        start_fast();
    }
    return cupel__mode_root_acquire(self, size, align, flags, site);
}

static const struct cupel_allocator_ops fast_ops = {.name = "global",
                                                    .acquire = fast_acquire,
                                                    .resize = cupel__mode_root_resize,
                                                    .remap = cupel__mode_root_remap,
                                                    .release = cupel__mode_root_release};

static const struct cupel__mode fast = {.name = "fast", .table = &first_table, .ops = &fast_ops};
static const struct cupel__mode *const modes[] = {&fast, &cupel__mode_counting, &cupel__mode_tracking,
                                                  &cupel__mode_debug};

static enum cupel_alloc_mode present = CUPEL_MODE_FAST;
static struct cupel_allocator global = {&fast_ops};

struct cupel_allocator *cupel_global(void) {
    return &global;
}

enum cupel_alloc_mode cupel_alloc_mode(void) {
    return present;
}

const char *cupel_alloc_mode_name(enum cupel_alloc_mode mode) {
    assert(mode <= CUPEL_MODE_DEBUG);
    return modes[mode]->name;
}

bool cupel_global_live_blocks(uint64_t *blocks) {
    if (present == CUPEL_MODE_FAST) {
        return false;
    }
    bool is_balanced;
    *blocks = modes[present]->live_blocks(&is_balanced);
    return true;
}

bool cupel_global_is_balanced(void) {
    if (present == CUPEL_MODE_FAST) {
        return !__atomic_load_n(&has_used_fast, __ATOMIC_RELAXED);
    }
    bool is_balanced;
    (void)modes[present]->live_blocks(&is_balanced);
    return is_balanced;
}

struct cupel_tracking *cupel_global_tracking(void) {
    return present == CUPEL_MODE_TRACKING ? cupel__mode_tracking_layer() : NULL;
}

struct cupel_debug *cupel_global_debug(void) {
    return present == CUPEL_MODE_DEBUG ? cupel__mode_debug_layer() : NULL;
}

/* True when no block of the present mode can be live; else says what stands in the way of `what`. */
static bool may_leave(const char *what, struct cupel_error *error) {
    if (cupel_global_is_balanced()) {
        return true;
    }
    uint64_t live;
    if (!cupel_global_live_blocks(&live)) {
        return cupel_error_set(error, 0, 0,
                               "%s: fast mode has allocated and does not count its blocks: choose before the first "
                               "allocation, or begin in counting mode",
                               what);
    }
    if (live == 0) {
        return cupel_error_set(error, 0, 0,
                               "%s: as many blocks were freed as allocated, but not the same ones: a leak and a free "
                               "of a block from elsewhere",
                               what);
    }
    return cupel_error_set(error, 0, 0, "%s: %llu block%s of mode %s %s live", what, (unsigned long long)live,
                           live == 1 ? "" : "s", modes[present]->name, live == 1 ? "is" : "are");
}

bool cupel_set_alloc_mode(enum cupel_alloc_mode mode, struct cupel_error *error) {
    assert(mode <= CUPEL_MODE_DEBUG);
    if (mode == present) {
        return true;
    }
    char what[64];
    (void)snprintf(what, sizeof what, "cannot set allocation mode %s", modes[mode]->name);
    if (!may_leave(what, error)) {
        return false;
    }
    if (modes[mode]->enter != NULL && !modes[mode]->enter(error)) {
        return false;
    }
    if (modes[present]->leave != NULL) {
        modes[present]->leave();
    }
    present = mode;
    global.ops = modes[mode]->ops;
    install(modes[mode]->table);
    return true;
}

bool cupel_set_alloc_mode_from_environment(struct cupel_error *error) {
    int mode = (int)present;
    const struct cupel_option options[] = {{.name = "mode",
                                            .kind = CUPEL_OPTION_CHOICE,
                                            .value = &mode,
                                            .parameter = "MODE",
                                            .choices = "fast counting tracking debug",
                                            .sentence = "the global allocator's mode"},
                                           {.name = NULL}};
    char storage[256];
    const char *text = getenv("CUPEL_ALLOC");
    /* The other words are debug mode's, and of no meaning without it. */
    bool is_debug = text != NULL && strstr(text, "mode=debug") != NULL;
    bool is_read = is_debug ? cupel__debug_parse_with(cupel__mode_debug_options(), options, text, error)
                            : cupel_options_parse_text(options, text, storage, sizeof storage, error);
    return is_read && cupel_set_alloc_mode((enum cupel_alloc_mode)mode, error);
}

bool cupel_set_alloc_functions(cupel_malloc_function malloc_function, cupel_realloc_function realloc_function,
                               cupel_free_function free_function, void *user, struct cupel_error *error) {
    bool has_all = malloc_function != NULL && realloc_function != NULL && free_function != NULL;
    bool has_none = malloc_function == NULL && realloc_function == NULL && free_function == NULL;
    if (!has_all && !has_none) {
        return cupel_error_set(error, 0, 0, "cannot set allocation functions: give malloc, realloc and free, or none");
    }
    if (!may_leave("cannot set allocation functions", error)) {
        return false;
    }
    cupel__mode_set_functions(malloc_function, realloc_function, free_function, user);
    return true;
}
