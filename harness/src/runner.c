/* A test program from its arguments to its exit status: parse, select, list or run, report. */
#include "harness/src/callers.h"
#include "harness/src/debugger.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/flakes.h"
#include "harness/src/fuzz_run.h"
#include "harness/src/list.h"
#include "harness/src/perturb.h"
#include "harness/src/plan.h"
#include "harness/src/replay.h"
#include "harness/src/report.h"
#include "harness/src/retries.h"
#include "harness/src/route.h"
#include "harness/src/settings.h"
#include "harness/src/settings_gtest.h"
#include "harness/src/sites.h"
#include "harness/src/state.h"
#include "harness/src/suites.h"
#include "harness/src/supervise.h"
#include "harness/src/suppress.h"
#include "harness/src/worker.h"

#include "alloc/base/message.h"
#include "alloc/base/outfile.h"
#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cupel__run_main(int argc, char **argv);

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* In GoogleTest's words a list of nothing is one, too; into a file where one is named. */
static int list_gtest(const struct cupel__plan *plan) {
    struct cupel__suites suites;
    struct cupel_outfile file;
    struct cupel_error error;
    char path[4096];
    const char *output = plan->settings->gtest_output;
    if (!cupel__suites_init(&suites, plan->entries, plan->count)) {
        cupel_message("out of memory");
        return CUPEL_INTERNAL;
    }
    cupel__list_gtest(plan, &suites, stdout);
    bool is_written = true;
    if (output != NULL) {
        cupel__gtest_output_path(output, base_name(plan->settings->program), path, sizeof path);
        is_written = cupel_outfile_open(&file, path, &error);
        if (is_written) {
            (output[0] == 'j' ? cupel__list_gtest_json : cupel__list_gtest_xml)(plan, &suites, file.stream);
            is_written = cupel_outfile_commit(&file, &error);
        }
        if (!is_written) {
            cupel_message("%s", error.text);
        }
    }
    cupel__suites_deinit(&suites);
    return is_written ? CUPEL_OK : CUPEL_OUTPUT;
}

static int list(const struct cupel__plan *plan) {
    const struct cupel__settings *settings = plan->settings;
    int status = plan->count == 0 ? CUPEL_NOTHING : CUPEL_OK;
    if (settings->list_gtest) {
        status = list_gtest(plan);
    } else if (settings->list_json) {
        cupel__list_json(plan, stdout);
    } else {
        cupel__list_plain(plan, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cupel_message("standard output could not be written: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    return status;
}

/* `cupel test` takes the records of many programs, most of which have nothing that it was asked for: then it is the one
 * to say so. */
static bool is_gathered(void) {
    const struct cupel_option_list *reports = &cupel__settings.reports;
    for (size_t i = 0; i < reports->count; i++) {
        if (strncmp(reports->words[i], "records:", 8) == 0) {
            return true;
        }
    }
    return false;
}

/* A shard may be empty; a selection may not. */
static int nothing_selected(struct cupel__plan *plan) {
    struct cupel__settings whole = *plan->settings;
    whole.shard_count = 0;
    cupel__plan_deinit(plan);
    if (plan->settings == NULL && cupel__settings.shard_count != 0 && cupel__plan_init(plan, &whole)) {
        bool has_others = plan->count != 0;
        cupel__plan_deinit(plan);
        if (has_others && is_gathered()) {
            return CUPEL_OK;
        }
        if (has_others) {
            printf("0 passed, 0 failed, 0 skipped\n");
            return CUPEL_OK;
        }
    }
    if (is_gathered()) {
        return CUPEL_NOTHING;
    }
    if (cupel__settings.may_be_empty) {
        printf("0 passed, 0 failed, 0 skipped\n");
        return CUPEL_OK;
    }
    cupel_message("no test is selected%s", cupel__settings.rerun_failed ? ": nothing failed last time" : "");
    return CUPEL_NOTHING;
}

static const struct cupel__plan *running;

static void give(const struct cupel_result *result) {
    cupel__reports_take(result);
    cupel__state_note(result);
}

static bool take(const struct cupel_result *result) {
    const struct cupel__settings *settings = &cupel__settings;
    cupel__flakes_note(result);
    if (!cupel__retries_hold(running, result)) {
        give(result);
    }
    uint64_t limit = settings->fail_fast ? 1 : (uint64_t)settings->max_fail;
    return limit == 0 || cupel__reports_totals()->failed < limit;
}

/* Where reports go that name no file, and where the text goes: both to standard output, the text to standard error
 * where a report must have that for itself. NULL: it is closed. */
static struct { FILE *out, *text; } streams;

/* A copy, for tests may close or fill the stream. */
static FILE *open_copy(int file) {
    int copy = fcntl(file, F_DUPFD_CLOEXEC, 500);
    if (copy < 0) {
        copy = fcntl(file, F_DUPFD_CLOEXEC, 3);
    }
    return copy < 0 ? NULL : fdopen(copy, "w");
}

static bool open_streams(void) {
    streams.out = open_copy(STDOUT_FILENO);
    streams.text = cupel__reports_fill_out(&cupel__settings.reports) ? open_copy(STDERR_FILENO) : streams.out;
    return streams.out != NULL;
}

static void close_streams(void) {
    if (streams.text != NULL && streams.text != streams.out) {
        (void)fclose(streams.text);
    }
    (void)fclose(streams.out);
}

static int open_reports(const struct cupel__plan *plan, const struct cupel__suites *suites, struct cupel_error *error) {
    struct cupel__settings *settings = &cupel__settings;
    bool is_terminal = settings->style == CUPEL__STYLE_TERMINAL ||
                       (settings->style == CUPEL__STYLE_AUTO && streams.text != NULL && isatty(fileno(streams.text)));
    struct cupel__report_request request = {.out = streams.out,
                                            .text_out = streams.text,
                                            .kinds = &settings->reports,
                                            .gtest_output = is_gathered() ? NULL : settings->gtest_output};
    request.text = settings->style == CUPEL__STYLE_NONE || streams.text == NULL ? NULL
                   : settings->style == CUPEL__STYLE_GTEST                      ? &cupel__sink_gtest
                                                                                : &cupel__sink_plain;
    request.head = (struct cupel__report_head){
        .title = base_name(settings->program),
        .unit = plan->count == 1 ? "test" : "tests",
        .seed = settings->seed,
        .count = plan->count,
        .total = plan->total,
        .is_verbose = settings->verbose,
        .shows_output = settings->show_output,
        .is_terminal = is_terminal,
        .hides_time = settings->hides_time,
        .suite_count = suites->count,
        .in_order = settings->shuffle || settings->jobs > 1 ? NULL : suites,
        .has_colour = settings->colour == 1 || (settings->colour == 0 && is_terminal && cupel_use_colour(streams.text)),
    };
    return cupel__reports_open(&request, error);
}

static int status_of(const struct cupel__totals *totals, bool is_written, bool is_gtest) {
    if (totals->is_interrupted) {
        return CUPEL_INTERRUPTED;
    }
    if (totals->failed + totals->findings != 0 || (cupel__settings.fail_on_flaky && totals->flaky != 0)) {
        return CUPEL_FAILED;
    }
    if (!is_written) {
        return CUPEL_OUTPUT;
    }
    /* Perl's harness takes every status but 0 for a failure. */
    bool says_skipped = !is_gtest && getenv("HARNESS_ACTIVE") == NULL;
    return totals->passed == 0 && totals->skipped != 0 && says_skipped ? CUPEL_SKIPPED : CUPEL_OK;
}

/* A run that comes to its end by itself has a record of every item: one that lost some must not be green. */
static bool is_complete(const struct cupel__plan *plan, const struct cupel__totals *totals) {
    uint64_t done = totals->passed + totals->failed + totals->skipped;
    if (totals->is_interrupted || totals->is_cut || plan->settings->for_ms != 0 || done >= plan->total) {
        return true;
    }
    cupel_message("%" PRIu64 " of %" PRIu64 " tests left no record: a defect of the runner", plan->total - done,
                  plan->total);
    return false;
}

static void begin_sites(void) {
    if (cupel__settings.callers != NULL) {
        (void)cupel__callers_begin(); /* without it nothing is written, and that is told */
    }
    if (cupel__settings.sweep || cupel__settings.sweeping.sites != NULL) {
        (void)cupel__sites_begin(); /* the write fails where it could not */
    }
}

/* The file, and the lines about it. */
static bool end_sites(struct cupel__totals *totals, struct cupel_error *error) {
    static struct cupel_text text;
    const char *path = cupel__settings.sweeping.sites;
    bool is_written = path == NULL || cupel__sites_write(path, error);
    if (cupel__settings.sweep || path != NULL) {
        cupel__sites_summary(cupel__settings.is_verbose_sweep, &text);
        totals->remark = text.data;
    }
    cupel__sites_end();
    return is_written;
}

static int run(struct cupel__plan *plan) {
    struct cupel_error error;
    struct cupel__run_end end = {false, false};
    if (!open_streams()) {
        cupel_message("standard output is closed: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    struct cupel__suites suites;
    if (!cupel__suites_init(&suites, plan->entries, plan->count)) {
        cupel_message("out of memory");
        close_streams();
        return CUPEL_INTERNAL;
    }
    int status = open_reports(plan, &suites, &error);
    if (status != CUPEL_OK) {
        cupel__settings_refuse(&error, "");
        cupel__suites_deinit(&suites);
        close_streams();
        return status;
    }
    if (!is_gathered()) {
        cupel__gtest_premature_begin();
    }
    cupel__evidence_start();
    begin_sites();
    running = plan;
    bool has_run = cupel__flakes_begin(plan) && cupel__supervise(plan, take, &end, &error);
    cupel__retries_run(plan, end.is_interrupted, give);
    cupel__flakes_end(end.is_interrupted, give);
    cupel__evidence_finish();
    if (!has_run) {
        cupel_message("%s", error.text);
    }
    struct cupel__totals *totals = cupel__reports_totals();
    totals->is_interrupted = end.is_interrupted;
    totals->is_cut = end.is_cut;
    struct cupel_error sites_error;
    bool has_sites = end_sites(totals, &sites_error);
    bool is_written = cupel__reports_close(&error);
    (void)cupel__suppress_tell_stale(stderr);
    if (is_written && !has_sites) {
        error = sites_error;
        is_written = false;
    }
    if (is_written && cupel__settings.callers != NULL) {
        is_written = cupel__callers_write(cupel__settings.callers, &error);
    }
    if (!is_written) {
        cupel_message("%s", error.text);
    }
    close_streams();
    cupel__suites_deinit(&suites);
    if (!is_gathered()) {
        cupel__gtest_premature_end();
    }
    if (!cupel__state_save(cupel__settings.program, &error) && cupel__settings.rerun_failed) {
        cupel_message("%s", error.text); /* a read-only installation is no fault of the tests */
    }
    if (!has_run) {
        return CUPEL_LACKING;
    }
    status = status_of(totals, is_written, cupel__settings.is_gtest);
    return !is_complete(plan, totals) && status != CUPEL_FAILED ? CUPEL_INTERNAL : status;
}

static bool is_listing(void) {
    return cupel__settings.list || cupel__settings.list_json || cupel__settings.list_gtest;
}

/* Where this program was executed by a worker of its own: that word, taken from the arguments; else NULL. */
static char *take_worker_word(int *argc, char **argv) {
    if (*argc < 2 || strncmp(argv[1], CUPEL__WORKER_WORD, sizeof CUPEL__WORKER_WORD - 1) != 0) {
        return NULL;
    }
    char *word = argv[1];
    for (int i = 1; i < *argc; i++) {
        argv[i] = argv[i + 1];
    }
    --*argc;
    return word;
}

int cupel__run_main(int argc, char **argv) {
    struct cupel_error error;
    struct cupel__plan plan;
    bool has_help = false;
    int status;
    char *worker_word = take_worker_word(&argc, argv);
    cupel_message_program(argc > 0 ? base_name(argv[0]) : "test program");
    cupel__perturb_process_keep(argc, argv);
    const char *inherited = cupel__fuzz_inherited(argc, argv);
    if (inherited != NULL) {
        cupel__settings.program = argv[0];
        return cupel__fuzz_main(inherited, NULL, 0, (const char **)argv + 1, argc - 1);
    }
    if (!cupel__settings_parse(NULL, argc, argv, &has_help, &error)) {
        cupel__settings_refuse(&error, "");
        return CUPEL_USAGE;
    }
    if (worker_word != NULL && cupel__worker_seed(worker_word, &cupel__settings.seed)) {
        cupel__settings.fault_plan.seed = cupel__settings.seed;
    }
    if (has_help) {
        return fflush(stdout) == 0 && !ferror(stdout) ? CUPEL_OK : CUPEL_OUTPUT;
    }
    cupel__route_take_libc(cupel__settings.libc_faults);
    if (!is_listing() && !cupel__route_check(&error)) {
        cupel_message("%s", error.text);
        return CUPEL_LACKING;
    }
    if (cupel__settings.replay != NULL || cupel__settings.decode != NULL) {
        cupel__evidence_start();
        status = cupel__replay_main();
        cupel__evidence_finish();
        return status;
    }
    if (cupel__settings.fuzz != NULL) {
        const struct cupel__settings *settings = &cupel__settings;
        return cupel__fuzz_main(settings->fuzz, settings->words, settings->word_count, settings->rest,
                                settings->rest_count);
    }
    if (!cupel__state_load(cupel__settings.program, &error) && cupel__settings.rerun_failed) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    if (!cupel__plan_init(&plan, &cupel__settings)) {
        cupel_message("out of memory");
        return CUPEL_INTERNAL;
    }
    if (worker_word != NULL) {
        cupel__worker_entered(&plan, worker_word);
    }
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told of, by name; workers take it as they find it */
    if (is_listing()) {
        status = list(&plan);
    } else if (plan.count == 0) {
        status = nothing_selected(&plan);
    } else if (cupel__settings.debugger != NULL) {
        status = cupel__debugger_main(argc, argv);
    } else {
        status = run(&plan);
    }
    cupel__plan_deinit(&plan);
    cupel__state_deinit();
    return status;
}
