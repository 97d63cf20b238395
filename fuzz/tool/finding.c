/* See finding.h. */
#include "fuzz/tool/finding.h"

#include "alloc/base/outfile.h"
#include "fuzz/src/process.h"
#include "fuzz/tool/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPLAY_MS = 30000, PER_TARGET_MAX = 8 };

/* "file.c:12: text": a check that failed. */
static bool is_check(const char *line) {
    const char *colon = strstr(line, ".c:");
    if (colon == NULL) {
        colon = strstr(line, ".h:");
    }
    return colon != NULL && strspn(colon + 3, "0123456789") > 0 && colon[3 + strspn(colon + 3, "0123456789")] == ':' &&
           strchr(line, ' ') > colon;
}

/* The first failed check, else the sanitizer's summary without addresses. */
static void read_signature(const char *log, char signature[SIGNATURE_MAX]) {
    FILE *file = fopen(log, "r");
    char line[1024];
    signature[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *text = NULL;
        if (is_check(line) && strstr(line, "Test unit") == NULL) {
            text = line;
        } else if (strncmp(line, "SUMMARY: ", 9) == 0) {
            text = line + 9;
            char *address = strstr(line, " (/");
            if (address != NULL) {
                *address = '\0';
            }
        }
        if (text != NULL) {
            (void)snprintf(signature, SIGNATURE_MAX, "%.*s", SIGNATURE_MAX - 1, text);
            if (text == line) {
                break;
            }
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

int finding_replay(const struct project *project, const struct target *target, const char *variant, const char *input,
                   char signature[SIGNATURE_MAX], struct cupel_error *error) {
    char program[CUPEL__PATH_MAX];
    char log[CUPEL__PATH_MAX];
    path_work(project, target, "replay.log", log);
    path_work(project, target, "", program);
    signature[0] = '\0';
    if (!cupel_make_directories(program, error)) {
        return -1;
    }
    const char *words[] = {path_engine(project, target, variant, program), input, NULL, NULL};
    bool is_afl = strcmp(variant, "afl") == 0;
    if (!is_afl) {
        words[1] = "-timeout=10";
        words[2] = input;
    }
    int status = cupel__program_run(words, is_afl ? settings_afl() : settings_sanitizers(), log, REPLAY_MS, error);
    if (status > 0) {
        read_signature(log, signature);
        if (signature[0] == '\0') {
            (void)snprintf(signature, SIGNATURE_MAX, status == 124 ? "did not end within %d s" : "ended with status %d",
                           status == 124 ? REPLAY_MS / 1000 : status);
        }
    }
    return status;
}

/* The same failure: a check's text after its line may hold values, which differ. */
static bool is_same(const char *a, const char *b) {
    const char *colon = is_check(a) ? strchr(a, ' ') : NULL;
    return colon != NULL ? strncmp(a, b, (size_t)(colon - a)) == 0 : strcmp(a, b) == 0;
}

static const struct finding *find_same(const struct findings *findings, const struct target *target,
                                       const char *signature) {
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->list[i].target == target && is_same(findings->list[i].signature, signature)) {
            return &findings->list[i];
        }
    }
    return NULL;
}

bool finding_minimise(const struct project *project, const struct target *target, const char *input,
                      const char *signature, const char *smaller, int64_t milliseconds) {
    char program[CUPEL__PATH_MAX];
    char exact[CUPEL__PATH_MAX + 32];
    char time_word[48];
    char again[SIGNATURE_MAX];
    struct stat before;
    struct stat after;
    (void)unlink(smaller);
    (void)snprintf(exact, sizeof exact, "-exact_artifact_path=%s", smaller);
    (void)snprintf(time_word, sizeof time_word, "-max_total_time=%lld",
                   (long long)(milliseconds < 1000 ? 1 : milliseconds / 1000));
    const char *words[] = {path_engine(project, target, "fuzz", program),
                           "-minimize_crash=1",
                           time_word,
                           exact,
                           "-timeout=10",
                           input,
                           NULL};
    (void)cupel__program_run(words, settings_sanitizers(), NULL, milliseconds + 20000, NULL);
    return stat(smaller, &after) == 0 && stat(input, &before) == 0 && after.st_size < before.st_size &&
           finding_replay(project, target, "fuzz", smaller, again, NULL) > 0 && is_same(signature, again);
}

struct collection {
    struct findings *findings;
    const struct project *project;
    const struct target *target;
    int64_t minimise_ms;
    size_t taken;
    bool is_stored; /* the inputs come from fuzz/regressions */
};

static void add(struct collection *collection, const char *path, const char *variant, const char *signature) {
    struct findings *findings = collection->findings;
    struct finding *finding = &findings->list[findings->count];
    const struct target *target = collection->target;
    char directory[CUPEL__PATH_MAX];
    char smaller[CUPEL__PATH_MAX];
    char name[CUPEL_SHA1_TEXT] = "";
    bool is_new = false;
    struct cupel_error error;
    struct stat info;
    *finding = (struct finding){.target = target, .variant = variant, .is_known = collection->is_stored};
    (void)snprintf(finding->signature, sizeof finding->signature, "%s", signature);
    (void)snprintf(finding->path, sizeof finding->path, "%s", path);
    if (!collection->is_stored) {
        path_fuzz(collection->project, "regressions", target, directory);
        path_work(collection->project, target, "smaller", smaller);
        bool is_smaller =
            variant != NULL && strcmp(variant, "fuzz") == 0 && collection->minimise_ms > 0 &&
            finding_minimise(collection->project, target, path, signature, smaller, collection->minimise_ms);
        if (!cupel__store_add_file(directory, is_smaller ? smaller : path, name, &is_new, &error)) {
            cupel_message("%s; the input stays in %s", error.text, path);
        } else {
            (void)snprintf(finding->path, sizeof finding->path, "%.4000s/%s", directory, name);
            (void)unlink(path);
        }
        (void)unlink(smaller);
    }
    finding->length = stat(finding->path, &info) == 0 ? (size_t)info.st_size : 0;
    findings->count++;
}

static bool collect_one(void *user, const char *path, const char *name) {
    struct collection *collection = user;
    char signature[SIGNATURE_MAX] = "";
    const char *variant = NULL;
    if (strcmp(name, "README.txt") == 0 || strncmp(name, "slow-unit-", 10) == 0) {
        return true;
    }
    if (collection->findings->count == FINDINGS_MAX || collection->taken == PER_TARGET_MAX) {
        return false;
    }
    if (collection->target->has_libfuzzer &&
        finding_replay(collection->project, collection->target, "fuzz", path, signature, NULL) > 0) {
        variant = "fuzz";
    } else if (collection->target->has_afl &&
               finding_replay(collection->project, collection->target, "afl", path, signature, NULL) > 0) {
        variant = "afl";
    } else if (collection->is_stored) {
        return true; /* what once failed is mended */
    } else {
        (void)snprintf(signature, sizeof signature, "failed once, and not again");
    }
    if (!collection->is_stored && find_same(collection->findings, collection->target, signature) != NULL) {
        collection->findings->doubles++;
        (void)unlink(path);
        return true;
    }
    add(collection, path, variant, signature);
    collection->taken += !collection->is_stored;
    return true;
}

void findings_collect(struct findings *findings, const struct project *project, const struct target *target,
                      int64_t minimise_ms) {
    struct collection collection = {findings, project, target, minimise_ms, 0, false};
    char path[CUPEL__PATH_MAX];
    (void)cupel__store_each(path_work(project, target, "artifacts", path), collect_one, &collection, NULL);
    (void)cupel__store_each(path_work(project, target, "afl/main/crashes", path), collect_one, &collection, NULL);
}

int64_t findings_replay_stored(struct findings *findings, const struct project *project, const struct target *target) {
    struct collection collection = {findings, project, target, 0, 0, true};
    char path[CUPEL__PATH_MAX];
    return cupel__store_each(path_fuzz(project, "regressions", target, path), collect_one, &collection, NULL);
}

struct decoding {
    const struct project *project;
    const struct target *target;
    const char *input;
    const char *output;
    enum cupel_status status; /* CUPEL_LACKING until a program has decoded it */
    struct cupel_error *error;
};

static bool try_program(void *user, const char *path, const char *name) {
    struct decoding *decoding = user;
    (void)name;
    char decode_word[TARGET_NAME_MAX + 16];
    (void)snprintf(decode_word, sizeof decode_word, "--decode=%s", decoding->target->property);
    const char *words[] = {path, decode_word, decoding->input, NULL};
    if (access(path, X_OK) == 0) {
        int status = cupel__program_run(words, NULL, decoding->output, REPLAY_MS, decoding->error);
        if (status <= 0) {
            decoding->status = status == 0 ? CUPEL_OK : CUPEL_OUTPUT;
        }
    }
    return decoding->status == CUPEL_LACKING;
}

enum cupel_status finding_decode(const struct project *project, const struct target *target, const char *input,
                                 FILE *out, struct cupel_error *error) {
    char folder[CUPEL__PATH_MAX];
    char programs[CUPEL__PATH_MAX];
    char output[CUPEL__PATH_MAX];
    struct decoding decoding = {project,       target, input, path_work(project, target, "decoded", output),
                                CUPEL_LACKING, error};
    if (target->property[0] != '\0') {
        if (!cupel_make_directories(path_work(project, target, "", folder), error)) {
            return CUPEL_OUTPUT;
        }
        (void)snprintf(programs, sizeof programs, "%s/dev/bin/tests", project->build);
        (void)cupel__store_each(programs, try_program, &decoding, NULL);
    }
    if (decoding.status == CUPEL_LACKING) {
        (void)cupel_error_set(error, 0, 0,
                              "no test program in %s/dev/bin/tests decodes %s; build it: cmake --preset dev && "
                              "cmake --build --preset dev",
                              path_shown(project, project->build), target->name);
    }
    FILE *file = decoding.status == CUPEL_OK ? fopen(output, "r") : NULL;
    char line[1024];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)fprintf(out, "    %s", line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)unlink(output);
    return decoding.status;
}

void finding_print(const struct finding *finding, const struct project *project, FILE *out) {
    const char *input = path_shown(project, finding->path);
    (void)fprintf(out, "\nFINDING %s: %s%s\n", finding->target->name, finding->signature,
                  finding->is_known ? " (stored before, still fails)" : "");
    (void)fprintf(out, "  input      %s (%zu bytes)\n", input, finding->length);
    if (finding->target->source[0] != '\0') {
        (void)fprintf(out, "  property   %s, %s:%u\n", finding->target->property, finding->target->source,
                      finding->target->line);
        (void)fprintf(out, "  decoded\n");
        struct cupel_error error;
        if (finding_decode(project, finding->target, finding->path, out, &error) != CUPEL_OK) {
            (void)fprintf(out, "    (%s)\n", error.text);
        }
    }
    if (finding->variant != NULL) {
        char program[CUPEL__PATH_MAX];
        path_engine(project, finding->target, finding->variant, program);
        (void)fprintf(out, "  reproduce  %s %s\n", path_shown(project, program), input);
    }
    (void)fprintf(out, "  minimise   cupel fuzz tmin %s %s\n", finding->target->name, input);
}
