/* `cupel cover`: chooses the verb. */
#include "alloc/base/message.h"
#include "alloc/base/outfile.h"
#include "coverage/store.h"
#include "coverage/tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *sentence;
} verbs[] = {
    {"capture", cupel__cover_capture, "reads the counters of a build's runs into build/coverage/cupel.json"},
    {"merge", cupel__cover_merge, "unites several cupel.json and tracefiles"},
    {"report", cupel__cover_report, "writes lcov.info, HTML, .gcov texts and a list of places; prints the table"},
    {"show", cupel__cover_show, "prints the table, or sources with counts and classes"},
    {"gate", cupel__cover_gate, "holds coverage against coverage/gates.conf"},
    {"doctor", cupel__cover_doctor, "says what of compiler, gcov and lcov is here and fits"},
};

static void print_help(FILE *out) {
    (void)fprintf(out, "usage: cupel cover VERB [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        (void)fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].sentence);
    }
    (void)fprintf(out, "\n`cupel cover VERB --help` says more; `cupel cover --help` all of it.\n");
}

/* The help of every verb. */
static void print_all_help(void) {
    print_help(stdout);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char name[16];
        char help[] = "--help";
        (void)snprintf(name, sizeof name, "%s", verbs[i].name);
        char *words[] = {name, help, NULL};
        (void)printf("\n");
        (void)verbs[i].run(2, words);
    }
}

int cupel__cover_begin(const struct cupel_program *program, int most, int argc, char **argv,
                       struct cupel_arguments *arguments) {
    int status = cupel_options_begin(program, argc, argv, arguments);
    if (status < 0 && arguments->count > most) {
        cupel_message("unexpected word '%s'", arguments->words[most]);
        return CUPEL_USAGE;
    }
    return status;
}

enum cupel_status cupel__cover_load(struct cupel_coverage *coverage, const char *path, const char *root) {
    struct cupel_error error = {0};
    if (root != NULL && !cupel_coverage_set_root(coverage, root)) {
        cupel_message("%s: too long a path", root);
        return CUPEL_USAGE;
    }
    enum cupel_status status = cupel_store_read(coverage, path, &error);
    if (status == CUPEL_NOTHING) {
        cupel_message("%s: %s: run `cupel cover capture` first", path, error.text);
    } else if (status != CUPEL_OK) {
        cupel_message_at(path, &error);
    }
    return status;
}

enum cupel_status cupel__cover_save(const char *path, void (*write)(const void *user, FILE *stream), const void *user) {
    struct cupel_outfile file;
    struct cupel_error error = {0};
    bool is_open = cupel_outfile_open(&file, path, &error);
    if (is_open) {
        write(user, file.stream);
    }
    if (!is_open || !cupel_outfile_commit(&file, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    return CUPEL_OK;
}

int cupel__cover_end(int status) {
    bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!is_written && (status == CUPEL_OK || status == CUPEL_GATE)) {
        cupel_message("standard output cannot be written: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    return status;
}

int main(int argc, char **argv) {
    cupel_message_program("cupel cover");
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_all_help();
        return cupel__cover_end(CUPEL_OK);
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("cupel cover %s\n", cupel_version());
        return cupel__cover_end(CUPEL_OK);
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(word, verbs[i].name) == 0) {
            return cupel__cover_end(verbs[i].run(argc - 1, argv + 1));
        }
    }
    if (argc > 1) {
        cupel_message("column 1: unknown verb '%s'", word);
    }
    print_help(stderr);
    return CUPEL_USAGE;
}
