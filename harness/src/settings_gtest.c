/* The words of GoogleTest: see settings_gtest.h. */
#include "harness/src/settings_gtest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ENVIRONMENT_WORDS_MAX = 16, WORD_MAX_BYTES = 8192, ISOLATE_WORKER = 0, ISOLATE_NONE = 2 };

static const char *colour;
static bool is_brief;
static bool prints_time;
static bool catches_crashes;
static bool throws;
static bool fails_if_empty;
static int64_t seed;
static bool ignored; /* accepted, without effect */
static const char *ignored_text;

static const struct cupel_option rows[] = {
    {.kind = CUPEL_OPTION_HEADING, .sentence = "GoogleTest's own words"},
    {.name = "gtest_list_tests",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.list_gtest,
     .sentence = "List in GoogleTest's format; with --gtest_output into that file too."},
    {.name = "gtest_output",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.gtest_output,
     .parameter = "xml|json[:FILE]",
     .sentence = "Also write GoogleTest's XML or JSON; to test_detail.xml or .json where no file is named."},
    {.name = "gtest_random_seed",
     .kind = CUPEL_OPTION_INT,
     .value = &seed,
     .parameter = "N",
     .sentence = "As --seed; 0 is a new one.",
     .min = 0,
     .max = INT64_MAX},
    {.name = "gtest_color",
     .kind = CUPEL_OPTION_TEXT,
     .value = &colour,
     .parameter = "WHEN",
     .sentence = "As --colour."},
    {.name = "gtest_brief", .kind = CUPEL_OPTION_FLAG, .value = &is_brief, .sentence = "Only failures and the totals."},
    {.name = "gtest_print_time",
     .kind = CUPEL_OPTION_FLAG,
     .value = &prints_time,
     .sentence = "Times of tests in the text (default)."},
    {.name = "gtest_fail_if_no_test_selected",
     .kind = CUPEL_OPTION_FLAG,
     .value = &fails_if_empty,
     .sentence = "An empty selection is an error (default); GoogleTest's own default is =0."},
    {.name = "gtest_throw_on_failure", .kind = CUPEL_OPTION_FLAG, .value = &throws, .sentence = "As --fail-fast."},
    {.name = "gtest_catch_exceptions",
     .kind = CUPEL_OPTION_FLAG,
     .value = &catches_crashes,
     .sentence = "A crash costs a worker (default); =0: as --isolate=none, so that a debugger sees it."},
    {.name = "gtest_death_test_style",
     .kind = CUPEL_OPTION_TEXT,
     .value = &ignored_text,
     .parameter = "STYLE",
     .sentence = "Without effect, as --gtest_stack_trace_depth.",
     .alias = "gtest_stack_trace_depth"},
    {.name = "gtest_print_utf8",
     .kind = CUPEL_OPTION_FLAG,
     .value = &ignored,
     .sentence = "Without effect, as --gtest_recreate_environments_when_repeating.",
     .alias = "gtest_recreate_environments_when_repeating"},
    {.name = "gtest_install_failure_signal_handler",
     .kind = CUPEL_OPTION_FLAG,
     .value = &ignored,
     .sentence = "Without effect."},
};

size_t cupel__gtest_append(struct cupel_option *to, size_t capacity) {
    size_t count = sizeof rows / sizeof rows[0];
    assert(count <= capacity);
    (void)capacity;
    memcpy(to, rows, sizeof rows);
    return count;
}

/* Flags that GoogleTest takes from variables too. */
static const char *const variables[] = {"GTEST_FILTER",
                                        "GTEST_ALSO_RUN_DISABLED_TESTS",
                                        "GTEST_REPEAT",
                                        "GTEST_SHUFFLE",
                                        "GTEST_RANDOM_SEED",
                                        "GTEST_FAIL_FAST",
                                        "GTEST_BRIEF",
                                        "GTEST_PRINT_TIME",
                                        "GTEST_BREAK_ON_FAILURE",
                                        "GTEST_CATCH_EXCEPTIONS",
                                        "GTEST_THROW_ON_FAILURE"};

static char environment[WORD_MAX_BYTES];

bool cupel__gtest_environment(const struct cupel_program *table, struct cupel_error *error) {
    char *words[ENVIRONMENT_WORDS_MAX + 2] = {(char *)(uintptr_t) "environment"};
    int count = 1;
    size_t used = 0;
    prints_time = catches_crashes = fails_if_empty = true;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        size_t length = strlen(variables[i]) + strlen(value) + sizeof "--=";
        if (length > sizeof environment - used) {
            return cupel_error_set(error, 0, 0, "%s: the value is too long", variables[i]);
        }
        char *word = environment + used;
        (void)snprintf(word, length, "--%s=%s", variables[i], value);
        for (char *at = word + 2; *at != '='; at++) {
            *at = (char)(*at == '_' ? '_' : *at - 'A' + 'a');
        }
        used += length;
        words[count++] = word;
    }
    struct cupel_arguments arguments;
    bool is_good = cupel_options_parse(table, count, words, &arguments, error);
    if (!is_good && error != NULL) {
        error->column = 0; /* no word of the command line */
    }
    return is_good;
}

/* A debugger that started this program sees nothing of a worker. */
static bool is_traced(void) {
    char line[256];
    int tracer = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && tracer == 0 && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "TracerPid: %d", &tracer); /* NOLINT(cert-err34-c): a number of the kernel */
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return tracer != 0;
}

static int colour_of(const char *when) {
    static const char *const yes[] = {"yes", "true", "t", "1"};
    if (strcasecmp(when, "auto") == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(when, yes[i]) == 0) {
            return 1;
        }
    }
    return 2;
}

/* Variables that have no flag: of GoogleTest, and of Bazel. */
static void apply_variables(struct cupel__settings *settings) {
    static char output[4200];
    const char *only = getenv("TESTBRIDGE_TEST_ONLY");
    const char *first = getenv("TESTBRIDGE_TEST_RUNNER_FAIL_FAST");
    const char *xml = getenv("XML_OUTPUT_FILE");
    if (settings->filter == NULL && only != NULL && only[0] != '\0') {
        settings->filter = only;
        settings->may_be_empty = true; /* it is said to all programs alike */
    }
    settings->fail_fast = settings->fail_fast || (first != NULL && strcmp(first, "1") == 0);
    if (settings->gtest_output == NULL) {
        settings->gtest_output = getenv("GTEST_OUTPUT");
    }
    if (settings->gtest_output == NULL && xml != NULL && xml[0] != '\0') {
        (void)snprintf(output, sizeof output, "xml:%s", xml);
        settings->gtest_output = output;
    }
    if (settings->gtest_output != NULL && settings->gtest_output[0] == '\0') {
        settings->gtest_output = NULL;
    }
}

bool cupel__gtest_apply(struct cupel__settings *settings, int argc, char **argv, struct cupel_error *error) {
    for (int i = 1; i < argc; i++) {
        settings->is_gtest = settings->is_gtest || strncmp(argv[i], "--gtest_", 8) == 0;
    }
    apply_variables(settings);
    const char *output = settings->gtest_output;
    if (output != NULL) {
        size_t length = strcspn(output, ":");
        if (!(length == 3 && memcmp(output, "xml", 3) == 0) && !(length == 4 && memcmp(output, "json", 4) == 0)) {
            return cupel_error_set(error, 0, cupel__settings_column(output),
                                   "--gtest_output: '%.60s' is neither xml nor json, nor one of them with a file",
                                   output);
        }
    }
    if (settings->is_gtest) {
        if (settings->style == CUPEL__STYLE_AUTO) {
            settings->style = CUPEL__STYLE_GTEST;
            settings->verbose = !is_brief;
        }
        settings->repeat_slow = true;
    }
    settings->hides_time = !prints_time;
    settings->fail_fast = settings->fail_fast || throws;
    settings->may_be_empty = settings->may_be_empty || !fails_if_empty;
    if (settings->isolate < 0) {
        settings->isolate = !catches_crashes || (settings->is_gtest && is_traced()) ? ISOLATE_NONE : ISOLATE_WORKER;
    }
    if (seed > 0 && settings->seed_given < 0) {
        settings->seed_given = seed;
    }
    if (colour != NULL) {
        settings->colour = colour_of(colour);
    }
    if (settings->repeat < 0) {
        settings->repeat = INT64_MAX;
    }
    return true;
}

static bool read_number(const char *text, uint64_t *number) {
    char extra;
    return text[0] >= '0' && text[0] <= '9' && sscanf(text, "%" SCNu64 "%c", number, &extra) == 1;
}

bool cupel__gtest_shard(struct cupel__settings *settings, struct cupel_error *error) {
    static const char *const names[2][3] = {
        {"GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX", "GTEST_SHARD_STATUS_FILE"},
        {"TEST_TOTAL_SHARDS", "TEST_SHARD_INDEX", "TEST_SHARD_STATUS_FILE"},
    };
    for (int i = 0; i < 2; i++) {
        const char *total = getenv(names[i][0]);
        const char *index = getenv(names[i][1]);
        if (total == NULL || index == NULL) {
            continue;
        }
        uint64_t n = 0;
        uint64_t at = 0;
        if (!read_number(total, &n) || !read_number(index, &at) || at >= n) {
            return cupel_error_set(error, 0, 0, "%s '%.60s' is not below %s '%.60s'", names[i][1], index, names[i][0],
                                   total);
        }
        const char *status_file = getenv(names[i][2]);
        FILE *file = status_file == NULL ? NULL : fopen(status_file, "we");
        if (file != NULL) { /* its existence says that we know shards */
            (void)fclose(file);
        }
        if (!settings->list_gtest) { /* a list is of all of them */
            settings->shard_index = at;
            settings->shard_count = n;
        }
        return true;
    }
    return true;
}

static const char *premature_path(void) {
    const char *path = getenv("TEST_PREMATURE_EXIT_FILE");
    return path == NULL || path[0] == '\0' ? NULL : path;
}

void cupel__gtest_premature_begin(void) {
    const char *path = premature_path();
    FILE *file = path == NULL ? NULL : fopen(path, "we");
    if (file != NULL) {
        (void)fputc('0', file);
        (void)fclose(file);
    } else if (path != NULL) {
        cupel_message("TEST_PREMATURE_EXIT_FILE: cannot write %s", path);
    }
}

void cupel__gtest_premature_end(void) {
    const char *path = premature_path();
    if (path != NULL && unlink(path) != 0) {
        cupel_message("TEST_PREMATURE_EXIT_FILE: cannot remove %s", path);
    }
}
