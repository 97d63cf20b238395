/* The engine within a test program: see fuzz_run.h. Both engines come with the same function, LLVMFuzzerRunDriver:
 * libFuzzer's is in the runtime that has no main, AFL++'s in its driver, whose main is weak. Where neither is linked,
 * the reference stays empty. */
#include "harness/src/fuzz_run.h"

#include "harness/src/fuzz_target.h"
#include "harness/src/select.h"
#include "harness/src/settings.h"

#include "alloc/base/message.h"
#include "alloc/base/outfile.h"
#include "alloc/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INHERITED "CUPEL_FUZZ_PROPERTY"
#define ARTIFACTS "build/reports/failures/"

enum { WORDS_MAX = 512, PATHS_MAX = 4096 };

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *data, size_t size)) __attribute__((weak));
/* AFL++'s runtime has this, and libFuzzer's not. */
extern unsigned char *__afl_area_ptr __attribute__((weak)); // NOLINT(bugprone-reserved-identifier)

static const struct cupel_test *property;

/* What the engine is called with. */
static struct {
    char *words[WORDS_MAX + 1];
    int count;
} line;

static int one_input(const uint8_t *data, size_t size) {
    return cupel__fuzz_one(property, data, size);
}

const char *cupel__fuzz_inherited(int argc, char **argv) {
    const char *title = getenv(INHERITED);
    if (title == NULL || LLVMFuzzerRunDriver == NULL || argc < 2) {
        return NULL;
    }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            return NULL; /* no engine speaks so: a body started this program as a test program */
        }
    }
    return title;
}

/* Words are constant by contract and not by type: engines permute the array and no more. */
static void add(const char *word) {
    if (line.count < WORDS_MAX) {
        line.words[line.count++] = (char *)(uintptr_t)word;
    }
}

/* `path` = fuzz_root/KIND/NAME; false where it is not there. */
static bool find_beside(const char *kind, const char *name, const char *end, char *path, size_t size) {
    int length = snprintf(path, size, "%s/%s/%s%s", property->fuzz_root, kind, name, end);
    return property->fuzz_root != NULL && length < (int)size && access(path, R_OK) == 0;
}

/* Where nothing is named: what a campaign of `cupel fuzz` works in, and what is stored. */
static bool add_directories(const char *target, struct cupel_error *error) {
    static char own[PATHS_MAX];
    static char stored[PATHS_MAX];
    (void)snprintf(own, sizeof own, "build/fuzzing/%s/inputs", target);
    if (!cupel_make_directories(own, error)) {
        return false;
    }
    add(own);
    if (find_beside("corpora", target, "", stored, sizeof stored)) {
        add(stored);
    }
    return true;
}

/* Our defaults for libFuzzer: its findings end with our status, and lie where other failing inputs do. */
static bool add_defaults(const char *target, struct cupel_error *error) {
    static char dictionary[PATHS_MAX + 8] = "-dict=";
    const char *named = property->options.dictionary;
    size_t prefix = strlen("-dict=");
    add("-error_exitcode=1");
    add("-timeout_exitcode=1");
    add("-timeout=10");
    add("-artifact_prefix=" ARTIFACTS);
    if (find_beside("dictionaries", named != NULL ? named : target, named != NULL ? "" : ".dict", dictionary + prefix,
                    sizeof dictionary - prefix)) {
        add(dictionary);
    }
    return cupel_make_directories(ARTIFACTS, error);
}

/* The tree that the property is from has presets, or is somebody's project. */
static int tell_lack(const char *title) {
    char path[PATHS_MAX];
    const char *root = property->fuzz_root != NULL ? property->fuzz_root : ".";
    (void)snprintf(path, sizeof path, "%s/../CMakePresets.json", root);
    const char *program = strrchr(cupel__settings.program, '/');
    program = program == NULL ? cupel__settings.program : program + 1;
    if (access(path, R_OK) == 0) {
        cupel_message("no fuzzing engine is linked into this program; this one has it:\n"
                      "    cmake --preset fuzz && cmake --build --preset fuzz && build/fuzz/bin/tests/%s --fuzz=%s",
                      program, title);
    } else {
        cupel_message("no fuzzing engine is linked into this program; this one has it:\n"
                      "    CFLAGS='-g -O1 -fsanitize=fuzzer-no-link,address' cmake -B build/fuzz "
                      "-DCMAKE_C_COMPILER=clang -DCUPEL_ENGINE=-fsanitize=fuzzer,address &&\n"
                      "    cmake --build build/fuzz && build/fuzz/bin/tests/%s --fuzz=%s",
                      program, title);
    }
    return CUPEL_LACKING;
}

static int run_engine(void) {
    int argc = line.count;
    char **argv = line.words;
    line.words[line.count] = NULL;
    fflush(NULL);
    (void)cupel__fuzz_initialize(property, &argc, &argv);
    int status = LLVMFuzzerRunDriver(&argc, &argv, one_input);
    return status == 0 ? CUPEL_OK : CUPEL_FAILED;
}

int cupel__fuzz_main(const char *title, const char **words, int word_count, const char **rest, int rest_count) {
    struct cupel_error error;
    char target[256];
    property = cupel__property_named(title);
    if (property == NULL) {
        cupel_message("this program has no property '%s'; --list shows what it has", title);
        return CUPEL_USAGE;
    }
    if (LLVMFuzzerRunDriver == NULL) {
        return tell_lack(title);
    }
    if (word_count + rest_count > WORDS_MAX - 16) {
        cupel_message("--fuzz: more than %d words", WORDS_MAX - 16);
        return CUPEL_USAGE;
    }
    bool is_afl = &__afl_area_ptr != NULL;
    bool is_inherited = getenv(INHERITED) != NULL;
    (void)snprintf(target, sizeof target, "%s_%s", property->suite, property->name);
    add(cupel__settings.program);
    if (!is_afl && !is_inherited &&
        (!add_defaults(target, &error) || (word_count == 0 && !add_directories(target, &error)))) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    for (int i = 0; i < rest_count; i++) {
        add(rest[i]);
    }
    for (int i = 0; i < word_count; i++) {
        add(words[i]);
    }
    (void)setenv(INHERITED, title, 1);
    return run_engine();
}
