/* cupel test: runs the test programs of a build tree, or those named, passes the flags of a test program on to each,
 * and makes one report of all. */
#include "harness/tool/test.h"
#include "harness/src/evidence.h"
#include "harness/src/perturb.h"
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/tool/exec.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"
#include "alloc/base/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *junit_path;
static const char *results_path;
static const char *wrap_text;
static const char *variant;
static const char *exec_text;
static struct cupel__exec_options exec_options;
static const char *variants;
static const char *matrix_path;
static struct {
    int count;
    char **words;
} command_line;

/* Rows of its own; those of a test program follow. */
static const struct cupel_option own_options[] = {
    {.kind = CUPEL_OPTION_HEADING, .sentence = "Which programs"},
    {.name = "variant",
     .kind = CUPEL_OPTION_TEXT,
     .value = &variant,
     .parameter = "NAME",
     .sentence = "Run the programs of that variant's build tree, beside this one."},
    {.name = "variants",
     .kind = CUPEL_OPTION_TEXT,
     .value = &variants,
     .parameter = "NAMES",
     .sentence = "Run the suite in these variants, joined by commas, or in all that are built, and print one matrix.",
     .value_is_optional = true},
    {.name = "matrix",
     .kind = CUPEL_OPTION_TEXT,
     .value = &matrix_path,
     .parameter = "FILE",
     .sentence = "Also write the matrix of --variants as JSON."},
    {.name = "wrap",
     .kind = CUPEL_OPTION_TEXT,
     .value = &wrap_text,
     .parameter = "COMMAND",
     .sentence =
         "Put these words before each program; those of valgrind are completed, and its reports are the tests' own."},
    {.name = "junit",
     .kind = CUPEL_OPTION_TEXT,
     .value = &junit_path,
     .parameter = "FILE",
     .sentence = "As --report=junit:FILE."},
    {.name = "results",
     .kind = CUPEL_OPTION_TEXT,
     .value = &results_path,
     .parameter = "FILE",
     .sentence = "Where the records go as JSON lines (default: build/evidence/VARIANT/results.jsonl)."},
    {.kind = CUPEL_OPTION_HEADING, .sentence = "A program of another framework, or of none"},
    {.name = "exec",
     .kind = CUPEL_OPTION_TEXT,
     .value = &exec_text,
     .parameter = "PROGRAM [ARGUMENT ...]",
     .sentence = "The last flag: run this, with all that follows, as a test; once, --repeat, --sweep or --fault."},
    {.name = "points",
     .kind = CUPEL_OPTION_INT,
     .value = &exec_options.points_max,
     .parameter = "N",
     .sentence = "With --exec --sweep: at most N points, those with new call stacks first (default 0: all).",
     .min = 0,
     .max = INT64_MAX},
    {.name = "starve-all",
     .kind = CUPEL_OPTION_FLAG,
     .value = &exec_options.starves_all,
     .sentence = "With --exec: also refuse what the C library and its test framework ask for themselves."},
};

/* Options that this program acts on and does not pass on; the value is whether a word follows. */
static const struct {
    const char *name;
    bool has_value;
} kept_options[] = {
    {"--variant", true},      {"--variants", false},   {"--matrix", true},         {"--wrap", true}, {"--junit", true},
    {"--results", true},      {"--report", true},      {"--style", true},          {"--jobs", true}, {"--colour", true},
    {"--verbose", false},     {"--seed", true},        {"--sites", true},          {"-j", true},     {"-v", false},
    {"--gtest_output", true}, {"--gtest_color", true}, {"--fail-on-flaky", false},
};

/* 0: not kept; 1: this word; 2: this and the next. */
static int words_kept(const char *word) {
    for (size_t i = 0; i < sizeof kept_options / sizeof kept_options[0]; i++) {
        size_t length = strlen(kept_options[i].name);
        if (strncmp(word, kept_options[i].name, length) != 0) {
            continue;
        }
        bool is_short = length == 2;
        if (word[length] == '\0') {
            return kept_options[i].has_value ? 2 : 1;
        }
        if (word[length] == '=' || (is_short && word[1] == 'j')) {
            return 1;
        }
    }
    return 0;
}

static bool is_operand(const char *word) {
    return word[0] != '-' || word[1] == '\0';
}

/* Splits the command line into programs and what is passed on. Operands are known from the parser. */
static bool split_words(struct cupel__test_run *run, struct cupel__test_programs *programs, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int kept = words_kept(argv[i]);
        if (kept != 0) {
            i += kept - 1;
            continue;
        }
        bool is_word = false;
        for (int j = 0; is_operand(argv[i]) && j < cupel__settings.word_count; j++) {
            is_word = is_word || cupel__settings.words[j] == argv[i];
        }
        if (is_word && cupel__test_find_named(programs, argv[i])) {
            continue;
        }
        if (is_word && strchr(argv[i], '/') != NULL) {
            cupel_message("%s: no program is there", argv[i]);
            return false;
        }
        if (run->passed_on_count + 3 >= CUPEL__PASSED_ON_MAX) { /* the seed and the jobs follow */
            cupel_message("too many words");
            return false;
        }
        run->passed_on[run->passed_on_count++] = argv[i];
    }
    return true;
}

static bool parse(int argc, char **argv, bool *has_help) {
    static struct cupel_option rows[192];
    static struct cupel_program program = {
        .name = "cupel test",
        .synopsis = "[OPTION ...] [PROGRAM ...] [WORD ...]",
        .sentence = "Runs the test programs beside it (bin/tests), or those named, and makes one report of all; a WORD "
                    "that names no program selects tests.",
        .after = "Exit status: 0 all passed; 1 some failed; 2 usage; 4 nothing selected; 5 something is lacking; "
                 "6 a report\ncould not be written; 130 interrupted.\n",
        .options = rows,
    };
    struct cupel_error error;
    size_t own_count = sizeof own_options / sizeof own_options[0];
    memcpy(rows, own_options, sizeof own_options);
    cupel__settings_append(rows, own_count, sizeof rows / sizeof rows[0]);
    if (cupel__settings_parse(&program, argc, argv, has_help, &error)) {
        return true;
    }
    cupel__settings_refuse(&error, " (cupel test --help lists all)");
    return false;
}

static int open_reports(const struct cupel__test_programs *programs) {
    static char words[2][5000];
    struct cupel__settings *settings = &cupel__settings;
    struct cupel_option_list *list = &settings->reports;
    struct cupel_error error;
    if (list->count + 2 > sizeof list->words / sizeof list->words[0]) {
        cupel_message("too many reports");
        return CUPEL_USAGE;
    }
    const char *results = results_path != NULL ? results_path : programs->evidence;
    if (results[0] != '\0') {
        (void)snprintf(words[0], sizeof words[0], "json:%s", results);
        list->words[list->count++] = words[0];
    }
    if (junit_path != NULL) {
        (void)snprintf(words[1], sizeof words[1], "junit:%s", junit_path);
        list->words[list->count++] = words[1];
    }
    FILE *text_out = cupel__reports_fill_out(list) ? stderr : stdout;
    bool is_terminal =
        settings->style == CUPEL__STYLE_TERMINAL || (settings->style == CUPEL__STYLE_AUTO && isatty(fileno(text_out)));
    struct cupel__report_request request = {
        .out = stdout, .text_out = text_out, .kinds = list, .gtest_output = settings->gtest_output};
    request.text = settings->style == CUPEL__STYLE_NONE    ? NULL
                   : settings->style == CUPEL__STYLE_GTEST ? &cupel__sink_gtest
                                                           : &cupel__sink_plain;
    request.head = (struct cupel__report_head){
        .title = "cupel test",
        .seed = settings->seed,
        .count = programs->count,
        .unit = programs->count == 1 ? "program" : "programs",
        .total = UINT64_MAX,
        .is_verbose = settings->verbose,
        .shows_output = settings->show_output,
        .is_terminal = is_terminal,
        .hides_time = settings->hides_time,
        .has_colour = settings->colour == 1 || (settings->colour == 0 && is_terminal && cupel_use_colour(text_out)),
    };
    int status = cupel__reports_open(&request, &error);
    if (status != CUPEL_OK) {
        cupel__settings_refuse(&error, "");
    }
    return status;
}

/* The end of a run: the status of all, from the one that no record tells. */
static int close_reports(int status, bool is_interrupted, bool is_cut) {
    struct cupel_error error;
    struct cupel__totals *totals = cupel__reports_totals();
    totals->is_interrupted = is_interrupted;
    totals->is_cut = is_cut;
    bool is_written = cupel__reports_close(&error);
    if (!is_written) {
        cupel_message("%s", error.text);
    }
    if (is_interrupted) {
        return CUPEL_INTERRUPTED;
    }
    if (totals->failed + totals->findings != 0 || (cupel__settings.fail_on_flaky && totals->flaky != 0)) {
        return CUPEL_FAILED;
    }
    if (status == CUPEL_OK && !is_written) {
        return CUPEL_OUTPUT;
    }
    if (status == CUPEL_OK && totals->passed + totals->skipped == 0 && !cupel__settings.may_be_empty) {
        cupel_message("no test is selected%s", cupel__settings.rerun_failed ? ": nothing failed last time" : "");
        return CUPEL_NOTHING;
    }
    return status;
}

/* What the programs wrote of their allocation sites becomes one file; what it comes to is told with the rest. */
static bool join_sites(const struct cupel__test_run *run) {
    static struct cupel_text text;
    struct cupel_error error;
    if (run->sites == NULL) {
        return true;
    }
    bool is_joined = cupel__test_sites_join(run->sites, run->programs, cupel__settings.is_verbose_sweep, &text, &error);
    cupel__reports_totals()->remark = text.data;
    if (!is_joined) {
        cupel_message("%s", error.text);
    }
    return is_joined;
}

static int run_all(struct cupel__test_run *run) {
    bool is_interrupted = false;
    bool is_cut = false;
    int status = open_reports(run->programs);
    if (status != CUPEL_OK) {
        return status;
    }
    status = cupel__test_run(run, &is_interrupted, &is_cut);
    if (!join_sites(run) && status == CUPEL_OK) {
        status = CUPEL_OUTPUT;
    }
    cupel__test_wrap_end(run);
    return close_reports(status, is_interrupted, is_cut);
}

/* Cuts the command line before "--exec"; the words behind it, or NULL where it is not there. */
static char **cut_exec(int *argc, char **argv) {
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--exec") == 0 && i + 1 < *argc) {
            *argc = i;
            argv[i] = NULL;
            return argv + i + 1;
        }
    }
    return NULL;
}

static bool says_jobs(int argc, char *const *argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-j", 2) == 0 || strncmp(argv[i], "--jobs", 6) == 0) {
            return true;
        }
    }
    return false;
}

static int run_exec(char *const *words, bool has_jobs) {
    bool is_interrupted = false;
    bool is_cut = false;
    struct cupel__test_programs one = {.count = 1};
    static char *self[] = {(char *)(uintptr_t) "cupel-test", NULL};
    cupel__perturb_process_keep(1, self); /* programs can be started with other addresses */
    exec_options.jobs = has_jobs ? (unsigned)cupel__settings.jobs : cupel_core_count();
    int status = open_reports(&one);
    if (status != CUPEL_OK) {
        return status;
    }
    status = cupel__exec_main(words, &exec_options, &is_interrupted, &is_cut);
    return close_reports(status, is_interrupted, is_cut);
}

/* Where the allocation sites go: beside the records in sweeps, else where it was said, or nowhere. */
static const char *sites_path(const struct cupel__test_programs *programs) {
    static char path[4096 + 16];
    const char *slash = strrchr(programs->evidence, '/');
    if (cupel__settings.sweeping.sites != NULL || !cupel__settings.sweep) {
        return cupel__settings.sweeping.sites;
    }
    (void)snprintf(path, sizeof path, "%.*s/sites.jsonl", (int)(slash - programs->evidence), programs->evidence);
    return path;
}

/* Which programs and with which words, in that variant's build tree (NULL: this one's). CUPEL_OK, or what lacks. */
static int prepare(struct cupel__test_run *run, struct cupel__test_programs *programs, const char *name) {
    static char seed[64];
    const struct cupel__settings *settings = &cupel__settings;
    struct cupel_error error;
    *run = (struct cupel__test_run){.programs = programs, .jobs = (unsigned)settings->jobs};
    run->failure_limit = settings->fail_fast ? 1 : (unsigned long long)settings->max_fail;
    if (!cupel__test_locate(programs, name, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    run->sites = sites_path(programs);
    if (!split_words(run, programs, command_line.count, command_line.words) ||
        (wrap_text != NULL && !cupel__test_wrap_begin(run, wrap_text))) {
        return CUPEL_USAGE;
    }
    (void)snprintf(seed, sizeof seed, "--seed=%llu", (unsigned long long)settings->seed);
    run->passed_on[run->passed_on_count++] = seed;
    if (programs->count == 0 && !cupel__test_find_all(programs, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_NOTHING;
    }
    /* Programs run side by side; each has as many workers as there are jobs left for it. */
    static char jobs[32];
    unsigned at_a_time = programs->count < run->jobs ? (unsigned)programs->count : run->jobs;
    (void)snprintf(jobs, sizeof jobs, "--jobs=%u", at_a_time == 0 ? 1 : run->jobs / at_a_time);
    run->passed_on[run->passed_on_count++] = jobs;
    return CUPEL_OK;
}

/* For the matrix: everything of one variant, reports included. */
static int run_variant(const char *name, cupel__test_take on_record, struct cupel__test_counts *counts) {
    static struct cupel__test_programs programs;
    static struct cupel__test_run run;
    size_t report_count = cupel__settings.reports.count;
    int status = prepare(&run, &programs, name);
    run.on_record = on_record;
    if (status == CUPEL_OK) {
        status = run_all(&run);
        const struct cupel__totals *totals = cupel__reports_totals();
        *counts = (struct cupel__test_counts){totals->passed, totals->failed, totals->skipped};
    }
    cupel__settings.reports.count = report_count;
    cupel__test_programs_deinit(&programs);
    return status;
}

static int run_variants(void) {
    if (variant != NULL || junit_path != NULL || results_path != NULL || cupel__settings.reports.count != 0) {
        cupel_message("--variants has one report, --matrix=FILE; the others are of one --variant");
        return CUPEL_USAGE;
    }
    for (int i = 0; i < cupel__settings.word_count; i++) {
        if (strchr(cupel__settings.words[i], '/') != NULL && access(cupel__settings.words[i], F_OK) == 0) {
            cupel_message("%s: with --variants a program is given by its name", cupel__settings.words[i]);
            return CUPEL_USAGE;
        }
    }
    return cupel__test_variants(variants, matrix_path, run_variant);
}

static int test_main(int argc, char **argv) {
    static struct cupel__test_programs programs;
    static struct cupel__test_run run;
    bool has_help = false;
    cupel_message_program("cupel test");
    char **exec_words = cut_exec(&argc, argv);
    bool has_jobs = says_jobs(argc, argv);
    if (!parse(argc, argv, &has_help)) {
        return CUPEL_USAGE;
    }
    if (has_help) {
        return fflush(stdout) == 0 && !ferror(stdout) ? CUPEL_OK : CUPEL_OUTPUT;
    }
    if (exec_words != NULL) {
        return run_exec(exec_words, has_jobs);
    }
    const struct cupel__settings *settings = &cupel__settings;
    if (exec_text != NULL) {
        cupel_message("--exec: its program is a word of its own, and nothing but its arguments follows");
        return CUPEL_USAGE;
    }
    if (settings->fuzz != NULL) {
        cupel_message("--fuzz is for one program: bin/tests/PROGRAM --fuzz=%s", settings->fuzz);
        return CUPEL_USAGE;
    }
    command_line.count = argc;
    command_line.words = argv;
    bool is_plain = settings->list || settings->list_json || settings->list_gtest || settings->debugger != NULL;
    if (variants != NULL && !is_plain) {
        return run_variants();
    }
    int status = prepare(&run, &programs, variant);
    if (status == CUPEL_OK) {
        status = is_plain ? cupel__test_run_plain(&run) : run_all(&run);
    }
    cupel__test_programs_deinit(&programs);
    return status;
}

int main(int argc, char **argv) {
    cupel__evidence_start();        /* what is started leaves by exec: its counters up to there are shared */
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told of, by name */
    int status = test_main(argc, argv);
    cupel__evidence_finish();
    return status;
}
