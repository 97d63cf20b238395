/* Captures a variant: see capture.h. gcov runs once over the sum of all classes, which gives the totals and which
 * blocks never ran, and once over each class. */
#include "coverage/capture.h"

#include "coverage/src/exclude.h"
#include "coverage/src/gcov.h"
#include "coverage/src/stage.h"
#include "coverage/src/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct capture {
    struct cupel_coverage *coverage;
    const struct cupel_capture_options *options;
    struct cupel_capture_result result;
    struct cupel_error *error;
    struct cupel__sources sources;
    char root[CUPEL__PATH_MAX];
    struct cupel__stage stage;
    uint32_t variant;
    bool is_stale; /* a stale source was met, and is in the error */
};

static bool is_newer(const struct stat *a, const struct stat *b) {
    return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
           (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

static bool has_run(const struct cupel__object *object) {
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES; i++) {
        if (object->counters[i] != NULL) {
            return true;
        }
    }
    return false;
}

/* A source of an object was met: counts of an older text would stand beside the wrong lines. */
static bool check_source(void *user, size_t number, const char *path) {
    struct capture *capture = user;
    char source[CUPEL__PATH_MAX];
    struct stat source_facts;
    struct stat notes_facts;
    if (number >= capture->stage.count || !cupel__path_plain(source, capture->root, path)) {
        return true;
    }
    const char *notes = capture->stage.objects[number].notes;
    bool is_there = stat(source, &source_facts) == 0;
    if (is_there && (stat(notes, &notes_facts) != 0 || !is_newer(&source_facts, &notes_facts))) {
        return true;
    }
    if (!is_there && !has_run(&capture->stage.objects[number])) {
        return false; /* an object that is no longer built, of a source that is no more */
    }
    struct cupel_cover_file *file = cupel_cover_file(capture->coverage, path, strlen(path));
    if (file != NULL && !file->is_stale) {
        file->is_stale = true;
        capture->result.stale_sources++;
    }
    if (!capture->options->allow_stale && !capture->is_stale) {
        capture->is_stale = true;
        (void)cupel_error_set(capture->error, 0, 0,
                              "%.90s: %s its object (%.90s): build again, then run the tests again", path,
                              is_there ? "newer than" : "gone, but in", notes);
    }
    return true;
}

/* What gcov says on standard error is a reason to stop, but for what was decided otherwise already. */
static bool check_messages(struct capture *capture, FILE *messages) {
    static const char *const expected[] = {
        "cannot open data file, assuming not executed", "source file is newer than notes file",
        "(the message is displayed only once per source file)", "no functions found"};
    char line[1024];
    rewind(messages);
    while (fgets(line, sizeof line, messages) != NULL) {
        bool is_expected = line[strspn(line, " \n")] == '\0';
        for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
            is_expected = is_expected || strstr(line, expected[i]) != NULL;
        }
        if (!is_expected) {
            line[strcspn(line, "\n")] = '\0';
            const char *name = strrchr(line, '/');
            size_t number = name == NULL ? SIZE_MAX : strtoul(name + 1, NULL, 10);
            return cupel_error_set(capture->error, 0, 0, "%.110s: gcov says: %.100s",
                                   number < capture->stage.count ? capture->stage.objects[number].notes : "gcov",
                                   name == NULL ? line : name + 1);
        }
    }
    return true;
}

static bool read_documents(struct capture *capture, unsigned class_id, FILE *documents) {
    char *line = NULL;
    size_t capacity = 0;
    bool is_good = true;
    rewind(documents);
    for (ssize_t length; is_good && (length = getline(&line, &capacity, documents)) > 0;) {
        is_good = cupel__gcov_read(capture->coverage, &capture->sources, capture->variant, class_id, line,
                                   (size_t)length, check_source, capture, capture->error);
    }
    free(line);
    return is_good;
}

/* One pass of gcov, over a class or over the sum. */
static enum cupel_status capture_class(struct capture *capture, unsigned class_id) {
    struct cupel__paths paths;
    cupel__paths_init(&paths, capture->coverage->allocator);
    enum cupel_status status = cupel__stage_fill(&capture->stage, class_id, &paths, capture->error);
    FILE *documents = tmpfile();
    FILE *messages = tmpfile();
    if (status == CUPEL_OK && (documents == NULL || messages == NULL)) {
        (void)cupel_error_set(capture->error, 0, 0, "no temporary file: %s", strerror(errno));
        status = CUPEL_OUTPUT;
    }
    if (status == CUPEL_OK && (!cupel__gcov_run(capture->options->gcov, &paths, documents, messages, capture->error) ||
                               !check_messages(capture, messages) || !read_documents(capture, class_id, documents))) {
        status = CUPEL_USAGE;
    }
    if (status == CUPEL_OK && capture->is_stale) {
        status = CUPEL_USAGE;
    }
    if (documents != NULL) {
        (void)fclose(documents);
    }
    if (messages != NULL) {
        (void)fclose(messages);
    }
    cupel__paths_deinit(&paths);
    return status;
}

static enum cupel_status read_exclusions(struct capture *capture) {
    for (size_t i = 0; i < capture->coverage->file_count; i++) {
        struct cupel_cover_file *file = capture->coverage->files[i];
        char source[CUPEL__PATH_MAX];
        struct cupel__text text;
        if (!cupel__path_plain(source, capture->root, file->path) ||
            !cupel__text_read(&text, capture->coverage->allocator, source, SIZE_MAX / 4, NULL)) {
            continue; /* a source that is gone is stale, and was allowed */
        }
        struct cupel_error cause;
        bool is_good = cupel__exclusions_read(capture->coverage, file, text.data, text.length, &cause);
        cupel__text_free(&text);
        if (!is_good) {
            (void)cupel_error_set(capture->error, 0, 0, "%.120s:%u: %.120s", file->path, cause.line, cause.text);
            return CUPEL_USAGE;
        }
    }
    return CUPEL_OK;
}

/* A folder that is kept holds the sum at the end. */
static enum cupel_status stage_sum(struct capture *capture) {
    struct cupel__paths paths;
    cupel__paths_init(&paths, capture->coverage->allocator);
    enum cupel_status status = cupel__stage_fill(&capture->stage, CUPEL_COVER_TOTAL, &paths, capture->error);
    cupel__paths_deinit(&paths);
    return status;
}

static enum cupel_status capture_all(struct capture *capture) {
    const struct cupel_capture_options *options = capture->options;
    struct cupel__compiler version;
    if (!cupel__gcov_can_read()) {
        (void)cupel_error_set(capture->error, 0, 0,
                              "this cupel was built without jansson and cannot read gcov: install libjansson-dev and "
                              "build again");
        return CUPEL_LACKING;
    }
    if (!cupel__gcov_version(options->gcov, &version, capture->error)) {
        return CUPEL_LACKING;
    }
    if (!cupel__path_absolute(capture->root, options->root)) {
        (void)cupel_error_set(capture->error, 0, 0, "%.160s: too long a path", options->root);
        return CUPEL_USAGE;
    }
    enum cupel_status status =
        cupel__stage_find(&capture->stage, options->build, options->evidence, &version, capture->error);
    if (status == CUPEL_OK) {
        status = cupel__stage_open(&capture->stage, options->stage, capture->error);
    }
    bool is_class_run[CUPEL_COVER_CLASSES] = {false};
    for (size_t i = 0; i < capture->stage.count && status == CUPEL_OK; i++) {
        for (unsigned j = 0; j < CUPEL_COVER_CLASSES; j++) {
            is_class_run[j] = is_class_run[j] || capture->stage.objects[i].counters[j] != NULL;
        }
        capture->result.objects++;
        capture->result.objects_run += has_run(&capture->stage.objects[i]);
    }
    /* The sum first: making it checks each file from end to end, before gcov sees any. */
    if (status == CUPEL_OK) {
        status = capture_class(capture, CUPEL_COVER_TOTAL);
    }
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES && status == CUPEL_OK; i++) {
        status = is_class_run[i] ? capture_class(capture, i) : CUPEL_OK;
    }
    if (status == CUPEL_OK && options->stage != NULL) {
        status = stage_sum(capture);
    }
    return status == CUPEL_OK ? read_exclusions(capture) : status;
}

enum cupel_status cupel_capture(struct cupel_coverage *coverage, const struct cupel_capture_options *options,
                                struct cupel_capture_result *result, struct cupel_error *error) {
    struct cupel_capture_options filled = *options;
    filled.gcov = options->gcov == NULL ? "gcov" : options->gcov;
    struct capture capture = {.coverage = coverage, .options = &filled, .error = error};
    capture.stage.allocator = coverage->allocator;
    capture.sources = (struct cupel__sources){capture.root, options->excluded, options->excluded_count};
    capture.variant = cupel_cover_variant(coverage, options->variant);
    enum cupel_status status = capture_all(&capture);
    cupel__stage_deinit(&capture.stage);
    if (status == CUPEL_OK && !cupel_cover_finish(coverage)) {
        (void)cupel_error_set(error, 0, 0, "out of memory");
        status = CUPEL_INTERNAL;
    }
    if (status == CUPEL_OK && coverage->file_count == 0) {
        (void)cupel_error_set(error, 0, 0, "%.160s: no source of the build lies there that is not excluded",
                              options->root);
        status = CUPEL_NOTHING;
    }
    capture.result.sources = coverage->file_count;
    if (result != NULL) {
        *result = capture.result;
    }
    return status;
}
