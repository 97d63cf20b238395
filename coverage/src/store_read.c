/* Reads cupel.json, or a tracefile in its place: see store.h. */
#include "coverage/store.h"

#include "coverage/src/text.h"
#include "coverage/tracefile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef CUPEL_HAVE_JANSSON
#include <jansson.h>

struct store {
    struct cupel_coverage *coverage;
    struct cupel_cover_file *file;
    bool is_bad; /* a record lacks what it must have, or has it out of range */
};

static uint64_t number_of(struct store *store, const json_t *object, const char *key, uint64_t max) {
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max) {
        store->is_bad = true;
        return 0;
    }
    return (uint64_t)number;
}

static uint32_t line_of(struct store *store, const json_t *object, const char *key) {
    return (uint32_t)number_of(store, object, key, CUPEL_TRACEFILE_SOURCE_LINES_MAX);
}

static struct cupel_cover_counts counts_of(struct store *store, const json_t *object) {
    struct cupel_cover_counts counts = {.total = number_of(store, object, "count", INT64_MAX)};
    const json_t *classes = json_object_get(object, "classes");
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES; i++) {
        if (json_object_get(classes, cupel_cover_class_name(i)) != NULL) {
            counts.by_class[i] = number_of(store, classes, cupel_cover_class_name(i), INT64_MAX);
        }
    }
    return counts;
}

static uint32_t function_of(struct store *store, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "function"));
    return name == NULL ? CUPEL_COVER_NO_FUNCTION : cupel_cover_name(store->coverage, store->file, name, strlen(name));
}

static uint32_t variant_of(struct store *store, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "variant"));
    store->is_bad = store->is_bad || name == NULL;
    return cupel_cover_variant(store->coverage, name == NULL ? "" : name);
}

static void read_function(struct store *store, const json_t *item) {
    struct cupel_cover_function function = {.name = function_of(store, item), .variant = variant_of(store, item)};
    function.start_line = line_of(store, item, "line");
    function.end_line = json_object_get(item, "end_line") == NULL ? 0 : line_of(store, item, "end_line");
    function.counts = counts_of(store, item);
    store->is_bad = store->is_bad || function.name == CUPEL_COVER_NO_FUNCTION;
    if (!store->is_bad) {
        cupel_cover_add_function(store->coverage, store->file, &function);
    }
}

static void read_line(struct store *store, const json_t *item) {
    struct cupel_cover_line line = {.function = function_of(store, item), .variant = variant_of(store, item)};
    line.line = line_of(store, item, "line");
    const json_t *partial = json_object_get(item, "partial");
    line.has_block_facts = partial != NULL;
    line.has_unexecuted_block = json_is_true(partial);
    line.counts = counts_of(store, item);
    cupel_cover_add_line(store->coverage, store->file, &line);
}

static void read_branch(struct store *store, const json_t *item) {
    struct cupel_cover_branch branch = {.function = function_of(store, item), .variant = variant_of(store, item)};
    branch.line = line_of(store, item, "line");
    branch.block = (uint32_t)number_of(store, item, "block", UINT32_MAX);
    branch.index = (uint32_t)number_of(store, item, "index", UINT32_MAX);
    branch.is_reached = json_is_true(json_object_get(item, "reached"));
    branch.counts = counts_of(store, item);
    cupel_cover_add_branch(store->coverage, store->file, &branch);
}

static void read_exclusion(struct store *store, const json_t *item) {
    const char *reason = json_string_value(json_object_get(item, "reason"));
    reason = reason == NULL ? "" : reason;
    cupel_cover_add_exclusion(store->coverage, store->file, line_of(store, item, "line"),
                              json_is_true(json_object_get(item, "branches_only")), reason, strlen(reason));
}

static void read_file(struct store *store, const json_t *item) {
    const char *path = json_string_value(json_object_get(item, "path"));
    store->file = path == NULL ? NULL : cupel_cover_file(store->coverage, path, strlen(path));
    if (store->file == NULL) {
        store->is_bad = true;
        return;
    }
    store->file->is_stale = store->file->is_stale || json_is_true(json_object_get(item, "stale"));
    static const struct {
        const char *key;
        void (*read)(struct store *, const json_t *);
    } parts[] = {
        {"functions", read_function}, {"lines", read_line}, {"branches", read_branch}, {"excluded", read_exclusion}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *records = json_object_get(item, parts[i].key);
        store->is_bad = store->is_bad || !json_is_array(records);
        size_t position;
        const json_t *record;
        json_array_foreach(records, position, record) {
            parts[i].read(store, record);
        }
    }
}

static enum cupel_status read_json(struct cupel_coverage *coverage, const struct cupel__text *text,
                                   struct cupel_error *error) {
    json_error_t cause;
    json_t *root = json_loadb(text->data, text->length, 0, &cause);
    if (root == NULL) {
        (void)cupel_error_set(error, (unsigned)cause.line, (unsigned)cause.column, "%.200s", cause.text);
        return CUPEL_USAGE;
    }
    struct store store = {.coverage = coverage};
    const char *format = json_string_value(json_object_get(root, "format"));
    json_int_t version = json_integer_value(json_object_get(root, "version"));
    if (format == NULL || strcmp(format, "cupel-coverage") != 0 || version != CUPEL_STORE_VERSION) {
        json_decref(root);
        (void)cupel_error_set(error, 0, 0, "is not cupel-coverage of version %d", CUPEL_STORE_VERSION);
        return CUPEL_USAGE;
    }
    const char *base = json_string_value(json_object_get(root, "root"));
    if (base != NULL && coverage->root[0] == '\0' && strlen(base) < sizeof coverage->root) {
        memcpy(coverage->root, base, strlen(base) + 1);
    }
    size_t position;
    const json_t *item;
    json_array_foreach(json_object_get(root, "files"), position, item) {
        read_file(&store, item);
    }
    json_decref(root);
    if (store.is_bad && !coverage->is_out_of_memory) {
        (void)cupel_error_set(error, 0, 0, "a record in it lacks what it must have: capture again");
        return CUPEL_USAGE;
    }
    return CUPEL_OK;
}

#else

static enum cupel_status read_json(struct cupel_coverage *coverage, const struct cupel__text *text,
                                   struct cupel_error *error) {
    (void)coverage;
    (void)text;
    (void)cupel_error_set(error, 0, 0, "is JSON, and this cupel was built without jansson: give it a tracefile");
    return CUPEL_LACKING;
}

#endif

enum cupel_status cupel_store_read(struct cupel_coverage *coverage, const char *path, struct cupel_error *error) {
    struct cupel__text text;
    if (!cupel__text_read(&text, coverage->allocator, path, CUPEL_STORE_FILE_MAX, error)) {
        return access(path, F_OK) != 0 ? CUPEL_NOTHING : CUPEL_USAGE;
    }
    enum cupel_status status = CUPEL_OK;
    if (text.length > 0 && text.data[0] == '{') {
        status = read_json(coverage, &text, error);
    } else if (!cupel_tracefile_read(coverage, text.data, text.length, error)) {
        status = CUPEL_USAGE;
    }
    cupel__text_free(&text);
    if (status == CUPEL_OK && !cupel_cover_finish(coverage)) {
        (void)cupel_error_set(error, 0, 0, "out of memory");
        status = CUPEL_INTERNAL;
    }
    return status;
}
