/* See keep.h. The judge of what is new is libFuzzer's own merge, told to look at edges and not at how often each was
 * passed, so that the stored corpus grows with the code reached and not with the hours run. */
#include "fuzz/tool/keep.h"

#include "alloc/base/outfile.h"
#include "fuzz/src/process.h"
#include "fuzz/tool/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEEDS_MAX = 300, MERGE_MS = 300000 };

bool keep_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

struct copying {
    const char *to;
    int64_t left;
    int64_t added;
    bool has_failed;
    struct cupel_error *error;
};

static bool copy_one(void *user, const char *path, const char *name) {
    struct copying *copying = user;
    struct stat info;
    (void)name;
    if (stat(path, &info) != 0 || info.st_size == 0 || info.st_size > CUPEL__INPUT_MAX) {
        return true;
    }
    char stored[CUPEL_SHA1_TEXT];
    bool is_new;
    if (!cupel__store_add_file(copying->to, path, stored, &is_new, copying->error)) {
        copying->has_failed = true;
        return false;
    }
    copying->added += is_new;
    return --copying->left > 0;
}

int64_t keep_copy(const char *from, const char *to, int64_t max, struct cupel_error *error) {
    struct copying copying = {.to = to, .left = max, .error = error};
    if (max <= 0) {
        return 0;
    }
    int64_t visited = cupel__store_each(from, copy_one, &copying, error);
    return visited < 0 || copying.has_failed ? -1 : copying.added;
}

/* AFL++'s dictionary: the target's, and the constants that its compiler pass found in the code, each once. */
static void write_dictionary(const struct project *project, const struct target *target) {
    static char seen[512][160];
    size_t count = 0;
    char paths[2][CUPEL__PATH_MAX];
    char path[CUPEL__PATH_MAX];
    struct cupel_outfile out;
    bool has_own = path_dictionary(project, target, paths[0]) != NULL;
    (void)snprintf(paths[1], sizeof paths[1], "%s/afl/auto.dict", project->build);
    if (!cupel_outfile_open(&out, path_work(project, target, "afl.dict", path), NULL)) {
        return;
    }
    for (size_t i = has_own ? 0 : 1; i < 2; i++) {
        FILE *file = fopen(paths[i], "r");
        char line[160];
        while (file != NULL && count < 512 && fgets(line, sizeof line, file) != NULL) {
            bool is_entry = strchr(line, '"') != NULL && line[0] != '#' && strchr(line, '\n') != NULL;
            for (size_t j = 0; j < count && is_entry; j++) {
                is_entry = strcmp(seen[j], line) != 0;
            }
            if (is_entry) {
                memcpy(seen[count++], line, sizeof line);
                (void)fputs(line, out.stream);
            }
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    if (count == 0) {
        cupel_outfile_discard(&out);
        (void)unlink(path);
    } else {
        (void)cupel_outfile_commit(&out, NULL);
    }
}

bool keep_prepare(const struct project *project, const struct target *target, struct cupel_error *error) {
    char inputs[CUPEL__PATH_MAX];
    char seeds[CUPEL__PATH_MAX];
    char path[CUPEL__PATH_MAX];
    path_work(project, target, "inputs", inputs);
    path_work(project, target, "seeds", seeds);
    cupel__remove_tree(seeds);
    if (!cupel_make_directories(inputs, error) || !cupel_make_directories(seeds, error) ||
        !cupel_make_directories(path_work(project, target, "artifacts", path), error) ||
        !cupel_make_directories(path_fuzz(project, "corpora", target, path), error)) {
        return false;
    }
    /* A campaign that was killed left its queue. */
    if (keep_copy(path_work(project, target, "afl/main/queue", path), inputs, INT64_MAX, error) < 0) {
        return false;
    }
    cupel__remove_tree(path_work(project, target, "afl", path));
    int64_t stored = keep_copy(path_fuzz(project, "corpora", target, path), seeds, INT64_MAX, error);
    if (stored < 0 || keep_copy(inputs, seeds, SEEDS_MAX, error) < 0) {
        return false;
    }
    if (cupel__store_count(seeds) == 0) {
        char name[CUPEL_SHA1_TEXT];
        bool is_new;
        if (!cupel_store_add(seeds, "0", 1, name, &is_new, error)) {
            return false;
        }
    }
    write_dictionary(project, target);
    return true;
}

/* Runs libFuzzer's merge of the two places where engines put inputs into `into`. */
static bool merge(const struct project *project, const struct target *target, const char *into, const char *counters,
                  struct cupel_error *error) {
    char program[CUPEL__PATH_MAX];
    char inputs[CUPEL__PATH_MAX];
    char queue[CUPEL__PATH_MAX];
    char log[CUPEL__PATH_MAX];
    const char *words[] = {
        path_engine(project, target, "fuzz", program), "-merge=1", counters, "-timeout=10", "-rss_limit_mb=2048", into,
        path_work(project, target, "inputs", inputs),  NULL,       NULL};
    if (keep_is_directory(path_work(project, target, "afl/main/queue", queue))) {
        words[7] = queue;
    }
    int status =
        cupel__program_run(words, settings_sanitizers(), path_work(project, target, "merge.log", log), MERGE_MS, error);
    if (status > 0) {
        (void)cupel_error_set(error, 0, 0, "%s: the merge ended with %d; what it said is in %s", target->name, status,
                              path_shown(project, log));
    }
    return status == 0;
}

/* Without a libFuzzer build AFL++'s own word for new coverage must do. */
static bool copy_with_new_edges(void *user, const char *path, const char *name) {
    return strstr(name, "+cov") == NULL || strstr(name, ",orig:") != NULL || copy_one(user, path, name);
}

bool keep_inputs(const struct project *project, const struct target *target, uint64_t *added,
                 struct cupel_error *error) {
    char stored[CUPEL__PATH_MAX];
    char scratch[CUPEL__PATH_MAX];
    char path[CUPEL__PATH_MAX];
    path_fuzz(project, "corpora", target, stored);
    *added = 0;
    if (!target->has_libfuzzer) {
        struct copying copying = {.to = stored, .left = INT64_MAX, .error = error};
        (void)cupel__store_each(path_work(project, target, "afl/main/queue", path), copy_with_new_edges, &copying,
                                error);
        *added = (uint64_t)copying.added;
        return !copying.has_failed;
    }
    path_work(project, target, "merge", scratch);
    cupel__remove_tree(scratch);
    if (!cupel_make_directories(scratch, error) || keep_copy(stored, scratch, INT64_MAX, error) < 0 ||
        !merge(project, target, scratch, "-use_counters=0", error)) {
        return false;
    }
    int64_t count = keep_copy(scratch, stored, INT64_MAX, error);
    cupel__remove_tree(scratch);
    if (count < 0) {
        return false;
    }
    *added = (uint64_t)count;
    /* The next campaign begins with the smallest set that passes edges as often as all did. */
    if (!cupel_make_directories(scratch, error) || !merge(project, target, scratch, "-use_counters=1", error)) {
        return false;
    }
    if (renameat2(AT_FDCWD, scratch, AT_FDCWD, path_work(project, target, "inputs", path), RENAME_EXCHANGE) != 0) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    cupel__remove_tree(scratch);
    cupel__remove_tree(path_work(project, target, "afl", path));
    return true;
}
