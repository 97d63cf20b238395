/* The one table of flags of a test program: see settings.h. GoogleTest's flags are aliases here, or rows of
 * settings_gtest.c where they mean something else. */
#include "harness/src/settings.h"
#include "harness/src/limits.h"
#include "harness/src/perturb.h"
#include "harness/src/plan.h"
#include "harness/src/settings_gtest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct cupel__settings cupel__settings;

enum { TIMEOUT_MS = 120000, OUTPUT_LIMIT_BYTES = 64 << 20, COMMAND_WORDS_MAX = 512 };

static const struct cupel_option options[] = {
    {.kind = CUPEL_OPTION_HEADING, .sentence = "Which tests"},
    {.name = "list",
     .letter = 'l',
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.list,
     .sentence = "List the selected tests, run nothing."},
    {.name = "list-json",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.list_json,
     .sentence = "List them as JSON, with file, line, kind and tags."},
    {.name = "filter",
     .letter = 'f',
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.filter,
     .parameter = "GLOBS",
     .sentence = "Run titles that match any of the globs, and none of those after '-': 'A.*:B.*-*slow*'.",
     .alias = "gtest_filter"},
    {.name = "tag",
     .letter = 't',
     .kind = CUPEL_OPTION_LIST,
     .value = &cupel__settings.tags,
     .parameter = "WORDS",
     .sentence =
         "Run tests with any of these tags, joined by commas; '-word' leaves out. Given again: both must hold."},
    {.name = "shard",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.shard,
     .parameter = "I/N",
     .sentence = "Run the I-th of N parts; a test's part depends on its title alone."},
    {.name = "rerun-failed",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.rerun_failed,
     .sentence = "Run only what failed last time."},
    {.name = "also-disabled",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.with_disabled,
     .sentence = "Run tests whose names begin with DISABLED_ too.",
     .alias = "gtest_also_run_disabled_tests"},
    {.kind = CUPEL_OPTION_HEADING, .sentence = "How often, in which order"},
    {.name = "repeat",
     .letter = 'r',
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.repeat,
     .parameter = "N|inf",
     .sentence = "Run everything N times (default 1); tests tagged slow once only.",
     .min = -1,
     .max = INT64_MAX,
     .alias = "gtest_repeat"},
    {.name = "for",
     .kind = CUPEL_OPTION_DURATION,
     .value = &cupel__settings.for_ms,
     .parameter = "TIME",
     .sentence = "Repeat until this time is over: 90s, 10m, 2h.",
     .min = 1,
     .max = INT64_MAX},
    {.name = "repeat-slow",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.repeat_slow,
     .sentence = "Repeat tests tagged slow as often as the others."},
    {.name = "repeat-index",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.repeat_index,
     .parameter = "N",
     .sentence = "Begin with that repeat (0 is the first): replays one of many.",
     .min = 0,
     .max = INT64_MAX},
    {.name = "until-fail",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.until_fail,
     .sentence = "Repeat without end, and stop at the first failure."},
    {.name = "perturb",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.perturb_text,
     .parameter = "WORDS",
     .value_is_optional = true,
     .sentence =
         "Vary in each repeat, by the seed, what no test may rely on: address-space, environment-size, locale, "
         "time-zone, descriptors, thread-start, fresh-memory, freed-memory, placement; '-word' leaves one out."},
    {.name = "bisect",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.bisect,
     .sentence = "Find out which perturbation a flake follows (default; --no-bisect leaves it)."},
    {.name = "retries",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.retries,
     .parameter = "N",
     .sentence = "Run a test that failed up to N times more; where it passes then, it is flaky, not failed.",
     .min = 0,
     .max = 1000},
    {.name = "fail-on-flaky",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.fail_on_flaky,
     .sentence = "A flaky test is a failure of the run."},
    {.name = "shuffle",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.shuffle,
     .sentence = "Run in an order that the seed gives.",
     .alias = "gtest_shuffle"},
    {.name = "seed",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.seed_given,
     .parameter = "N",
     .sentence = "The one seed of the run, also in CUPEL_SEED: order, random cases. Default: a new one, printed.",
     .min = 0,
     .max = INT64_MAX},
    {.name = "fail-fast",
     .letter = 'x',
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.fail_fast,
     .sentence = "Stop at the first failure.",
     .alias = "gtest_fail_fast"},
    {.name = "max-fail",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.max_fail,
     .parameter = "N",
     .sentence = "Stop after N failures (default 0: never).",
     .min = 0,
     .max = INT64_MAX},
    {.kind = CUPEL_OPTION_HEADING, .sentence = "How they run"},
    {.name = "isolate",
     .kind = CUPEL_OPTION_CHOICE,
     .value = &cupel__settings.isolate,
     .parameter = "HOW",
     .choices = "worker process none",
     .sentence = "In a worker that survives many tests (default), in a process each, or in this very process."},
    {.name = "jobs",
     .letter = 'j',
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.jobs,
     .parameter = "N",
     .sentence = "Workers at a time (default 0: one a processor where tests are repeated and not shuffled, else 1).",
     .min = 0,
     .max = 64},
    {.name = "timeout",
     .kind = CUPEL_OPTION_DURATION,
     .value = &cupel__settings.timeout_ms,
     .parameter = "TIME",
     .sentence = "Kill a test that takes longer, with all its children (default 2m; 0: never).",
     .min = 0,
     .max = INT64_MAX},
    {.name = "output-limit",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.output_limit_bytes,
     .parameter = "BYTES",
     .sentence = "Kill a test that prints more (default 67108864).",
     .min = 1,
     .max = INT64_MAX},
    {.name = "memory-limit",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.memory_limit_bytes,
     .parameter = "BYTES",
     .sentence =
         "Fail a test that grows by more resident memory, and kill it (default: half of the machine's; 0: none).",
     .min = 0,
     .max = INT64_MAX},
    {.name = "descriptor-limit",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.descriptor_limit,
     .parameter = "N",
     .sentence = "Let tests that name no limit have that many descriptors (default 0: as the runner has).",
     .min = 0,
     .max = INT32_MAX},
    {.name = "capture",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.capture,
     .sentence = "Keep what tests print and show it where they fail (default; --no-capture lets it through)."},
    {.name = "show-output",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.show_output,
     .sentence = "Show what passing tests printed too."},
    {.name = "fault",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.fault,
     .parameter = "PLAN",
     .sentence = "Inject these faults, also in CUPEL_FAULT: 'alloc:3', 'alloc:3+', 'alloc:*/7', 'read:2=EINTR'."},
    {.name = "warm-up",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.warm_up,
     .sentence = "Run each test once before, unjudged: faults are counted from where it keeps nothing more."},
    {.name = "libc-faults",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.libc_faults,
     .sentence = "Also count and starve what the C library asks malloc for itself."},
    {.name = "sweep",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.sweep,
     .sentence = "Fail every allocation of each test in turn."},
    {.name = "suppress",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.suppress,
     .parameter = "FILE",
     .sentence = "Findings of the sweep that are known: rows of test, verdicts, a function on a stack, and why."},
    {.name = "callers",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.callers,
     .parameter = "FILE",
     .sentence = "Write each call through which a request came that was refused: module and offset of its last byte."},
    {.name = "cases",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.cases,
     .parameter = "N",
     .sentence = "Random cases of each property (default 0: what each declares).",
     .min = 0,
     .max = INT64_MAX},
    {.name = "replay",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.replay,
     .parameter = "SUITE.NAME",
     .sentence = "Run the files and directories named through that property, and nothing else."},
    {.name = "decode",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.decode,
     .parameter = "SUITE.NAME",
     .sentence = "Show the files named as what that property draws from them."},
    {.name = "write-regressions",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.write_regressions,
     .sentence =
         "Keep what a property fails on, shrunk, with the plan of --fault, among its regressions, which every run "
         "replays."},
    {.name = "write-test",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.write_test,
     .parameter = "FILE",
     .sentence = "Add what a property fails on, shrunk, with the plan of --fault, to this file as a test in C "
                 "(default: a file beside the input).",
     .value_is_optional = true},
    {.name = "write-seeds",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.write_seeds,
     .sentence = "Store what tests hand to cupel_seed in the corpora of their properties."},
    {.name = "fuzz",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.fuzz,
     .parameter = "SUITE.NAME",
     .sentence = "Hand that property to the engine that is linked in, with the directories named as corpora; its own "
                 "arguments stand after '--'."},
    {.name = "left-behind",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.left_behind,
     .sentence = "Fail tests that leave descriptors, children, threads, files or settings behind (default)."},
    {.name = "debugger",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.debugger,
     .parameter = "COMMAND",
     .sentence = "Run under gdb, which stops at the check that fails, or where a fault strikes; also CUPEL_DEBUGGER.",
     .value_is_optional = true},
    {.name = "break-on-failure",
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.break_on_failure,
     .sentence = "Raise SIGTRAP where a check fails, for a debugger.",
     .alias = "gtest_break_on_failure"},
    {.kind = CUPEL_OPTION_HEADING, .sentence = "What is told"},
    {.name = "report",
     .kind = CUPEL_OPTION_LIST,
     .value = &cupel__settings.reports,
     .parameter = "KIND[:FILE]",
     .sentence =
         "Also write tap, tap13, junit, json (lines) or github (annotations), to standard output or a file, "
         "whose missing directories are made; joined by commas or given again. Beside a report on standard output the "
         "text, and annotations, go to standard error."},
    {.name = "style",
     .kind = CUPEL_OPTION_CHOICE,
     .value = &cupel__settings.style,
     .parameter = "STYLE",
     .choices = "auto plain terminal gtest none",
     .sentence = "The text (auto: by the terminal, gtest where its flags were given)."},
    {.name = "verbose",
     .letter = 'v',
     .kind = CUPEL_OPTION_FLAG,
     .value = &cupel__settings.verbose,
     .sentence = "One line for each test that passed too."},
    {.name = "colour",
     .kind = CUPEL_OPTION_CHOICE,
     .value = &cupel__settings.colour,
     .parameter = "WHEN",
     .choices = "auto yes no",
     .sentence = "Colours in the text."},
};

enum { ROWS_MAX = 160 };
static struct cupel_option rows[ROWS_MAX]; /* all parts of the table, and its end */

static const struct cupel_program program = {
    .name = "test program",
    .synopsis = "[OPTION ...] [WORD ...]",
    .sentence = "Runs the tests of this program; a WORD selects titles that contain it, or that match it as a glob.",
    .after = "Exit status: 0 all passed; 1 some failed; 2 usage; 4 nothing selected; 6 a report could not be written;\n"
             "77 all were skipped; 130 interrupted.\n",
    .options = rows,
};

const struct cupel_program *cupel__settings_program(void) {
    cupel__settings_append(rows, 0, ROWS_MAX);
    return &program;
}

/* The command line, for columns: a copy, for the parser moves the words of argv. */
static struct {
    int count;
    char *words[COMMAND_WORDS_MAX]; /* what comes behind these has no column */
} command_line;

unsigned cupel__settings_column(const char *at) {
    unsigned column = 1;
    for (int i = 1; i < command_line.count; i++) {
        uintptr_t begin = (uintptr_t)command_line.words[i];
        size_t length = strlen(command_line.words[i]);
        if ((uintptr_t)at >= begin && (uintptr_t)at <= begin + length) {
            return column + (unsigned)((uintptr_t)at - begin);
        }
        column += (unsigned)length + 1;
    }
    return 0;
}

void cupel__settings_refuse(const struct cupel_error *error, const char *hint) {
    if (error->column == 0) {
        cupel_message("%s%s", error->text, hint);
    } else {
        cupel_message("column %u: %s%s", error->column, error->text, hint);
    }
}

static bool parse_shard(struct cupel__settings *settings, struct cupel_error *error) {
    uint64_t i = 0;
    uint64_t n = 0;
    char extra;
    if (settings->shard != NULL) {
        if (sscanf(settings->shard, "%" SCNu64 "/%" SCNu64 "%c", &i, &n, &extra) != 2 || i < 1 || i > n) {
            return cupel_error_set(error, 0, cupel__settings_column(settings->shard),
                                   "--shard: '%.60s' is not I/N with 1 <= I <= N", settings->shard);
        }
        i--;
    } else {
        return cupel__gtest_shard(settings, error);
    }
    settings->shard_index = i;
    settings->shard_count = n;
    return true;
}

static bool choose_seed(struct cupel__settings *settings, struct cupel_error *error) {
    const char *text = getenv("CUPEL_SEED");
    if (settings->seed_given >= 0) {
        settings->seed = (uint64_t)settings->seed_given;
    } else if (text != NULL && text[0] != '\0') {
        char extra;
        if (sscanf(text, "%" SCNu64 "%c", &settings->seed, &extra) != 1) {
            return cupel_error_set(error, 0, 0, "CUPEL_SEED: '%s' is no whole number", text);
        }
    } else if (getrandom(&settings->seed, sizeof settings->seed, 0) != sizeof settings->seed) {
        return cupel_error_set(error, 0, 0, "the system gives no random numbers; give --seed");
    }
    settings->seed &= INT64_MAX; /* so that --seed takes back what is printed */
    if (settings->seed_given < 0 && (text == NULL || text[0] == '\0')) {
        settings->seed %= 1000000000; /* short enough to type */
    }
    return true;
}

/* Whether the rule whose text is at `at` can fire at all in this program; a text where not. */
static bool can_fire(const struct cupel_fault_rule *rule, const char *text, const char *at, bool has_tests,
                     struct cupel_error *error) {
    struct cupel_error inner;
    struct cupel_fault_plan alone = {.rules = {*rule}, .count = 1};
    /* Only the test program knows its functions: `cupel test` hands them on. */
    bool is_known = rule->where[0] == '\0' || (!has_tests && strchr(rule->where, ':') == NULL);
    if (is_known || cupel_fault_plan_resolve(&alone, &inner)) {
        return true;
    }
    static const char number[] = "rule 1: ";
    const char *reason =
        strncmp(inner.text, number, sizeof number - 1) == 0 ? inner.text + sizeof number - 1 : inner.text;
    return cupel_error_set(error, 0, 0, "column %u: %.220s", (unsigned)(at + strcspn(at, "@") - text) + 2, reason);
}

static bool check_faults(const struct cupel_fault_plan *plan, const char *text, bool has_tests,
                         struct cupel_error *error) {
    const char *at = text;
    for (unsigned i = 0; i < plan->count; i++) {
        if (!can_fire(&plan->rules[i], text, at, has_tests, error)) {
            return false;
        }
        at += strcspn(at, ";");
        at += *at == ';';
    }
    return true;
}

static bool parse_fault(struct cupel__settings *settings, bool has_tests, struct cupel_error *error) {
    const char *name = "--fault";
    if (settings->fault == NULL) {
        settings->fault = getenv("CUPEL_FAULT");
        name = "CUPEL_FAULT";
    }
    struct cupel_error inner;
    if (settings->fault == NULL || (cupel_fault_plan_parse(&settings->fault_plan, settings->fault, &inner) &&
                                    check_faults(&settings->fault_plan, settings->fault, has_tests, &inner))) {
        settings->fault_plan.seed = settings->seed;
        return true;
    }
    return cupel_error_set(error, 0, cupel__settings_column(settings->fault), "%s: '%.40s': %.190s", name,
                           settings->fault, inner.text);
}

/* Appends to the flags that are kept; what does not fit is cut. */
__attribute__((format(printf, 1, 2))) static void keep_flag(const char *format, ...) {
    char *flags = cupel__settings.flags;
    size_t used = strlen(flags);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(flags + used, sizeof cupel__settings.flags - used, format, arguments);
    va_end(arguments);
}

/* What a failure's command must repeat, beside what its record says. */
static void keep_flags(const struct cupel__settings *settings) {
    keep_flag("%s", settings->with_disabled ? " --also-disabled" : "");
    if (settings->cases != 0) {
        keep_flag(" --cases=%" PRId64, settings->cases);
    }
    if (settings->timeout_ms != TIMEOUT_MS) {
        keep_flag(" --timeout=%" PRId64 "ms", settings->timeout_ms);
    }
    if (settings->output_limit_bytes != OUTPUT_LIMIT_BYTES) {
        keep_flag(" --output-limit=%" PRId64, settings->output_limit_bytes);
    }
    if (settings->memory_limit_is_given) {
        keep_flag(" --memory-limit=%" PRId64, settings->memory_limit_bytes);
    }
    if (settings->descriptor_limit != 0) {
        keep_flag(" --descriptor-limit=%" PRId64, settings->descriptor_limit);
    }
    keep_flag("%s%s", settings->warm_up ? " --warm-up" : "", settings->libc_faults ? " --libc-faults" : "");
    if (settings->perturb_text != NULL && settings->perturb_text[0] == '\0') {
        keep_flag(" --perturb");
    } else if (settings->perturb_text != NULL) {
        char words[CUPEL_FLAGS_MAX];
        (void)cupel__perturb_mask_format(settings->perturb, words, sizeof words);
        keep_flag(" --perturb=%s", words);
    }
    keep_flag("%s%s", settings->capture ? "" : " --no-capture", settings->left_behind ? "" : " --no-left-behind");
}

void cupel__settings_append(struct cupel_option *to, size_t count, size_t capacity) {
    size_t own_count = sizeof options / sizeof options[0];
    assert(count + own_count + 1 <= capacity);
    memcpy(to + count, options, sizeof options);
    count += own_count;
    count += cupel__sweep_settings_append(to + count, capacity - count - 1);
    count += cupel__gtest_append(to + count, capacity - count - 1);
    to[count] = (struct cupel_option){.name = NULL};
}

bool cupel__settings_parse(const struct cupel_program *own, int argc, char **argv, bool *has_help,
                           struct cupel_error *error) {
    struct cupel__settings *settings = &cupel__settings;
    *settings = (struct cupel__settings){
        .program = argc > 0 ? argv[0] : "test program",
        .repeat = -2, /* not given */
        .isolate = -1,
        .seed_given = -1,
        .bisect = true,
        .timeout_ms = TIMEOUT_MS,
        .output_limit_bytes = OUTPUT_LIMIT_BYTES,
        .capture = true,
        .memory_limit_bytes = -1, /* not given */
        .left_behind = true,
    };
    struct cupel_arguments arguments;
    command_line.count = argc < COMMAND_WORDS_MAX ? argc : COMMAND_WORDS_MAX;
    memcpy(command_line.words, argv, (size_t)command_line.count * sizeof *argv);
    const struct cupel_program *table = own != NULL ? own : cupel__settings_program();
    if (!cupel__gtest_environment(table, error) || !cupel_options_parse(table, argc, argv, &arguments, error)) {
        return false;
    }
    *has_help = arguments.has_help;
    if (!cupel__sweep_settings_apply(error)) {
        return false;
    }
    settings->is_verbose_sweep = settings->verbose;
    settings->verbose = settings->verbose || settings->sweep; /* its summaries are what one asked for */
    settings->words = arguments.words;
    settings->word_count = arguments.count;
    settings->rest = arguments.rest;
    settings->rest_count = arguments.rest_count;
    if (arguments.rest_count != 0 && settings->fuzz == NULL) {
        return cupel_error_set(error, 0, cupel__settings_column(arguments.rest[0]),
                               "nothing may stand after '--' without --fuzz, but '%.60s' does", arguments.rest[0]);
    }
    if (settings->repeat == -2) {
        settings->repeat = settings->for_ms != 0 || settings->until_fail ? INT64_MAX : 1;
    }
    if (settings->repeat == 0) { /* green with nothing run would be a lie */
        return cupel_error_set(error, 0, 0, "--repeat: 0 times would run nothing; give 1 or more, or inf");
    }
    settings->fail_fast = settings->fail_fast || settings->until_fail;
    if (settings->perturb_text != NULL &&
        !cupel__perturb_mask_parse(settings->perturb_text, &settings->perturb, error)) {
        return false;
    }
    if (!cupel__gtest_apply(settings, argc, argv, error)) {
        return false;
    }
    if (settings->jobs == 0) {
        bool has_order = settings->shuffle || settings->is_gtest; /* to be seen in what is told */
        long processors = settings->repeat > 1 && !has_order ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
        settings->jobs = processors < 1 ? 1 : processors > 64 ? 64 : processors;
    }
    settings->memory_limit_is_given = settings->memory_limit_bytes > 0;
    if (settings->memory_limit_bytes < 0) {
        settings->memory_limit_bytes = cupel__limits_default_bytes();
    }
    keep_flags(settings);
    return parse_shard(settings, error) && choose_seed(settings, error) && parse_fault(settings, own == NULL, error);
}
