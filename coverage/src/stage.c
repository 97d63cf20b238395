/* Collects the objects of a build with their counters and lays them out for gcov: see stage.h. */
#include "coverage/src/stage.h"

#include "coverage/src/vector.h"

#include "alloc/base/outfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum cupel_status out_of_memory(struct cupel_error *error) {
    (void)cupel_error_set(error, 0, 0, "out of memory");
    return CUPEL_INTERNAL;
}

static int compare_objects(const void *left, const void *right) {
    const struct cupel__object *a = left;
    const struct cupel__object *b = right;
    return strcmp(a->notes, b->notes);
}

/* The object whose notes lie at this path, or NULL. */
static struct cupel__object *find_object(const struct cupel__stage *stage, char *notes) {
    struct cupel__object wanted = {.notes = notes};
    return stage->count == 0
               ? NULL
               : bsearch(&wanted, stage->objects, stage->count, sizeof stage->objects[0], compare_objects);
}

static bool check_compiler(const struct cupel__object *object, const struct cupel__compiler *gcov,
                           struct cupel_error *error) {
    const struct cupel__compiler *compiler = &object->head.compiler;
    if (compiler->major == gcov->major) {
        return true;
    }
    char theirs[64];
    char ours[64];
    cupel__compiler_name(compiler, theirs, sizeof theirs);
    cupel__compiler_name(gcov, ours, sizeof ours);
    return cupel_error_set(error, 0, 0,
                           "%.110s: written by compiler version %s, but gcov is version %s: build with the gcc of this "
                           "gcov, or choose that compiler's with --gcov",
                           object->notes, theirs, ours);
}

/* The objects of the build, with their heads. */
static enum cupel_status find_notes(struct cupel__stage *stage, const char *build, const struct cupel__compiler *gcov,
                                    struct cupel_error *error) {
    struct cupel__paths notes;
    cupel__paths_init(&notes, stage->allocator);
    enum cupel_status status = CUPEL_OK;
    if (!cupel__paths_find(&notes, build, ".gcno", error)) {
        status = CUPEL_USAGE;
    } else if (notes.count == 0) {
        (void)cupel_error_set(error, 0, 0,
                              "%.160s: no notes (.gcno) there: build the variant that writes them "
                              "(cmake --preset gcov && cmake --build --preset gcov)",
                              build);
        status = CUPEL_NOTHING;
    } else if ((stage->objects = CUPEL_NEW_ARRAY(stage->allocator, struct cupel__object, notes.count)) == NULL) {
        status = out_of_memory(error);
    }
    for (size_t i = 0; i < notes.count && status == CUPEL_OK; i++) {
        struct cupel__object *object = &stage->objects[stage->count++];
        object->notes = notes.items[i];
        notes.items[i] = NULL;
        if (!cupel__notes_head(object->notes, &object->head, error) || !check_compiler(object, gcov, error)) {
            status = CUPEL_USAGE;
        }
    }
    /* The array was made for all of them, and is freed by its count. */
    for (size_t i = stage->count; stage->objects != NULL && i < notes.count; i++) {
        stage->count++;
    }
    cupel__paths_deinit(&notes);
    return status;
}

/* The counters of one class: each lies below the class's folder at the absolute path of its object. */
static enum cupel_status find_counters(struct cupel__stage *stage, const char *build, const char *evidence,
                                       unsigned class_id, size_t *found, struct cupel_error *error) {
    char folder[CUPEL__PATH_MAX];
    if (!cupel__path_plain(folder, evidence, cupel_cover_class_name(class_id))) {
        (void)cupel_error_set(error, 0, 0, "%.160s: too long a path", evidence);
        return CUPEL_USAGE;
    }
    struct cupel__paths counters;
    cupel__paths_init(&counters, stage->allocator);
    enum cupel_status status = cupel__paths_find(&counters, folder, ".gcda", error) ? CUPEL_OK : CUPEL_USAGE;
    for (size_t i = 0; i < counters.count && status == CUPEL_OK; i++) {
        char *path = counters.items[i] + strlen(folder);
        /* What a test built for itself elsewhere is no part of this build. */
        if (cupel__path_below(path, build) == NULL) {
            continue;
        }
        char notes[CUPEL__PATH_MAX];
        (void)snprintf(notes, sizeof notes, "%.*s.gcno", (int)(strlen(path) - strlen(".gcda")), path);
        struct cupel__object *object = find_object(stage, notes);
        if (object == NULL) {
            (void)cupel_error_set(
                error, 0, 0,
                "%.160s: counted, but its notes (.gcno) are gone: build again, remove the evidence and "
                "run the tests again",
                path);
            status = CUPEL_USAGE;
            break;
        }
        object->counters[class_id] = counters.items[i];
        counters.items[i] = NULL;
        *found += 1;
    }
    cupel__paths_deinit(&counters);
    return status;
}

enum cupel_status cupel__stage_find(struct cupel__stage *stage, const char *build, const char *evidence,
                                    const struct cupel__compiler *gcov, struct cupel_error *error) {
    char build_folder[CUPEL__PATH_MAX];
    char evidence_folder[CUPEL__PATH_MAX];
    if (!cupel__path_absolute(build_folder, build) || !cupel__path_absolute(evidence_folder, evidence)) {
        (void)cupel_error_set(error, 0, 0, "%.160s: too long a path", build);
        return CUPEL_USAGE;
    }
    enum cupel_status status = find_notes(stage, build_folder, gcov, error);
    size_t found = 0;
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES && status == CUPEL_OK; i++) {
        status = find_counters(stage, build_folder, evidence_folder, i, &found, error);
    }
    if (status == CUPEL_OK && found == 0) {
        (void)cupel_error_set(error, 0, 0, "%.160s: no counters of this build there: run its tests first", evidence);
        status = CUPEL_NOTHING;
    }
    return status;
}

static void name_in_stage(const struct cupel__stage *stage, size_t number, const char *suffix,
                          char path[CUPEL__PATH_MAX]) {
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/%zu%s", stage->folder, number, suffix);
}

enum cupel_status cupel__stage_open(struct cupel__stage *stage, const char *kept, struct cupel_error *error) {
    stage->is_kept = kept != NULL;
    const char *parent = getenv("TMPDIR");
    int length = kept != NULL ? snprintf(stage->folder, sizeof stage->folder, "%s", kept)
                              : snprintf(stage->folder, sizeof stage->folder, "%s/cupel-stage-XXXXXX",
                                         parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    bool is_made = length > 0 && (size_t)length < sizeof stage->folder &&
                   (kept != NULL ? cupel_make_directories(kept, NULL) : mkdtemp(stage->folder) != NULL);
    if (!is_made) {
        (void)cupel_error_set(error, 0, 0, "%.160s: cannot be made: %s", stage->folder, strerror(errno));
        stage->folder[0] = '\0';
        return CUPEL_OUTPUT;
    }
    for (size_t i = 0; i < stage->count; i++) {
        char path[CUPEL__PATH_MAX];
        name_in_stage(stage, i, ".gcno", path);
        if (symlink(stage->objects[i].notes, path) != 0) {
            (void)cupel_error_set(error, 0, 0, "%.160s: cannot be made: %s", path, strerror(errno));
            return CUPEL_OUTPUT;
        }
    }
    return CUPEL_OK;
}

/* Writes the sum of an object's counters; none at all where it has none. */
static enum cupel_status fill_sum(const struct cupel__stage *stage, const struct cupel__object *object,
                                  const char *path, struct cupel_error *error) {
    const char *counters[CUPEL__COUNTERS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES; i++) {
        if (object->counters[i] != NULL) {
            counters[count++] = object->counters[i];
        }
    }
    if (count == 0) {
        return CUPEL_OK;
    }
    FILE *out = fopen(path, "wbe");
    if (out == NULL) {
        (void)cupel_error_set(error, 0, 0, "%.160s: cannot be written: %s", path, strerror(errno));
        return CUPEL_OUTPUT;
    }
    bool is_summed = cupel__counters_sum(stage->allocator, counters, count, &object->head, out, error);
    bool is_written = ferror(out) == 0;
    is_written = fclose(out) == 0 && is_written;
    if (is_summed && !is_written) {
        (void)cupel_error_set(error, 0, 0, "%.160s: cannot be written: %s", path, strerror(errno));
    }
    return !is_summed ? CUPEL_USAGE : is_written ? CUPEL_OK : CUPEL_OUTPUT;
}

enum cupel_status cupel__stage_fill(struct cupel__stage *stage, unsigned class_id, struct cupel__paths *paths,
                                    struct cupel_error *error) {
    for (size_t i = 0; i < stage->count; i++) {
        char path[CUPEL__PATH_MAX];
        name_in_stage(stage, i, ".gcda", path);
        if (unlink(path) != 0 && errno != ENOENT) {
            (void)cupel_error_set(error, 0, 0, "%.160s: cannot be removed: %s", path, strerror(errno));
            return CUPEL_OUTPUT;
        }
        const struct cupel__object *object = &stage->objects[i];
        if (class_id == CUPEL_COVER_TOTAL) {
            enum cupel_status status = fill_sum(stage, object, path, error);
            if (status != CUPEL_OK) {
                return status;
            }
        } else if (object->counters[class_id] == NULL) {
            continue;
        } else if (symlink(object->counters[class_id], path) != 0) {
            (void)cupel_error_set(error, 0, 0, "%.160s: cannot be made: %s", path, strerror(errno));
            return CUPEL_OUTPUT;
        }
        if (!cupel__paths_add(paths, path)) {
            return out_of_memory(error);
        }
    }
    return CUPEL_OK;
}

void cupel__stage_deinit(struct cupel__stage *stage) {
    for (size_t i = 0; i < stage->count; i++) {
        static const char *const suffixes[] = {".gcno", ".gcda"};
        for (int j = 0; j < 2 && stage->folder[0] != '\0' && !stage->is_kept; j++) {
            char path[CUPEL__PATH_MAX];
            name_in_stage(stage, i, suffixes[j], path);
            (void)unlink(path);
        }
        cupel__cover_free_copy(stage->allocator, stage->objects[i].notes);
        for (unsigned j = 0; j < CUPEL_COVER_CLASSES; j++) {
            cupel__cover_free_copy(stage->allocator, stage->objects[i].counters[j]);
        }
    }
    if (stage->folder[0] != '\0' && !stage->is_kept) {
        (void)rmdir(stage->folder);
    }
    if (stage->objects != NULL) {
        CUPEL_FREE_ARRAY(stage->allocator, struct cupel__object, stage->objects, stage->count);
    }
    *stage = (struct cupel__stage){.allocator = stage->allocator};
}
