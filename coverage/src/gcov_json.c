/* Reads gcov's JSON into the model: see gcov.h. */
#include "coverage/src/gcov.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#ifdef CUPEL_HAVE_JANSSON
#include <jansson.h>

/* Where a document's records go. */
struct document {
    struct cupel_coverage *coverage;
    uint32_t variant;
    unsigned class_id;
};

bool cupel__gcov_can_read(void) {
    return true;
}

static uint64_t number_of(const json_t *object, const char *key) {
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value < 0 ? 0 : (uint64_t)value;
}

static uint32_t line_of(const json_t *object, const char *key) {
    uint64_t value = number_of(object, key);
    return value > INT32_MAX ? 0 : (uint32_t)value;
}

static uint32_t name_of(const struct document *document, struct cupel_cover_file *file, const json_t *object,
                        const char *key) {
    const char *name = json_string_value(json_object_get(object, key));
    return name == NULL ? CUPEL_COVER_NO_FUNCTION : cupel_cover_name(document->coverage, file, name, strlen(name));
}

static void read_function(const struct document *document, struct cupel_cover_file *file, const json_t *item) {
    struct cupel_cover_function function = {.variant = document->variant};
    function.name = name_of(document, file, item, "name");
    function.start_line = line_of(item, "start_line");
    function.end_line = line_of(item, "end_line");
    if (function.name == CUPEL_COVER_NO_FUNCTION || function.start_line == 0) {
        return;
    }
    cupel_cover_count(&function.counts, document->class_id, number_of(item, "execution_count"));
    cupel_cover_add_function(document->coverage, file, &function);
}

static void read_branches(const struct document *document, struct cupel_cover_file *file,
                          const struct cupel_cover_line *line, bool is_reached, const json_t *items) {
    size_t position;
    const json_t *item;
    uint32_t index = 0;
    json_array_foreach(items, position, item) {
        /* Branches of exceptions are the compiler's, not the author's. */
        if (json_is_true(json_object_get(item, "throw"))) {
            continue;
        }
        struct cupel_cover_branch branch = {.line = line->line, .function = line->function, .variant = line->variant};
        branch.index = index++;
        branch.is_reached = is_reached;
        cupel_cover_count(&branch.counts, document->class_id, number_of(item, "count"));
        cupel_cover_add_branch(document->coverage, file, &branch);
    }
}

static void read_line(const struct document *document, struct cupel_cover_file *file, const json_t *item) {
    struct cupel_cover_line line = {.variant = document->variant};
    line.line = line_of(item, "line_number");
    if (line.line == 0) {
        return;
    }
    uint64_t count = number_of(item, "count");
    bool is_partial = json_is_true(json_object_get(item, "unexecuted_block"));
    line.function = name_of(document, file, item, "function_name");
    /* A class alone cannot tell which blocks all classes together leave out. */
    line.has_block_facts = document->class_id == CUPEL_COVER_TOTAL;
    line.has_unexecuted_block = line.has_block_facts && is_partial;
    cupel_cover_count(&line.counts, document->class_id, count);
    cupel_cover_add_line(document->coverage, file, &line);
    read_branches(document, file, &line, count > 0 || !is_partial, json_object_get(item, "branches"));
}

static void read_file(const struct document *document, const char *path, const json_t *item) {
    struct cupel_cover_file *file = cupel_cover_file(document->coverage, path, strlen(path));
    if (file == NULL) {
        return;
    }
    size_t position;
    const json_t *record;
    json_array_foreach(json_object_get(item, "functions"), position, record) {
        read_function(document, file, record);
    }
    json_array_foreach(json_object_get(item, "lines"), position, record) {
        read_line(document, file, record);
    }
}

/* The path of a source relative to the root, or NULL where it does not count. Points into `plain`. */
static const char *wanted_path(const struct cupel__sources *sources, const char *folder, const char *path,
                               char plain[CUPEL__PATH_MAX]) {
    if (path == NULL || !cupel__path_plain(plain, folder == NULL ? "/" : folder, path)) {
        return NULL;
    }
    const char *relative = cupel__path_below(plain, sources->root);
    for (size_t i = 0; i < sources->excluded_count && relative != NULL; i++) {
        if (fnmatch(sources->excluded[i], relative, 0) == 0) {
            relative = NULL;
        }
    }
    return relative == NULL || relative[0] == '\0' ? NULL : relative;
}

bool cupel__gcov_read(struct cupel_coverage *coverage, const struct cupel__sources *sources, uint32_t variant,
                      unsigned class_id, const char *line, size_t length,
                      bool (*found)(void *user, size_t number, const char *path), void *user,
                      struct cupel_error *error) {
    json_error_t cause;
    json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &cause);
    const json_t *files = json_object_get(root, "files");
    const char *data_file = json_string_value(json_object_get(root, "data_file"));
    if (!json_is_array(files) || data_file == NULL) {
        json_decref(root);
        return cupel_error_set(error, 0, 0, "gcov wrote what is not its JSON (%.160s)", root == NULL ? cause.text : "");
    }
    const char *name = strrchr(data_file, '/');
    size_t number = strtoul(name == NULL ? data_file : name + 1, NULL, 10);
    const char *folder = json_string_value(json_object_get(root, "current_working_directory"));
    struct document document = {.coverage = coverage, .variant = variant, .class_id = class_id};
    size_t position;
    const json_t *item;
    json_array_foreach(files, position, item) {
        char plain[CUPEL__PATH_MAX];
        const char *path = wanted_path(sources, folder, json_string_value(json_object_get(item, "file")), plain);
        if (path != NULL && found(user, number, path)) {
            read_file(&document, path, item);
        }
    }
    json_decref(root);
    return !coverage->is_out_of_memory || cupel_error_set(error, 0, 0, "out of memory");
}

#else

bool cupel__gcov_can_read(void) {
    return false;
}

bool cupel__gcov_read(struct cupel_coverage *coverage, const struct cupel__sources *sources, uint32_t variant,
                      unsigned class_id, const char *line, size_t length,
                      bool (*found)(void *user, size_t number, const char *path), void *user,
                      struct cupel_error *error) {
    (void)coverage, (void)sources, (void)variant, (void)class_id, (void)line, (void)length, (void)found, (void)user;
    return cupel_error_set(error, 0, 0, "this cupel was built without jansson: it reads no JSON");
}

#endif
