/* The words of a layer stack: one row each, and how each layer is made from its argument. */
#include "alloc/src/layers_table.h"

#include "alloc/libc.h"
#include "alloc/mode.h"
#include "alloc/pages.h"

#include <string.h>

bool cupel__layers_parse_size(const char *text, const char *end, size_t *size) {
    size_t value = 0;
    const char *at = text;
    while (at < end && *at >= '0' && *at <= '9') {
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(*at - '0'), &value)) {
            return false;
        }
        at++;
    }
    static const char suffixes[] = "KMG";
    const char *suffix = at > text && at < end ? strchr(suffixes, *at) : NULL;
    if (suffix != NULL) {
        if (__builtin_mul_overflow(value, (size_t)1 << (10 * (suffix - suffixes + 1)), &value)) {
            return false;
        }
        at++;
    }
    *size = value;
    return at == end && at > text && value <= PTRDIFF_MAX;
}

static struct cupel_allocator *init_counting(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                             struct cupel_allocator *parent, const char *argument,
                                             struct cupel_error *error) {
    (void)storage;
    if (argument[0] == '\0') {
        return cupel_counting_init(&layer->as.counting, parent);
    }
    if (strcmp(argument, "shared") != 0) {
        (void)cupel_error_set(error, 0, 0, "the argument may only be 'shared'");
        return NULL;
    }
    return cupel_counting_init_shared(&layer->as.counting, parent);
}

static struct cupel_allocator *init_failing(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                            struct cupel_allocator *parent, const char *argument,
                                            struct cupel_error *error) {
    (void)storage;
    return cupel_failing_init(&layer->as.failing, parent, argument, error);
}

static struct cupel_allocator *init_tracking(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                             struct cupel_allocator *parent, const char *argument,
                                             struct cupel_error *error) {
    (void)storage;
    (void)argument;
    (void)error;
    return cupel_tracking_init(&layer->as.tracking, parent);
}

static void deinit_tracking(struct cupel_layer *layer) {
    cupel_tracking_deinit(&layer->as.tracking);
}

static struct cupel_allocator *init_logging(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                            struct cupel_allocator *parent, const char *argument,
                                            struct cupel_error *error) {
    (void)storage;
    size_t file = 2;
    if (argument[0] != '\0' &&
        (!cupel__layers_parse_size(argument, argument + strlen(argument), &file) || file > INT32_MAX)) {
        (void)cupel_error_set(error, 0, 0, "the argument must be the number of an open descriptor");
        return NULL;
    }
    return cupel_logging_init(&layer->as.logging, parent, (int)file);
}

static void deinit_logging(struct cupel_layer *layer) {
    (void)cupel_logging_deinit(&layer->as.logging);
}

static bool is_key(const char *word, const char *start, const char *end) {
    return strlen(word) == (size_t)(end - start) && memcmp(word, start, (size_t)(end - start)) == 0;
}

/* KEY=SIZE from `start` to `end`; `argument` is where columns are counted from. */
static bool parse_arena_key(struct cupel_arena_options *options, const char *argument, const char *start,
                            const char *end, struct cupel_error *error) {
    const struct {
        const char *key;
        size_t *value;
    } keys[] = {{"page", &options->page_size},
                {"max", &options->page_size_max},
                {"large", &options->large_size},
                {"redzone", &options->redzone}};
    unsigned column = (unsigned)(start - argument) + 1;
    const char *equals = memchr(start, '=', (size_t)(end - start));
    for (size_t i = 0; equals != NULL && i < sizeof keys / sizeof keys[0]; i++) {
        if (!is_key(keys[i].key, start, equals)) {
            continue;
        }
        if (!cupel__layers_parse_size(equals + 1, end, keys[i].value)) {
            return cupel_error_set(error, 0, (unsigned)(equals - argument) + 2, "'%.*s' is no size",
                                   (int)(end - equals - 1), equals + 1);
        }
        return true;
    }
    return cupel_error_set(error, 0, column, "'%.*s' is not page=SIZE, max=SIZE, large=SIZE or redzone=SIZE",
                           (int)(end - start), start);
}

/* The arena asserts what is checked here. */
static bool check_arena(const struct cupel_arena_options *options, struct cupel_error *error) {
    size_t page = options->page_size == 0 ? CUPEL_ARENA_PAGE_DEFAULT : options->page_size;
    if (page < CUPEL_ARENA_PAGE_MIN) {
        return cupel_error_set(error, 0, 0, "page must be at least %d", CUPEL_ARENA_PAGE_MIN);
    }
    if (options->page_size_max != 0 && options->page_size_max < page) {
        return cupel_error_set(error, 0, 0, "max must be at least page, which is %zu", page);
    }
    if (options->large_size > page / 2) {
        return cupel_error_set(error, 0, 0, "large must be at most half of page, which is %zu", page);
    }
    if (options->redzone % 8 != 0 || options->redzone > page / 4) {
        return cupel_error_set(error, 0, 0, "redzone must be a multiple of 8 and at most a quarter of page");
    }
    return true;
}

static struct cupel_allocator *init_arena(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                          struct cupel_allocator *parent, const char *argument,
                                          struct cupel_error *error) {
    (void)storage;
    struct cupel_arena_options options = {0};
    const char *start = argument;
    while (*start != '\0') {
        const char *end = start + strcspn(start, ",");
        if (!parse_arena_key(&options, argument, start, end, error)) {
            return NULL;
        }
        start = *end == ',' ? end + 1 : end;
    }
    return check_arena(&options, error) ? cupel_arena_init(&layer->as.arena, parent, &options) : NULL;
}

static void deinit_arena(struct cupel_layer *layer) {
    cupel_arena_deinit(&layer->as.arena);
}

static struct cupel_allocator *init_facade(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                           struct cupel_allocator *parent, const char *argument,
                                           struct cupel_error *error) {
    (void)storage;
    (void)argument;
    (void)error;
    layer->as.facade = (struct cupel_facade){0};
    return cupel_facade_init(&layer->as.facade, parent);
}

static void deinit_facade(struct cupel_layer *layer) {
    cupel_facade_deinit(&layer->as.facade);
}

static struct cupel_allocator *init_libc(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                         struct cupel_allocator *parent, const char *argument,
                                         struct cupel_error *error) {
    (void)storage;
    (void)layer;
    (void)parent;
    (void)argument;
    (void)error;
    return cupel_libc();
}

static struct cupel_allocator *init_pages(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                          struct cupel_allocator *parent, const char *argument,
                                          struct cupel_error *error) {
    (void)storage;
    (void)layer;
    (void)parent;
    (void)argument;
    (void)error;
    return cupel_pages();
}

static struct cupel_allocator *init_fixed(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                          struct cupel_allocator *parent, const char *argument,
                                          struct cupel_error *error) {
    (void)parent;
    size_t size = CUPEL_LAYERS_FIXED_BYTES;
    if (argument[0] != '\0' &&
        (!cupel__layers_parse_size(argument, argument + strlen(argument), &size) || size > CUPEL_LAYERS_FIXED_BYTES)) {
        (void)cupel_error_set(error, 0, 0, "the argument must be a size up to %dK", CUPEL_LAYERS_FIXED_BYTES >> 10);
        return NULL;
    }
    return cupel_fixed_init(&layer->as.fixed, storage->fixed_memory, size);
}

static struct cupel_allocator *init_global(struct cupel_layers_storage *storage, struct cupel_layer *layer,
                                           struct cupel_allocator *parent, const char *argument,
                                           struct cupel_error *error) {
    (void)storage;
    (void)layer;
    (void)parent;
    (void)argument;
    (void)error;
    return cupel_global();
}

const struct cupel_layer_kind cupel__layer_kinds[] = {
    {"counting", "shared", false, "counts blocks and bytes; \"shared\" for many threads", init_counting, NULL},
    {"failing", "PLAN", false, "makes the requests fail that a fault plan names", init_failing, NULL},
    {"tracking", NULL, false, "knows live blocks and where they came from", init_tracking, deinit_tracking},
    {"logging", "DESCRIPTOR", false, "writes a line an operation; default 2", init_logging, deinit_logging},
    {"arena", "KEY=SIZE,...", false, "cuts blocks from pages; keys: page, max, large, redzone", init_arena,
     deinit_arena},
    {"facade", NULL, false, "knows sizes and takes one lock", init_facade, deinit_facade},
    {"libc", NULL, true, "root: the C library", init_libc, NULL},
    {"pages", NULL, true, "root: whole pages from the kernel", init_pages, NULL},
    {"fixed", "SIZE", true, "root: a buffer in the stack's storage; default 64K", init_fixed, NULL},
    {"global", NULL, true, "root: the global allocator", init_global, NULL},
    {.word = NULL}};
