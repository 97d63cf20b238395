/* The text of GoogleTest's programs, line by line as IDEs and test explorers read it; ours ends with one line more, the
 * last one of every text. */
#include "harness/src/report.h"
#include "harness/src/report_groups.h"
#include "harness/src/report_lines.h"
#include "harness/src/suites.h"

#include <inttypes.h>
#include <string.h>

static struct cupel__report_head head;
static char suite[CUPEL__TITLE_MAX]; /* that is open; "" for none */
static int64_t suite_ns;
static uint64_t repeat;
static uint64_t disabled;

#define RED   (head.has_colour ? "\033[0;31m" : "")
#define GREEN (head.has_colour ? "\033[0;32m" : "")
#define PLAIN (head.has_colour ? "\033[m" : "")

static void print_count(FILE *out, uint64_t count, const char *one) {
    fprintf(out, "%" PRIu64 " %s%s", count, one, count == 1 ? "" : "s");
}

static void print_time(FILE *out, int64_t time_ns, const char *word) {
    if (!head.hides_time) {
        fprintf(out, " (%" PRId64 " ms%s)", time_ns / 1000000, word);
    }
}

static void gtest_begin(FILE *out, const struct cupel__report_head *given) {
    head = *given;
    suite[0] = '\0';
    repeat = UINT64_MAX;
    disabled = 0;
    fprintf(out, "Note: seed %" PRIu64 " (--seed=%" PRIu64 " runs the same again).\n", head.seed, head.seed);
    fprintf(out, "%s[==========]%s Running %" PRIu64 " %s", GREEN, PLAIN, head.count, head.unit);
    if (head.suite_count != 0) {
        fputs(" from ", out);
        print_count(out, head.suite_count, "test suite");
    }
    fputs(".\n", out);
}

static const struct cupel__suite *suite_named(const char *name) {
    for (uint32_t i = 0; head.in_order != NULL && i < head.in_order->count; i++) {
        if (strcmp(head.in_order->all[i].name, name) == 0) {
            return &head.in_order->all[i];
        }
    }
    return NULL;
}

static void suite_line(FILE *out, bool is_end) {
    const struct cupel__suite *open = suite_named(suite);
    if (open == NULL || suite[0] == '\0' || !head.is_verbose) {
        return;
    }
    fprintf(out, "%s[----------]%s ", GREEN, PLAIN);
    print_count(out, open->count, "test");
    fprintf(out, " from %s", suite);
    if (is_end) {
        print_time(out, suite_ns, " total");
        fputc('\n', out);
    }
    fputc('\n', out);
}

/* Closes one suite and opens the next, where results come suite by suite. */
static void change_suite(FILE *out, const struct cupel_result *result) {
    bool is_new_repeat = result->repeat != repeat;
    if (!is_new_repeat && strcmp(suite, result->suite) == 0) {
        return;
    }
    suite_line(out, true);
    if (is_new_repeat && repeat != UINT64_MAX && head.in_order != NULL) {
        fprintf(out, "\nRepeating all tests (iteration %" PRIu64 ") . . .\n\n", result->repeat + 1);
    }
    repeat = result->repeat;
    (void)snprintf(suite, sizeof suite, "%s", result->suite);
    suite_ns = 0;
    suite_line(out, false);
}

static void print_row(FILE *out, const struct cupel_result *result) {
    if (result->row != CUPEL_NO_ROW) {
        fprintf(out, ", where GetParam() = %" PRIu32, result->row);
    }
}

static void print_why(FILE *out, const struct cupel_result *result, const char *found) {
    char command[4096];
    if (result->verdict == CUPEL_VERDICT_SKIPPED) {
        fprintf(out, "%s:%u: Skipped\n%s\n", result->file, result->line, result->reason);
        return;
    }
    fprintf(out, "%s:%u: Failure\n", result->failure_file != NULL ? result->failure_file : result->file,
            result->failure_line != 0 ? result->failure_line : result->line);
    cupel__print_indented(out, &result->messages, "");
    cupel__print_lines(out, found, "");
    cupel__print_output(out, &result->output, "  | ");
    (void)cupel_result_command(result, command, sizeof command);
    fprintf(out, "verdict: %s\nagain: %s\n", cupel_verdict_name(result->verdict), command);
}

static void gtest_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    char title[CUPEL__TITLE_MAX];
    bool is_failure = cupel_result_is_failure(result);
    bool is_skipped = result->verdict == CUPEL_VERDICT_SKIPPED;
    (void)cupel_result_title(result, title, sizeof title);
    change_suite(out, result);
    suite_ns += result->duration_ns;
    if (cupel__result_is_disabled(result)) {
        disabled++;
        if (head.is_verbose) {
            fprintf(out, "%s[ DISABLED ]%s %s\n", GREEN, PLAIN, title);
        }
        return;
    }
    if (!is_failure && !head.is_verbose) {
        return;
    }
    if (head.is_verbose) {
        fprintf(out, "%s[ RUN      ]%s %s\n", GREEN, PLAIN, title);
    }
    if (is_failure || is_skipped) {
        print_why(out, result, totals->found.text);
    } else if (head.shows_output) {
        cupel__print_indented(out, &result->output, "  | ");
    }
    const char *mark = is_failure ? "[  FAILED  ]" : is_skipped ? "[  SKIPPED ]" : "[       OK ]";
    fprintf(out, "%s%s%s %s", is_failure ? RED : GREEN, mark, PLAIN, title);
    if (is_failure) {
        print_row(out, result);
    }
    print_time(out, result->duration_ns, "");
    fputc('\n', out);
    (void)fflush(out);
}

/* Titles as they are: ours have the verdict behind them. */
static void print_failed(FILE *out, const struct cupel__totals *totals) {
    fprintf(out, "%s[  FAILED  ]%s ", RED, PLAIN);
    print_count(out, totals->failed, "test");
    fputs(", listed below:\n", out);
    for (uint64_t i = 0; i < totals->failed + totals->findings && i < CUPEL__FAILED_TITLES_MAX; i++) {
        if (totals->is_title_of_finding[i]) {
            continue;
        }
        const char *title = totals->failed_titles[i];
        const char *verdict = strstr(title, " (");
        fprintf(out, "%s[  FAILED  ]%s %.*s\n", RED, PLAIN,
                (int)(verdict == NULL ? strlen(title) : (size_t)(verdict - title)), title);
    }
    fprintf(out, "\n%2" PRIu64 " FAILED %s\n", totals->failed, totals->failed == 1 ? "TEST" : "TESTS");
}

static void gtest_end(FILE *out, const struct cupel__totals *totals) {
    uint64_t ran = totals->passed + totals->failed + totals->skipped - disabled;
    uint64_t skipped = totals->skipped - disabled;
    suite_line(out, true);
    fprintf(out, "%s[==========]%s ", GREEN, PLAIN);
    print_count(out, ran, "test");
    if (head.suite_count != 0) {
        fputs(" from ", out);
        print_count(out, head.suite_count, "test suite");
    }
    fputs(" ran.", out);
    print_time(out, totals->duration_ns, " total");
    fprintf(out, "\n%s[  PASSED  ]%s ", GREEN, PLAIN);
    print_count(out, totals->passed, "test");
    fputs(".\n", out);
    if (skipped != 0) {
        fprintf(out, "%s[  SKIPPED ]%s ", GREEN, PLAIN);
        print_count(out, skipped, "test");
        fputs(".\n", out);
    }
    if (totals->failed != 0) {
        print_failed(out, totals);
    }
    if (disabled != 0) {
        fprintf(out, "\n  YOU HAVE %" PRIu64 " DISABLED %s\n\n", disabled, disabled == 1 ? "TEST" : "TESTS");
    }
    cupel__print_last(out, totals);
}

const struct cupel__sink cupel__sink_gtest = {"gtest", gtest_begin, gtest_result, gtest_end};
