/* cupel VERB ...: becomes the program cupel-VERB that stands beside it, or else in PATH. It knows the verbs' names and
 * one sentence each, and nothing of what they do. */
#include "alloc/base/message.h"
#include "alloc/base/nearest.h"
#include "alloc/base/options.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct verb {
    const char *name;
    const char *sentence;
} verbs[] = {
    {"init", "Writes a working start into an empty directory, or adds tests to a CMake project."},
    {"test", "Runs test programs: select, repeat, shuffle, shard, isolate, sweep, wrap, report."},
    {"fuzz", "Fuzzes properties with every engine; keeps corpora, triages and minimises findings."},
    {"cover", "Captures coverage, reports it, holds it against limits, shows it in editors."},
    {"guard", "Runs any program under the debug allocator, with no recompilation."},
    {"starve", "Runs any program with each of its allocations failing in turn, with no recompilation."},
    {"alloc", "alloc check LIB.so: conformance, fuzzing and failure report for anybody's malloc."},
    {"vm", "Runs, assembles, disassembles and verifies programs of the virtual machine."},
    {"doctor", "Says what this machine can and cannot do, each lack with the command that mends it."},
};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static const struct cupel_option options[] = {{.name = NULL}};
static const struct cupel_program program = {
    .name = "cupel",
    .synopsis = "VERB [ARGUMENT ...]",
    .sentence = "Repeats C code, starves it of memory, fuzzes it, and shows line by line what survived.",
    .options = options,
};

/* The path of cupel-VERB in the directory of this program; false where that directory is not known. */
static bool path_beside(const char *verb, char *path, size_t size) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    int written = snprintf(path, size, "%s/cupel-%s", self, verb);
    return written > 0 && (size_t)written < size;
}

static bool is_in_path(const char *verb) {
    const char *directory = getenv("PATH");
    while (directory != NULL && *directory != '\0') {
        size_t length = strcspn(directory, ":");
        char path[PATH_MAX];
        int written = snprintf(path, sizeof path, "%.*s/cupel-%s", (int)length, directory, verb);
        if (written > 0 && (size_t)written < sizeof path && access(path, X_OK) == 0) {
            return true;
        }
        directory += length + (directory[length] == ':');
    }
    return false;
}

static bool is_found(const char *verb) {
    char path[PATH_MAX];
    return (path_beside(verb, path, sizeof path) && access(path, X_OK) == 0) || is_in_path(verb);
}

static const struct verb *find_verb(const char *name) {
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void print_verbs(bool are_found, const char *heading, FILE *out) {
    bool is_first = true;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (is_found(verbs[i].name) == are_found) {
            (void)fprintf(out, "%s  %-8s %s\n", is_first ? heading : "", verbs[i].name, verbs[i].sentence);
            is_first = false;
        }
    }
}

static void print_help(FILE *out) {
    cupel_options_help(&program, out);
    print_verbs(true, "\nVerbs (cupel VERB --help tells more):\n", out);
    print_verbs(false, "\nNot built here:\n", out);
}

static int check_output(void) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cupel_message("could not write to standard output: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    return CUPEL_OK;
}

/* What was asked of `cupel` itself: `word` begins with a dash. */
static int run_flag(char *self, char *word) {
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return check_output();
    }
    if (strcmp(word, "--help=complete") == 0) {
        for (size_t i = 0; i < VERB_COUNT; i++) {
            (void)printf("%s\t%s\n", verbs[i].name, verbs[i].sentence);
        }
    }
    char *argv[] = {self, word, NULL};
    struct cupel_arguments arguments;
    int status = cupel_options_begin(&program, 2, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    cupel_message("a verb is missing (cupel --help lists all)");
    return CUPEL_USAGE;
}

/* There is no program for the verb: is it a slip of the hand, or was it not built? */
static int explain_missing(const char *verb) {
    if (find_verb(verb) != NULL) {
        cupel_message("this build has no 'cupel-%s', neither beside 'cupel' nor in PATH; 'cupel --help' lists what is "
                      "there, 'cupel doctor' what the build lacks",
                      verb);
        return CUPEL_LACKING;
    }
    struct cupel_nearest nearest;
    cupel_nearest_init(&nearest, verb);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        cupel_nearest_offer(&nearest, verbs[i].name);
    }
    if (nearest.best != NULL) {
        cupel_message("unknown verb '%.100s'; did you mean '%s'?", verb, nearest.best);
    } else {
        cupel_message("unknown verb '%.100s' (cupel --help lists all)", verb);
    }
    return CUPEL_USAGE;
}

/* Becomes cupel-VERB; argv[0] is replaced by its path. Returns only where that failed. */
static int run_verb(char *verb, char **argv) {
    char path[PATH_MAX];
    bool is_name = strlen(verb) < 100 && strspn(verb, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(verb);
    if (!is_name) {
        return explain_missing(verb);
    }
    if (path_beside(verb, path, sizeof path)) {
        argv[0] = path;
        (void)execv(path, argv);
        if (errno != ENOENT) {
            cupel_message("could not start '%s': %s", path, strerror(errno));
            return CUPEL_LACKING;
        }
    }
    (void)snprintf(path, sizeof path, "cupel-%s", verb);
    argv[0] = path;
    (void)execvp(path, argv);
    if (errno != ENOENT && is_in_path(verb)) {
        cupel_message("could not start '%s': %s", path, strerror(errno));
        return CUPEL_LACKING;
    }
    return explain_missing(verb);
}

int main(int argc, char **argv) {
    cupel_message_program("cupel");
    if (argc < 2 || argv[1][0] == '\0') {
        print_help(stderr);
        return CUPEL_USAGE;
    }
    if (argv[1][0] == '-') {
        return run_flag(argv[0], argv[1]);
    }
    if (strcmp(argv[1], "help") == 0) {
        static char help[] = "--help";
        char *asked[] = {argv[0], help, NULL};
        return argc > 2 ? run_verb(argv[2], asked) : run_flag(argv[0], help);
    }
    return run_verb(argv[1], argv + 1);
}
