/* See verbs.h. */
#include "fuzz/tool/verbs.h"

#include "alloc/base/outfile.h"
#include "alloc/base/status.h"
#include "fuzz/tool/keep.h"
#include "fuzz/tool/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int verb_list(const struct request *request) {
    char path[CUPEL__PATH_MAX];
    for (size_t i = 0; i < request->count; i++) {
        const struct target *target = request->targets[i];
        (void)printf("%-32s %-9s %-3s %5lld inputs  %s", target->name, target->has_libfuzzer ? "libfuzzer" : "-",
                     target->has_afl ? "afl" : "-",
                     (long long)cupel__store_count(path_fuzz(request->project, "corpora", target, path)),
                     target->source);
        (void)printf(target->line > 0 ? ":%u\n" : "\n", target->line);
    }
    return CUPEL_OK;
}

struct replaying {
    const struct project *project;
    const struct target *target;
    const char *variant;
    uint64_t replayed, failed;
};

static bool replay_one(void *user, const char *path, const char *name) {
    struct replaying *replaying = user;
    char signature[SIGNATURE_MAX];
    struct cupel_error error;
    (void)name;
    int status = finding_replay(replaying->project, replaying->target, replaying->variant, path, signature, &error);
    replaying->replayed++;
    if (status != 0) {
        char program[CUPEL__PATH_MAX];
        replaying->failed++;
        path_engine(replaying->project, replaying->target, replaying->variant, program);
        (void)printf("FAILED %s: %s\n  reproduce  %s %s\n", replaying->target->name,
                     status < 0 ? error.text : signature, path_shown(replaying->project, program),
                     path_shown(replaying->project, path));
    }
    return true;
}

/* All of a directory at once; one by one only where that fails, to say which. */
static void replay_directory(struct replaying *replaying, const char *directory) {
    char program[CUPEL__PATH_MAX];
    char log[CUPEL__PATH_MAX];
    int64_t count = cupel__store_count(directory);
    if (count == 0) {
        return;
    }
    path_work(replaying->project, replaying->target, "", log);
    (void)cupel_make_directories(log, NULL);
    const char *words[] = {path_engine(replaying->project, replaying->target, "fuzz", program), "-runs=0",
                           "-timeout=10", directory, NULL};
    if (replaying->target->has_libfuzzer &&
        cupel__program_run(words, settings_sanitizers(),
                           path_work(replaying->project, replaying->target, "replay.log", log), 600000, NULL) == 0) {
        replaying->replayed += (uint64_t)count;
    } else {
        (void)cupel__store_each(directory, replay_one, replaying, NULL);
    }
}

int verb_regress(const struct request *request) {
    uint64_t replayed = 0;
    uint64_t failed = 0;
    for (size_t i = 0; i < request->count; i++) {
        const struct target *target = request->targets[i];
        struct replaying replaying = {request->project, target, target->has_libfuzzer ? "fuzz" : "afl", 0, 0};
        char path[CUPEL__PATH_MAX];
        replay_directory(&replaying, path_fuzz(request->project, "regressions", target, path));
        replay_directory(&replaying, path_fuzz(request->project, "corpora", target, path));
        replayed += replaying.replayed;
        failed += replaying.failed;
        if (replaying.replayed == 0) {
            cupel_message("%s has no stored input", target->name);
        }
    }
    (void)printf("%llu inputs replayed on %zu targets, %llu failed\n", (unsigned long long)replayed, request->count,
                 (unsigned long long)failed);
    return failed > 0 ? CUPEL_FAILED : replayed == 0 ? CUPEL_NOTHING : CUPEL_OK;
}

static int lacks_libfuzzer(const struct target *target) {
    cupel_message("%s has no libFuzzer build; run: cmake --preset fuzz && cmake --build --preset fuzz", target->name);
    return CUPEL_LACKING;
}

static int minimise_corpus(const struct request *request, const struct target *target) {
    char stored[CUPEL__PATH_MAX];
    char scratch[CUPEL__PATH_MAX];
    char program[CUPEL__PATH_MAX];
    char log[CUPEL__PATH_MAX];
    struct cupel_error error;
    path_fuzz(request->project, "corpora", target, stored);
    int64_t before = cupel__store_count(stored);
    if (!target->has_libfuzzer) {
        return lacks_libfuzzer(target);
    }
    if (before == 0) {
        cupel_message("%s has no stored input", target->name);
        return CUPEL_NOTHING;
    }
    /* Beside the corpus, so that the exchange stays within one file system. */
    (void)snprintf(scratch, sizeof scratch, "%.4000s/fuzz/corpora/.%.80s.cmin", request->project->root, target->name);
    cupel__remove_tree(scratch);
    path_work(request->project, target, "", log);
    const char *words[] = {path_engine(request->project, target, "fuzz", program),
                           "-merge=1",
                           "-use_counters=0",
                           "-timeout=10",
                           scratch,
                           stored,
                           NULL};
    if (!cupel_make_directories(scratch, &error) || !cupel_make_directories(log, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    int status = cupel__program_run(words, settings_sanitizers(), path_work(request->project, target, "merge.log", log),
                                    600000, &error);
    int64_t after = cupel__store_count(scratch);
    if (status != 0 || after == 0 || renameat2(AT_FDCWD, scratch, AT_FDCWD, stored, RENAME_EXCHANGE) != 0) {
        cupel_message("%s: the merge ended with %d, the corpus is as it was; see %s", target->name, status,
                      path_shown(request->project, log));
        cupel__remove_tree(scratch);
        return CUPEL_FAILED;
    }
    cupel__remove_tree(scratch);
    (void)printf("%s: %lld inputs became %lld\n", target->name, (long long)before, (long long)after);
    return CUPEL_OK;
}

int verb_cmin(const struct request *request) {
    int worst = CUPEL_OK;
    for (size_t i = 0; i < request->count; i++) {
        int status = minimise_corpus(request, request->targets[i]);
        bool is_only_empty = status == CUPEL_NOTHING && request->count > 1;
        worst = status != CUPEL_OK && !is_only_empty ? status : worst;
    }
    return worst;
}

int verb_tmin(const struct request *request) {
    const struct target *target = request->targets[0];
    char signature[SIGNATURE_MAX];
    char smaller[CUPEL__PATH_MAX];
    char directory[CUPEL__PATH_MAX];
    char name[CUPEL_SHA1_TEXT];
    bool is_new;
    struct cupel_error error;
    if (!target->has_libfuzzer) {
        return lacks_libfuzzer(target);
    }
    if (access(request->file, R_OK) != 0) {
        cupel_message("%s: %s", request->file, strerror(errno));
        return CUPEL_USAGE;
    }
    int status = finding_replay(request->project, target, "fuzz", request->file, signature, &error);
    if (status <= 0) {
        cupel_message("%s %s", request->file, status < 0 ? error.text : "does not fail, so there is nothing to keep");
        return status < 0 ? CUPEL_INTERNAL : CUPEL_USAGE;
    }
    path_work(request->project, target, "smaller", smaller);
    if (!finding_minimise(request->project, target, request->file, signature, smaller, request->time_ms)) {
        (void)printf("%s is as small as it gets in this time: %s\n", request->file, signature);
        return CUPEL_OK;
    }
    if (!cupel__store_add_file(path_fuzz(request->project, "regressions", target, directory), smaller, name, &is_new,
                               &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    (void)printf("%s/%s: %s\n", path_shown(request->project, directory), name, signature);
    return CUPEL_OK;
}

int verb_fmt(const struct request *request) {
    const struct target *target = request->targets[0];
    if (access(request->file, R_OK) != 0) {
        cupel_message("%s: %s", request->file, strerror(errno));
        return CUPEL_USAGE;
    }
    struct cupel_error error;
    enum cupel_status status = finding_decode(request->project, target, request->file, stdout, &error);
    if (status != CUPEL_OK) {
        cupel_message("%s", error.text);
    }
    return (int)status;
}
