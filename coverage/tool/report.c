/* `cupel cover report` and `cupel cover show`: what people and editors read. */
#include "coverage/report.h"

#include "alloc/base/message.h"
#include "alloc/libc.h"
#include "coverage/tool/tool.h"
#include "coverage/tracefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct settings {
    const char *data, *output, *genhtml, *root;
    bool html, texts, no_stars, is_relative, is_quiet;
    int64_t dialect;
};

struct tracefile {
    const struct cupel_coverage *coverage;
    struct cupel_tracefile_options options;
};

static void write_tracefile(const void *user, FILE *stream) {
    const struct tracefile *tracefile = user;
    cupel_tracefile_write(tracefile->coverage, &tracefile->options, stream);
}

static void write_places(const void *coverage, FILE *stream) {
    cupel_report_places(coverage, stream);
}

/* Columns of the terminal, or 0 where it is none. */
static unsigned terminal_width(void) {
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* output/name; false, with a message, where it does not fit. */
static bool name_output(const struct settings *set, const char *name, char path[CUPEL_COVER_PATH_MAX]) {
    int length = snprintf(path, CUPEL_COVER_PATH_MAX, "%s/%s", set->output, name);
    if (length < 0 || length >= CUPEL_COVER_PATH_MAX - 64) {
        cupel_message("%s: too long a path", set->output);
        return false;
    }
    return true;
}

static enum cupel_status write_texts(const struct settings *set, const struct cupel_coverage *coverage) {
    char path[CUPEL_COVER_PATH_MAX];
    struct cupel_error error = {0};
    size_t left_out = 0;
    if (!name_output(set, "gcov", path)) {
        return CUPEL_USAGE;
    }
    enum cupel_status status = cupel_report_texts(coverage, path, set->no_stars, &left_out, &error);
    if (status != CUPEL_OK) {
        cupel_message("%s", error.text);
    } else if (left_out > 0) {
        cupel_message("%zu sources cannot be read below %s and have no .gcov text", left_out, coverage->root);
    }
    return status;
}

static enum cupel_status write_html(const struct settings *set, const struct cupel_coverage *coverage,
                                    const char *tracefile) {
    char path[CUPEL_COVER_PATH_MAX];
    struct cupel_error error = {0};
    if (!name_output(set, "html", path)) {
        return CUPEL_USAGE;
    }
    enum cupel_status status = cupel_report_html(coverage, set->genhtml, tracefile, path, &error);
    if (status != CUPEL_OK) {
        cupel_message("%s", error.text);
    }
    return status;
}

static enum cupel_status write_all(const struct settings *set, const struct cupel_coverage *coverage) {
    char lcov[CUPEL_COVER_PATH_MAX];
    char places[CUPEL_COVER_PATH_MAX];
    if (!name_output(set, "lcov.info", lcov) || !name_output(set, "quickfix.txt", places)) {
        return CUPEL_USAGE;
    }
    struct tracefile tracefile = {coverage, {.dialect = (int)set->dialect}};
    tracefile.options.root = set->is_relative || coverage->root[0] == '\0' ? NULL : coverage->root;
    enum cupel_status status = cupel__cover_save(lcov, write_tracefile, &tracefile);
    if (status == CUPEL_OK) {
        status = cupel__cover_save(places, write_places, coverage);
    }
    if (status == CUPEL_OK && set->texts) {
        status = write_texts(set, coverage);
    }
    if (status == CUPEL_OK && set->html) {
        status = write_html(set, coverage, lcov);
    }
    return status;
}

static struct settings settings = {.data = CUPEL__COVER_DEFAULT_DATA,
                                   .genhtml = "genhtml",
                                   .html = true,
                                   .texts = true,
                                   .output = "build/coverage",
                                   .dialect = 1};

static const struct cupel_option report_table[] = {
    {.name = "output",
     .letter = 'o',
     .kind = CUPEL_OPTION_TEXT,
     .value = &settings.output,
     .parameter = "DIR",
     .sentence = "where to write lcov.info, quickfix.txt, gcov/ and html/; default build/coverage"},
    {.name = "html",
     .kind = CUPEL_OPTION_FLAG,
     .value = &settings.html,
     .sentence = "write HTML with genhtml; --no-html leaves it out"},
    {.name = "texts",
     .kind = CUPEL_OPTION_FLAG,
     .value = &settings.texts,
     .sentence = "write .gcov texts; --no-texts leaves them out"},
    {.name = "gcov-compat",
     .kind = CUPEL_OPTION_FLAG,
     .value = &settings.no_stars,
     .sentence = "no star at lines that ran in part, which some readers of .gcov trip over"},
    {.name = "relative",
     .kind = CUPEL_OPTION_FLAG,
     .value = &settings.is_relative,
     .sentence = "paths in lcov.info relative to the root, for a report that travels"},
    {.name = "dialect",
     .kind = CUPEL_OPTION_INT,
     .value = &settings.dialect,
     .parameter = "N",
     .min = 1,
     .max = 2,
     .sentence = "of lcov.info: 1 for lcov 1.x (default, what editors read), 2 for lcov 2.2 and later"},
    {.name = "html-tool",
     .kind = CUPEL_OPTION_TEXT,
     .value = &settings.genhtml,
     .parameter = "PROGRAM",
     .sentence = "the genhtml to run; default genhtml"},
    {.name = "root",
     .kind = CUPEL_OPTION_TEXT,
     .value = &settings.root,
     .parameter = "DIR",
     .sentence = "of the sources; default: what cupel.json says"},
    {.name = "quiet", .letter = 'q', .kind = CUPEL_OPTION_FLAG, .value = &settings.is_quiet, .sentence = "no table"},
    {.name = NULL}};

int cupel__cover_report(int argc, char **argv) {
    const struct cupel_program program = {.name = "cupel cover report",
                                          .synopsis = "[OPTION ...] [FILE]",
                                          .sentence = "Writes reports from cupel.json, or from a tracefile.",
                                          .options = report_table};
    struct cupel_arguments arguments;
    int begun = cupel__cover_begin(&program, 1, argc, argv, &arguments);
    if (begun >= 0) {
        return begun;
    }
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, cupel_libc());
    const char *data = arguments.count == 1 ? arguments.words[0] : settings.data;
    enum cupel_status status = cupel__cover_load(&coverage, data, settings.root);
    if (status == CUPEL_OK) {
        status = write_all(&settings, &coverage);
    }
    if (status == CUPEL_OK && !settings.is_quiet) {
        cupel_report_table(&coverage, terminal_width(), stdout);
    }
    cupel_coverage_deinit(&coverage);
    return (int)status;
}

/* The files whose path ends in a word, at a slash. */
static enum cupel_status show_file(const struct cupel_coverage *coverage, const char *word) {
    struct cupel_report_text_options options = {.classes = true};
    bool is_found = false;
    for (size_t i = 0; i < coverage->file_count; i++) {
        const char *path = coverage->files[i]->path;
        size_t length = strlen(path);
        size_t wanted = strlen(word);
        if (length < wanted || strcmp(path + length - wanted, word) != 0 ||
            (length > wanted && path[length - wanted - 1] != '/')) {
            continue;
        }
        struct cupel_error error = {0};
        is_found = true;
        (void)printf("%s\n", path);
        if (!cupel_report_text(coverage, coverage->files[i], &options, stdout, &error)) {
            cupel_message("%s", error.text);
            return CUPEL_USAGE;
        }
    }
    if (!is_found) {
        cupel_message("%s: no such source was captured", word);
    }
    return is_found ? CUPEL_OK : CUPEL_NOTHING;
}

int cupel__cover_show(int argc, char **argv) {
    const char *data = CUPEL__COVER_DEFAULT_DATA;
    const char *root = NULL;
    bool is_uncovered = false;
    const struct cupel_option table[] = {{.name = "data",
                                          .kind = CUPEL_OPTION_TEXT,
                                          .value = &data,
                                          .parameter = "FILE",
                                          .sentence = "cupel.json or a tracefile; default " CUPEL__COVER_DEFAULT_DATA},
                                         {.name = "root",
                                          .kind = CUPEL_OPTION_TEXT,
                                          .value = &root,
                                          .parameter = "DIR",
                                          .sentence = "of the sources; default: what cupel.json says"},
                                         {.name = "uncovered",
                                          .kind = CUPEL_OPTION_FLAG,
                                          .value = &is_uncovered,
                                          .sentence = "print file:line: for all that was not reached"},
                                         {.name = NULL}};
    const struct cupel_program program = {
        .name = "cupel cover show",
        .synopsis = "[OPTION ...] [SOURCE ...]",
        .sentence = "Prints the table, or sources with how each line was reached: u unit test, p property, z fuzzing, "
                    "f injected fault, c crash, x excluded.",
        .options = table};
    struct cupel_arguments arguments;
    int begun = cupel_options_begin(&program, argc, argv, &arguments);
    if (begun >= 0) {
        return begun;
    }
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, cupel_libc());
    enum cupel_status status = cupel__cover_load(&coverage, data, root);
    if (status == CUPEL_OK && is_uncovered) {
        cupel_report_places(&coverage, stdout);
    } else if (status == CUPEL_OK && arguments.count == 0) {
        cupel_report_table(&coverage, terminal_width(), stdout);
    }
    for (int i = 0; i < arguments.count && status == CUPEL_OK && !is_uncovered; i++) {
        status = show_file(&coverage, arguments.words[i]);
    }
    cupel_coverage_deinit(&coverage);
    return (int)status;
}
