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

static struct cupel_allocator *init_counting(const struct cupel_layer_request *request) {
    if (request->argument[0] == '\0') {
        return cupel_counting_init(&request->layer->as.counting, request->parent);
    }
    if (strcmp(request->argument, "shared") != 0) {
        (void)cupel_error_set(request->error, 0, 0, "the argument may only be 'shared'");
        return NULL;
    }
    return cupel_counting_init_shared(&request->layer->as.counting, request->parent);
}

static struct cupel_allocator *init_failing(const struct cupel_layer_request *request) {
    return cupel_failing_init(&request->layer->as.failing, request->parent, request->argument, request->error);
}

static struct cupel_allocator *init_perturbing(const struct cupel_layer_request *request) {
    struct cupel_perturbing_options options;
    if (!cupel_perturbing_parse(&options, request->argument, request->error)) {
        return NULL;
    }
    return cupel_perturbing_init(&request->layer->as.perturbing, request->parent, &options);
}

static void deinit_perturbing(struct cupel_layer *layer) {
    cupel_perturbing_deinit(&layer->as.perturbing);
}

static struct cupel_allocator *init_tracking(const struct cupel_layer_request *request) {
    return cupel_tracking_init(&request->layer->as.tracking, request->parent);
}

static void deinit_tracking(struct cupel_layer *layer) {
    cupel_tracking_deinit(&layer->as.tracking);
}

static struct cupel_allocator *init_debug(const struct cupel_layer_request *request) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    if (!cupel_debug_parse(&options, request->argument, request->error)) {
        return NULL;
    }
    return cupel_debug_init(&request->layer->as.debug, request->parent, &options, request->error);
}

static void deinit_debug(struct cupel_layer *layer) {
    (void)cupel_debug_deinit(&layer->as.debug);
}

static struct cupel_allocator *init_logging(const struct cupel_layer_request *request) {
    size_t file = 2;
    if (request->argument[0] != '\0' &&
        (!cupel__layers_parse_size(request->argument, request->argument + strlen(request->argument), &file) ||
         file > INT32_MAX)) {
        (void)cupel_error_set(request->error, 0, 0, "the argument must be the number of an open descriptor");
        return NULL;
    }
    return cupel_logging_init(&request->layer->as.logging, request->parent, (int)file);
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

static struct cupel_allocator *init_arena(const struct cupel_layer_request *request) {
    struct cupel_arena_options options = {0};
    const char *start = request->argument;
    while (*start != '\0') {
        const char *end = start + strcspn(start, ",");
        if (!parse_arena_key(&options, request->argument, start, end, request->error)) {
            return NULL;
        }
        start = *end == ',' ? end + 1 : end;
    }
    return check_arena(&options, request->error)
               ? cupel_arena_init(&request->layer->as.arena, request->parent, &options)
               : NULL;
}

static void deinit_arena(struct cupel_layer *layer) {
    cupel_arena_deinit(&layer->as.arena);
}

static struct cupel_allocator *init_facade(const struct cupel_layer_request *request) {
    request->layer->as.facade = (struct cupel_facade){0};
    return cupel_facade_init(&request->layer->as.facade, request->parent);
}

static void deinit_facade(struct cupel_layer *layer) {
    cupel_facade_deinit(&layer->as.facade);
}

static struct cupel_allocator *init_fixed(const struct cupel_layer_request *request) {
    size_t size = CUPEL_LAYERS_FIXED_BYTES;
    if (request->argument[0] != '\0' &&
        (!cupel__layers_parse_size(request->argument, request->argument + strlen(request->argument), &size) ||
         size > CUPEL_LAYERS_FIXED_BYTES)) {
        (void)cupel_error_set(request->error, 0, 0, "the argument must be a size up to %dK",
                              CUPEL_LAYERS_FIXED_BYTES >> 10);
        return NULL;
    }
    return cupel_fixed_init(&request->layer->as.fixed, request->storage->fixed_memory, size);
}

const struct cupel_layer_kind cupel__layer_kinds[] = {
    {"counting", "shared", false, "counts blocks and bytes; \"shared\" for many threads", init_counting, NULL},
    {"failing", "PLAN", false, "makes the requests fail that a fault plan names", init_failing, NULL},
    {"perturbing", "WORDS", false,
     "varies fill and placement: seed:N, or fresh:, freed: and placement:", init_perturbing, deinit_perturbing},
    {"tracking", NULL, false, "knows live blocks and where they came from", init_tracking, deinit_tracking},
    {"debug", "OPTIONS", false, "finds memory errors, best over pages: frames=8:leaks=none", init_debug, deinit_debug},
    {"logging", "DESCRIPTOR", false, "writes a line an operation; default 2", init_logging, deinit_logging},
    {"arena", "KEY=SIZE,...", false, "cuts blocks from pages; keys: page, max, large, redzone", init_arena,
     deinit_arena},
    {"facade", NULL, false, "knows sizes and takes one lock", init_facade, deinit_facade},
    {"libc", NULL, true, "root: the C library", NULL, NULL, cupel_libc},
    {"pages", NULL, true, "root: whole pages from the kernel", NULL, NULL, cupel_pages},
    {"fixed", "SIZE", true, "root: a buffer in the stack's storage; default 64K", init_fixed, NULL},
    {"global", NULL, true, "root: the global allocator", NULL, NULL, cupel_global},
    {.word = NULL}};
