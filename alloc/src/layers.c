/* Allocator stacks from text: see layers.h. The words are split and looked up from left to right, then the layers are
 * made from right to left, each over the one before. */
#include "alloc/layers.h"

#include "alloc/base/nearest.h"
#include "alloc/src/layers_table.h"

#include <assert.h>
#include <string.h>

static const char white[] = " \t\r\n\f\v";

/* One word of the spec. */
struct word {
    const char *start;
    size_t name_length;
    const char *argument; /* behind the '='; NULL: none */
    const char *end;
    unsigned column;
    const struct cupel_layer_kind *kind;
};

struct words {
    struct word all[CUPEL_LAYERS_MAX];
    unsigned count;
};

static const struct cupel_layer_kind *find_kind(const struct word *word) {
    const struct cupel_layer_kind *kind = cupel__layer_kinds;
    while (kind->word != NULL &&
           (strlen(kind->word) != word->name_length || memcmp(kind->word, word->start, word->name_length) != 0)) {
        kind++;
    }
    return kind->word == NULL ? NULL : kind;
}

/* At most this much of a hostile word is shown. */
static int shown(size_t length) {
    return length > 40 ? 40 : (int)length;
}

/* The layer that a mistyped word was meant to be, or NULL. */
static const char *nearest_word(const struct word *word) {
    char text[64] = "";
    if (word->name_length >= sizeof text) {
        return NULL;
    }
    memcpy(text, word->start, word->name_length);
    struct cupel_nearest nearest;
    cupel_nearest_init(&nearest, text);
    for (const struct cupel_layer_kind *kind = cupel__layer_kinds; kind->word != NULL; kind++) {
        cupel_nearest_offer(&nearest, kind->word);
    }
    return nearest.best;
}

static bool look_up(struct word *word, struct cupel_error *error) {
    word->kind = find_kind(word);
    if (word->kind == NULL) {
        const char *nearest = nearest_word(word);
        return cupel_error_set(error, 0, word->column, "'%.*s' is no layer%s%s%s", shown(word->name_length),
                               word->start, nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                               nearest == NULL ? "" : "'?");
    }
    if (word->argument != NULL && word->kind->argument == NULL) {
        return cupel_error_set(error, 0, word->column, "'%s' takes no argument", word->kind->word);
    }
    if (word->argument != NULL && word->end - word->argument > CUPEL_LAYERS_ARGUMENT_MAX) {
        return cupel_error_set(error, 0, word->column, "the argument of '%s' is longer than %d bytes", word->kind->word,
                               CUPEL_LAYERS_ARGUMENT_MAX);
    }
    return true;
}

static bool split(const char *spec, struct words *words, struct cupel_error *error) {
    words->count = 0;
    const char *at = spec + strspn(spec, white);
    while (*at != '\0') {
        struct word word = {.start = at, .end = at + strcspn(at, white), .column = (unsigned)(at - spec) + 1};
        const char *equals = memchr(at, '=', (size_t)(word.end - at));
        word.name_length = (size_t)((equals == NULL ? word.end : equals) - at);
        word.argument = equals == NULL ? NULL : equals + 1;
        if (words->count == CUPEL_LAYERS_MAX) {
            return cupel_error_set(error, 0, word.column, "'%.*s' is one layer too many: at most %d",
                                   shown(word.name_length), word.start, CUPEL_LAYERS_MAX);
        }
        if (!look_up(&word, error)) {
            return false;
        }
        words->all[words->count++] = word;
        at = word.end + strspn(word.end, white);
    }
    return true;
}

static bool check_roots(const struct words *words, struct cupel_error *error) {
    if (words->count == 0) {
        return cupel_error_set(error, 0, 1, "a layer stack needs a root: libc, pages, fixed or global");
    }
    for (unsigned i = 0; i + 1 < words->count; i++) {
        const struct word *word = &words->all[i];
        assert(word->kind != NULL); /* each was looked up; LCOV_EXCL_BR_LINE(so this holds always) */
        if (word->kind->is_root) {
            return cupel_error_set(error, 0, words->all[i + 1].column, "'%s' stands under '%s', which is a root",
                                   words->all[i + 1].kind->word, word->kind->word);
        }
    }
    const struct word *last = &words->all[words->count - 1];
    assert(last->kind != NULL); /* LCOV_EXCL_BR_LINE(each was looked up) */
    if (!last->kind->is_root) {
        return cupel_error_set(error, 0, last->column,
                               "'%s' needs something to stand on: end with libc, pages, fixed or global",
                               last->kind->word);
    }
    return true;
}

/* Of a stack over an allocator that is given. */
static bool check_no_root(const struct words *words, struct cupel_error *error) {
    if (words->count == 0) {
        return cupel_error_set(error, 0, 1, "a stack needs a layer");
    }
    for (unsigned i = 0; i < words->count; i++) {
        const struct word *word = &words->all[i];
        assert(word->kind != NULL); /* LCOV_EXCL_BR_LINE(each was looked up) */
        if (word->kind->is_root) {
            return cupel_error_set(error, 0, word->column, "'%s' is a root, and this stack has one", word->kind->word);
        }
    }
    return true;
}

/* The error of one word's argument, told with the word and counted in the spec. */
static void place_error(const struct word *word, const struct cupel_error *inner, struct cupel_error *error) {
    unsigned column = word->column;
    if (inner->column != 0 && word->argument != NULL) {
        column += (unsigned)(word->argument - word->start) + inner->column - 1;
    }
    (void)cupel_error_set(error, 0, column, "'%s': %s", word->kind->word, inner->text);
}

/* Makes the layers from the innermost to the outermost; `below` is NULL where the innermost is a root. */
static struct cupel_allocator *build(const struct words *words, struct cupel_allocator *below,
                                     struct cupel_layers_storage *storage, struct cupel_error *error) {
    for (unsigned i = 0; i < words->count; i++) {
        storage->layers[i].kind = NULL;
    }
    storage->count = words->count;
    struct cupel_allocator *outermost = below;
    for (unsigned i = words->count; i-- > 0;) {
        const struct word *word = &words->all[i];
        assert(word->kind != NULL); /* LCOV_EXCL_BR_LINE(each was looked up) */
        char argument[CUPEL_LAYERS_ARGUMENT_MAX + 1] = "";
        if (word->argument != NULL) {
            memcpy(argument, word->argument, (size_t)(word->end - word->argument));
        }
        struct cupel_error inner = {.text = ""};
        const struct cupel_layer_request request = {storage, &storage->layers[i], outermost, argument, &inner};
        outermost = word->kind->shared != NULL ? word->kind->shared() : word->kind->init(&request);
        if (outermost == NULL) {
            place_error(word, &inner, error);
            cupel_layers_deinit(storage);
            return NULL;
        }
        storage->layers[i].kind = word->kind;
    }
    return outermost;
}

struct cupel_allocator *cupel_layers(const char *spec, struct cupel_layers_storage *storage,
                                     struct cupel_error *error) {
    assert(spec != NULL && storage != NULL);
    struct words words;
    storage->count = 0;
    return split(spec, &words, error) && check_roots(&words, error) ? build(&words, NULL, storage, error) : NULL;
}

struct cupel_allocator *cupel_layers_over(const char *spec, struct cupel_allocator *below,
                                          struct cupel_layers_storage *storage, struct cupel_error *error) {
    assert(spec != NULL && below != NULL && storage != NULL);
    struct words words;
    storage->count = 0;
    return split(spec, &words, error) && check_no_root(&words, error) ? build(&words, below, storage, error) : NULL;
}

void cupel_layers_deinit(struct cupel_layers_storage *storage) {
    for (unsigned i = 0; i < storage->count; i++) {
        struct cupel_layer *layer = &storage->layers[i];
        if (layer->kind != NULL && layer->kind->deinit != NULL) {
            layer->kind->deinit(layer);
        }
    }
    storage->count = 0;
}

/* The layer of that word, or NULL. */
static struct cupel_layer *find(struct cupel_layers_storage *storage, const char *word, unsigned index) {
    for (unsigned i = 0; i < storage->count; i++) {
        if (strcmp(storage->layers[i].kind->word, word) == 0 && index-- == 0) {
            return &storage->layers[i];
        }
    }
    return NULL;
}

struct cupel_counting *cupel_layers_counting(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "counting", index);
    return layer == NULL ? NULL : &layer->as.counting;
}

struct cupel_failing *cupel_layers_failing(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "failing", index);
    return layer == NULL ? NULL : &layer->as.failing;
}

struct cupel_perturbing *cupel_layers_perturbing(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "perturbing", index);
    return layer == NULL ? NULL : &layer->as.perturbing;
}

struct cupel_tracking *cupel_layers_tracking(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "tracking", index);
    return layer == NULL ? NULL : &layer->as.tracking;
}

struct cupel_debug *cupel_layers_debug(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "debug", index);
    return layer == NULL ? NULL : &layer->as.debug;
}

struct cupel_logging *cupel_layers_logging(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "logging", index);
    return layer == NULL ? NULL : &layer->as.logging;
}

struct cupel_arena *cupel_layers_arena(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "arena", index);
    return layer == NULL ? NULL : &layer->as.arena;
}

struct cupel_facade *cupel_layers_facade(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "facade", index);
    return layer == NULL ? NULL : &layer->as.facade;
}

struct cupel_fixed *cupel_layers_fixed(struct cupel_layers_storage *storage, unsigned index) {
    struct cupel_layer *layer = find(storage, "fixed", index);
    return layer == NULL ? NULL : &layer->as.fixed;
}

void cupel_layers_help(FILE *out) {
    for (const struct cupel_layer_kind *kind = cupel__layer_kinds; kind->word != NULL; kind++) {
        char form[48];
        (void)snprintf(form, sizeof form, "%s%s%s%s", kind->word,
                       kind->argument == NULL ? "" : "[=", kind->argument == NULL ? "" : kind->argument,
                       kind->argument == NULL ? "" : "]");
        (void)fprintf(out, "  %-22s %s\n", form, kind->sentence);
    }
}
