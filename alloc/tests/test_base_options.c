/* Goal: an options table reads what users write, and says which word is wrong and where. Method: small command lines
 * against one table with an option of each kind; random text against the parser's promises. */
#include "alloc/base/options.h"
#include "harness/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ARGC_MAX = 80 };

/* Where the table writes to. One struct, so that each test begins with the defaults. */
static struct {
    bool verbose, quiet;
    int64_t jobs, limit_ms, any;
    const char *filter;
    int format;
    struct cupel_option_list with;
} got;

static const struct cupel_option table[] = {
    {.name = "verbose", .letter = 'v', .value = &got.verbose, .sentence = "Say more."},
    {.name = "quiet", .letter = 'q', .value = &got.quiet, .sentence = "Say less."},
    {.kind = CUPEL_OPTION_HEADING, .sentence = "How it runs:"},
    {.name = "jobs",
     .letter = 'j',
     .kind = CUPEL_OPTION_INT,
     .value = &got.jobs,
     .parameter = "N",
     .min = 1,
     .max = 64,
     .value_is_optional = true,
     .sentence = "Run N at a time (default: one)."},
    {.name = "time-limit",
     .kind = CUPEL_OPTION_DURATION,
     .value = &got.limit_ms,
     .parameter = "TIME",
     .max = INT64_MAX,
     .sentence = "End each test after TIME (default: 10s)."},
    {.name = "any",
     .letter = 'a',
     .kind = CUPEL_OPTION_INT,
     .value = &got.any,
     .parameter = "N",
     .min = INT64_MIN,
     .max = INT64_MAX,
     .sentence = "Any number."},
    {.name = "filter",
     .letter = 'f',
     .kind = CUPEL_OPTION_TEXT,
     .value = &got.filter,
     .parameter = "PATTERN",
     .alias = "gtest_filter",
     .sentence = "Only tests that match."},
    {.name = "format",
     .kind = CUPEL_OPTION_CHOICE,
     .value = &got.format,
     .parameter = "WORD",
     .choices = "text tap json",
     .sentence = "How results are written."},
    {.name = "with",
     .letter = 'w',
     .kind = CUPEL_OPTION_LIST,
     .value = &got.with,
     .parameter = "FILE",
     .sentence = "Also FILE; may be given again."},
    {.name = NULL},
};

static const struct cupel_program program = {
    .name = "example",
    .synopsis = "[OPTION ...] [FILE ...]",
    .sentence = "Shows a table of options.",
    .after = "The end.",
    .options = table,
};

static struct cupel_arguments arguments;
static struct cupel_error error;

static void reset(void) {
    memset(&got, 0, sizeof got);
    memset(&arguments, 0, sizeof arguments);
    memset(&error, 0, sizeof error);
}

/* Parses words separated by blanks, as a shell would hand them over. The words live until the next call. */
static bool parse(const char *line) {
    static char text[4096];
    static char name[] = "example";
    static char *argv[ARGC_MAX + 1];
    int argc = 1;
    reset();
    (void)snprintf(text, sizeof text, "%s", line);
    argv[0] = name;
    for (char *word = strtok(text, " "); word != NULL && argc < ARGC_MAX; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return cupel_options_parse(&program, argc, argv, &arguments, &error);
}

TEST(base, options_read_every_kind) {
    REQUIRE(parse("-v --jobs=4 --time-limit 1.5s --filter=a.* --format json --with x --with=y"));
    CHECK(got.verbose);
    CHECK_INT_EQ(got.jobs, 4);
    CHECK_INT_EQ(got.limit_ms, 1500);
    CHECK_STR_EQ(got.filter, "a.*");
    CHECK_INT_EQ(got.format, 2);
    REQUIRE_UINT_EQ(got.with.count, 2);
    CHECK_STR_EQ(got.with.words[0], "x");
    CHECK_STR_EQ(got.with.words[1], "y");
    CHECK_INT_EQ(arguments.count, 0);
}

TEST(base, options_read_letters_and_their_values) {
    REQUIRE(parse("-qv -j8 -f=one -a -5 -w file"));
    CHECK(got.quiet && got.verbose);
    CHECK_INT_EQ(got.jobs, 8);
    CHECK_STR_EQ(got.filter, "one");
    CHECK_INT_EQ(got.any, -5);
    CHECK_UINT_EQ(got.with.count, 1);
    REQUIRE(parse("-j"));
    CHECK_INT_EQ(got.jobs, 1);
}

TEST(base, options_can_be_taken_back) {
    REQUIRE(parse("--verbose --quiet --no-verbose --quiet=0"));
    CHECK(!got.verbose);
    CHECK(!got.quiet);
}

TEST(base, options_know_aliases_and_underscores) {
    REQUIRE(parse("--gtest_filter=x.y --time_limit=inf"));
    CHECK_STR_EQ(got.filter, "x.y");
    CHECK_INT_EQ(got.limit_ms, INT64_MAX);
}

TEST(base, options_gather_operands_and_what_follows_two_dashes) {
    REQUIRE(parse("one -v two --jobs 2 - three -- --verbose four"));
    REQUIRE_INT_EQ(arguments.count, 5); /* an optional value must be joined: 2 is an operand */
    CHECK_STR_EQ(arguments.words[0], "one");
    CHECK_STR_EQ(arguments.words[1], "two");
    CHECK_STR_EQ(arguments.words[2], "2");
    CHECK_STR_EQ(arguments.words[3], "-");
    CHECK_STR_EQ(arguments.words[4], "three");
    CHECK_INT_EQ(arguments.rest_count, 2);
}

TEST(base, options_keep_the_rest_apart) {
    REQUIRE(parse("-v one --filter f two -- --verbose four"));
    REQUIRE_INT_EQ(arguments.count, 2);
    CHECK_STR_EQ(arguments.words[1], "two");
    REQUIRE_INT_EQ(arguments.rest_count, 2);
    CHECK_STR_EQ(arguments.rest[0], "--verbose");
    CHECK_STR_EQ(arguments.rest[1], "four");
    CHECK_STR_EQ(got.filter, "f");
}

static const struct bad_line {
    const char *line;
    unsigned column;
    const char *says;
} bad_lines[] = {
    {"--verbos", 1, "unknown flag '--verbos'; did you mean '--verbose'?"},
    {"file --fromat=json", 6, "unknown flag '--fromat'; did you mean '--format'?"},
    {"--hlep", 1, "did you mean '--help'?"},
    {"--xyzzy", 1, "unknown flag '--xyzzy'"},
    {"-v -x", 5, "unknown flag '-x' in '-x'"},
    {"-vx", 3, "unknown flag '-x' in '-vx'"},
    {"-v --filter", 4, "--filter needs a value: --filter=PATTERN"},
    {"--filter --verbose", 1, "--filter needs a value"},
    {"-v --with", 4, "--with needs a value: --with=FILE"},
    {"-vf", 3, "-f needs a value"},
    {"one --jobs=many", 12, "--jobs: 'many' is no whole number"},
    {"--jobs=65", 8, "'65' is not within 1 to 64"},
    {"--jobs=0", 8, "'0' is not within 1 to 64"},
    {"--jobs=inf", 8, "'inf' is no whole number"},
    {"--jobs=", 8, "'' is no whole number"},
    {"--any=99999999999999999999", 7, "is no whole number"},
    {"--time-limit 5x", 14, "--time-limit: '5x' is no duration"},
    {"--time-limit=-1s", 14, "is no duration"},
    {"--format=xml", 10, "--format: 'xml' is none of: text tap json"},
    {"--format=tex", 10, "is none of"},
    {"--verbose=maybe", 11, "--verbose: 'maybe' is neither yes (1) nor no (0)"},
    {"--no-verbose=1", 14, "takes no value"},
    {"--help=xml", 8, "--help: 'xml' is none of: man complete"},
};

TEST(base, options_name_the_bad_word_and_its_column, TABLE(bad_lines)) {
    const struct bad_line *row = test_row();
    CHECK(!parse(row->line));
    CHECK_STR_CONTAINS(error.text, row->says);
    CHECK_UINT_EQ(error.column, row->column);
}

TEST(base, options_refuse_a_list_that_is_too_long) {
    char line[1024] = "";
    for (int i = 0; i < 65; i++) {
        strcat(line, "-wx ");
    }
    CHECK(!parse(line));
    CHECK_STR_CONTAINS(error.text, "-w is given more than 64 times");
    CHECK_UINT_EQ(error.column, 64 * 4 + 3);
    CHECK_UINT_EQ(got.with.count, 64);
}

TEST(base, options_cut_a_long_word_and_keep_the_sentence) {
    char line[600] = "--format=";
    memset(line + 9, 'x', 500);
    CHECK(!parse(line));
    CHECK_STR_CONTAINS(error.text, "is none of: text tap json");
}

static const struct duration {
    const char *text;
    int64_t milliseconds; /* -1: refused */
} durations[] = {
    {"90", 90000},
    {"1.5s", 1500},
    {"500ms", 500},
    {"10m", 600000},
    {"2h", 7200000},
    {".5", 500},
    {"0", 0},
    {"0.1ms", 0},
    {"1.0005s", 1000},
    {"", -1},
    {".", -1},
    {"ms", -1},
    {"1 s", -1},
    {"-1", -1},
    {"1e3", -1},
    {"5d", -1},
    {"99999999999999999h", -1},
    {"1.5.5s", -1},
};

TEST(base, options_read_durations, TABLE(durations)) {
    const struct duration *row = test_row();
    int64_t milliseconds = -1;
    CHECK_INT_EQ(cupel_parse_duration(row->text, &milliseconds), row->milliseconds >= 0);
    CHECK_INT_EQ(milliseconds, row->milliseconds);
}

TEST(base, options_read_a_variable) {
    char storage[128];
    reset();
    REQUIRE(cupel_options_parse_text(table, NULL, NULL, 0, &error));
    REQUIRE(cupel_options_parse_text(table, "jobs=3:verbose::time_limit=2m:filter=abc:no-quiet:format=tap:", storage,
                                     sizeof storage, &error));
    CHECK_INT_EQ(got.jobs, 3);
    CHECK(got.verbose);
    CHECK_INT_EQ(got.limit_ms, 120000);
    CHECK_STR_EQ(got.filter, "abc");
    CHECK_INT_EQ(got.format, 1);
}

TEST(base, options_name_the_bad_word_of_a_variable) {
    char storage[64];
    reset();
    CHECK(!cupel_options_parse_text(table, "verbose:jbos=3", storage, sizeof storage, &error));
    CHECK_STR_EQ(error.text, "unknown option 'jbos'; did you mean 'jobs'?");
    CHECK_UINT_EQ(error.column, 9);
    CHECK(!cupel_options_parse_text(table, "verbose:jobs=x", storage, sizeof storage, &error));
    CHECK_STR_EQ(error.text, "jobs: 'x' is no whole number");
    CHECK_UINT_EQ(error.column, 14);
    CHECK(!cupel_options_parse_text(table, "filter:verbose", storage, sizeof storage, &error));
    CHECK_STR_CONTAINS(error.text, "filter needs a value");
    CHECK(!cupel_options_parse_text(table, "verbose:quiet", storage, 13, &error));
    CHECK_STR_CONTAINS(error.text, "the text has 13 characters; the most is 12");
}

/* What a function prints, for the caller to free. */
static char *printed(void (*print)(const struct cupel_program *, FILE *)) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    REQUIRE(stream != NULL);
    print(&program, stream);
    REQUIRE_INT_EQ(fclose(stream), 0);
    return text;
}

TEST(base, options_print_help) {
    char *text = printed(cupel_options_help);
    CHECK_STR_CONTAINS(text, "usage: example [OPTION ...] [FILE ...]\nShows a table of options.\n\n"
                             "  -v, --verbose             Say more.\n");
    CHECK_STR_CONTAINS(text, "\nHow it runs:\n  -j, --jobs[=N]            Run N at a time (default: one).\n");
    CHECK_STR_CONTAINS(text, "      --format=WORD         How results are written. One of: text tap json.\n");
    CHECK_STR_CONTAINS(text, "  -h, --help                Print this help and end.\n");
    CHECK(strstr(text, "gtest") == NULL);
    CHECK_STR_CONTAINS(text, "\nThe end.\n");
    free(text);
}

TEST(base, options_print_the_man_section) {
    char *text = printed(cupel_options_man);
    CHECK_STR_CONTAINS(text, ".SH OPTIONS\n.TP\n\\fB\\-v\\fR, \\fB\\-\\-verbose\\fR\nSay more.\n");
    CHECK_STR_CONTAINS(text, ".SS How it runs:\n");
    CHECK_STR_CONTAINS(text, "\\fB\\-\\-time\\-limit\\fR=\\fITIME\\fR\n");
    free(text);
}

TEST(base, options_print_completion) {
    char *text = printed(cupel_options_complete);
    CHECK_STR_CONTAINS(text, "--verbose\tSay more.\n");
    CHECK_STR_CONTAINS(text, "--help\tPrint this help and end.\n");
    CHECK(strstr(text, "How it runs") == NULL);
    free(text);
}

/* The table with options of its own for what else would print: random words find them soon. */
static struct cupel_program make_silent_program(void) {
    enum { ROWS = sizeof table / sizeof table[0] };
    static bool asked;
    static struct cupel_option rows[ROWS + 2];
    memcpy(rows, table, sizeof table);
    rows[ROWS - 1] = (struct cupel_option){.name = "help", .letter = 'h', .value = &asked, .sentence = "Help."};
    rows[ROWS] = (struct cupel_option){.name = "version", .value = &asked, .sentence = "Version."};
    return (struct cupel_program){.name = "example", .synopsis = "", .sentence = "", .options = rows};
}

/* Whatever the words are: no write outside, values within their ranges, every word kept, an error with a place. */
PROPERTY(base, options_text, .longest = 512) {
    static const char *const pieces[] = {"--verbose", "--jobs=", "--time-limit=", "--format", "--filter",
                                         "-w",        "--",      "-qv",           "--no-",    "-j",
                                         "one",       "1.5s",    "json"};
    static char words[16][64];
    char *argv[17] = {words[0]};
    int argc = 1;
    (void)snprintf(words[0], sizeof words[0], "example");
    while (argc < 16 && cupel_draw_more(bytes, "word")) {
        unsigned piece = cupel_draw_pick(bytes, "piece", pieces, sizeof pieces / sizeof pieces[0]);
        char tail[32];
        (void)cupel_draw_string(bytes, "tail", tail, sizeof tail);
        (void)snprintf(words[argc], sizeof words[0], "%s%s", pieces[piece], tail);
        argv[argc] = words[argc];
        argc++;
    }
    struct cupel_program silent = make_silent_program();
    reset();
    if (!cupel_options_parse(&silent, argc, argv, &arguments, &error)) {
        REQUIRE(error.text[0] != '\0');
        REQUIRE(error.column >= 1);
    }
    REQUIRE(got.jobs >= 0 && got.jobs <= 64);
    REQUIRE(got.format >= 0 && got.format <= 2);
    REQUIRE(got.limit_ms >= 0);
    REQUIRE(arguments.count + arguments.rest_count < argc);
    size_t seen = 0;
    for (int i = 0; i < argc; i++) {
        seen += (size_t)1 << ((argv[i] - words[0]) / (ptrdiff_t)sizeof words[0]);
    }
    REQUIRE_UINT_EQ(seen, ((size_t)1 << argc) - 1); /* argv is still every word once */
    char text[256] = "";
    char storage[200];
    (void)cupel_draw_string(bytes, "variable", text, sizeof text);
    reset();
    if (!cupel_options_parse_text(table, text, storage, sizeof storage, &error)) {
        REQUIRE(error.column >= 1 && error.column <= strlen(text) + 1);
    }
    REQUIRE(got.jobs >= 0 && got.jobs <= 64);
}
