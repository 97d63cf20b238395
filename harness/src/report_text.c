/* The text on standard output: failures whole, the rest in numbers, and one last line that never changes its form. On a
 * terminal with colours and a line of progress. */
#include "harness/src/report_lines.h"

#include "harness/src/plural.h"

#include "alloc/base/progress.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1000 };

static struct cupel__report_head head;
static struct cupel_progress progress;
static struct cupel_progress slow; /* in a log: of what takes long within one test */

static const char *colour(const char *code) {
    return head.has_colour ? code : "";
}

#define RED    colour("\033[1;31m")
#define GREEN  colour("\033[32m")
#define YELLOW colour("\033[33m")
#define DIM    colour("\033[2m")
#define PLAIN  colour("\033[0m")

static void plain_begin(FILE *out, const struct cupel__report_head *given) {
    head = *given;
    memset(&progress, 0, sizeof progress);
    cupel_progress_init(&progress, head.is_terminal ? out : NULL);
    cupel_progress_init(&slow, head.is_terminal ? NULL : out);
    slow.last_ms = cupel_clock_ms();
    fprintf(out, "%s: %" PRIu64 " %s, seed %" PRIu64 "\n", head.title, head.count, head.unit, head.seed);
}

void cupel__print_indented(FILE *out, const struct cupel_text *text, const char *margin) {
    cupel__print_lines(out, text->data, margin);
}

void cupel__print_lines(FILE *out, const char *text, const char *margin) {
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (length > LINE_MAX_BYTES) {
            fprintf(out, "%s%.*s [and %zu bytes more]\n", margin, LINE_MAX_BYTES, line, length - LINE_MAX_BYTES);
        } else {
            fprintf(out, "%s%.*s\n", margin, (int)length, line);
        }
        line += length + (line[length] == '\n');
    }
}

/* Behind that many lines. */
static const char *skip_lines(const char *text, size_t count) {
    for (; count > 0 && *text != '\0'; count--) {
        size_t length = strcspn(text, "\n");
        text += length + (text[length] == '\n');
    }
    return text;
}

/* What a failed test printed. Of one that prints without end nobody reads the middle; the end is the longer part, for
 * there a sanitizer's report stands. */
void cupel__print_output(FILE *out, const struct cupel_text *text, const char *margin) {
    enum { SHOWN_MAX = 200, BEGIN = 40, END = 120 };
    static const char mark[] = " bytes left out here]\n";
    size_t count = 0;
    for (const char *at = text->data; *at != '\0'; count++) {
        at = skip_lines(at, 1);
    }
    if (count <= SHOWN_MAX) {
        cupel__print_indented(out, text, margin);
        return;
    }
    static struct cupel_text part; /* large */
    const char *middle = skip_lines(text->data, BEGIN);
    const char *end = skip_lines(middle, count - BEGIN - END);
    part.length = 0;
    part.is_truncated = false;
    cupel_text_add_n(&part, text->data, (size_t)(middle - text->data));
    cupel__print_indented(out, &part, margin);
    fprintf(out, "%s[%zu lines", margin, count - BEGIN - END);
    const char *bytes = memmem(middle, (size_t)(end - middle), mark, sizeof mark - 1);
    const char *number = bytes;
    while (number != NULL && number > middle && number[-1] >= '0' && number[-1] <= '9') {
        number--; /* of what never came here */
    }
    if (bytes != NULL) {
        fprintf(out, " and %.*s bytes more", (int)(bytes - number), number);
    }
    fprintf(out, " left out here]\n");
    cupel__print_lines(out, end, margin);
}

static void print_failure(FILE *out, const struct cupel_result *result, const char *title) {
    char command[4096];
    fprintf(out, "%sFAILED%s %s: %s (%.1f ms)\n", RED, PLAIN, title, cupel_verdict_name(result->verdict),
            (double)result->duration_ns / 1e6);
    cupel__print_indented(out, &result->messages, "");
    if (result->output.length != 0) {
        fprintf(out, "%sit printed:%s\n", DIM, PLAIN);
        cupel__print_output(out, &result->output, "  | ");
    }
    (void)cupel_result_command(result, command, sizeof command);
    fprintf(out, "%sagain: %s%s\n\n", DIM, command, PLAIN);
    (void)fflush(out); /* what was found is there, whatever comes of the run */
}

/* What its repeats came to, once, behind them. */
static void plain_flake(FILE *out, const struct cupel_result *result) {
    char title[CUPEL__TITLE_MAX];
    char command[4096];
    (void)cupel_result_title(result, title, sizeof title);
    (void)cupel_result_command(result, command, sizeof command);
    cupel_progress_clear(&progress);
    fprintf(out, "%sFLAKY%s %s: %s\n", YELLOW, PLAIN, title, cupel_verdict_name(result->verdict));
    cupel__print_indented(out, &result->messages, "");
    fprintf(out, "%sagain: %s%s\n\n", DIM, command, PLAIN);
}

static void print_retried(FILE *out, const struct cupel_result *result, const char *title) {
    fprintf(out, "%sFLAKY%s %s: failed %" PRIu64 " of %" PRIu64 " tries, then passed\n", YELLOW, PLAIN, title,
            result->flake.failures, result->flake.runs);
    cupel__print_indented(out, &result->messages, "  ");
}

static void plain_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    char title[CUPEL__TITLE_MAX];
    (void)cupel_result_title(result, title, sizeof title);
    bool is_failure = cupel_result_is_failure(result);
    bool shows_output = head.shows_output && result->output.length != 0;
    if (is_failure || head.is_verbose || shows_output || result->verdict == CUPEL_VERDICT_SKIPPED ||
        result->is_unswept) {
        cupel_progress_clear(&progress);
    }
    if (is_failure) {
        print_failure(out, result, title);
    } else if (result->flake.runs != 0) {
        cupel_progress_clear(&progress);
        print_retried(out, result, title);
    } else if (result->verdict == CUPEL_VERDICT_SKIPPED) {
        fprintf(out, "%sskipped%s %s: %s\n", YELLOW, PLAIN, title, result->reason);
    } else if (result->is_unswept && !shows_output) {
        fprintf(out, "%snot swept%s %s: %s\n", YELLOW, PLAIN, title, result->reason);
    } else if (head.is_verbose || shows_output) {
        fprintf(out, "%sok%s %s (%.1f ms)%s%s\n", GREEN, PLAIN, title, (double)result->duration_ns / 1e6,
                result->reason[0] != '\0' ? " " : "", result->reason);
        if (result->retained[0] != '\0') {
            fprintf(out, "  %s\n", result->retained);
        }
        if (shows_output) {
            cupel__print_indented(out, &result->output, "  | ");
        }
    }
    uint64_t done = totals->passed + totals->failed + totals->skipped;
    if (head.total == UINT64_MAX) {
        cupel_progress_show(&progress, false, "%" PRIu64 " done, %" PRIu64 " failed; %s", done, totals->failed, title);
    } else {
        cupel_progress_show(&progress, false, "%" PRIu64 " of %" PRIu64 ", %" PRIu64 " failed; %s", done, head.total,
                            totals->failed, title);
    }
}

static void print_unstarved(FILE *out, const struct cupel__totals *totals) {
    if (totals->unswept != 0) {
        fprintf(out, "%" PRIu64 " %s not swept: %s passed once, as without a sweep\n", totals->unswept,
                totals->unswept == 1 ? "test was" : "tests were", totals->unswept == 1 ? "it" : "they");
    }
    if (totals->unstarved != 0) {
        fprintf(out, "%" PRIu64 " %s had nothing to starve: %s passed, and the sweep says nothing of %s\n",
                totals->unstarved, totals->unstarved == 1 ? "test" : "tests", totals->unstarved == 1 ? "it" : "they",
                totals->unstarved == 1 ? "it" : "them");
    }
}

void cupel__print_last(FILE *out, const struct cupel__totals *totals) {
    fputs(totals->remark != NULL ? totals->remark : "", out);
    print_unstarved(out, totals);
    if (totals->findings != 0) {
        fprintf(out, "%" PRIu64 " finding%s\n", totals->findings, cupel__s(totals->findings));
    }
    if (totals->known != 0) {
        fprintf(out, "%" PRIu64 " known finding%s\n", totals->known, cupel__s(totals->known));
    }
    if (totals->flaky != 0) {
        fprintf(out, "%" PRIu64 " flaky\n", totals->flaky);
    }
    fprintf(out, "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", totals->passed, totals->failed,
            totals->skipped);
}

static void plain_end(FILE *out, const struct cupel__totals *totals) {
    cupel_progress_clear(&progress);
    uint64_t titles = totals->failed + totals->findings;
    if (titles > 1) {
        fprintf(out, "failed:\n");
    }
    for (uint64_t i = 0; titles > 1 && i < titles && i < CUPEL__FAILED_TITLES_MAX; i++) {
        fprintf(out, "  %s\n", totals->failed_titles[i]);
    }
    if (titles > CUPEL__FAILED_TITLES_MAX) {
        fprintf(out, "  and %" PRIu64 " more\n", titles - CUPEL__FAILED_TITLES_MAX);
    }
    uint64_t done = totals->passed + totals->failed + totals->skipped;
    if (totals->is_interrupted) {
        fprintf(out, "interrupted after %" PRIu64 " test%s\n", done, cupel__s(done));
    } else if (totals->is_cut) {
        fprintf(out, "stopped after %" PRIu64 " test%s\n", done, cupel__s(done));
    }
    cupel__print_last(out, totals);
}

static void plain_progress(FILE *out, const char *text) {
    (void)out;
    cupel_progress_show(&progress, false, "%s", text);
    cupel_progress_show(&slow, false, "%s", text);
}

const struct cupel__sink cupel__sink_plain = {"plain",     plain_begin,    plain_result, plain_end,
                                              plain_flake, plain_progress, true};
