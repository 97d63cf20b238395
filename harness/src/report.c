/* The hub of reports: opens the sinks that were asked for, counts, hands records round. See report.h. */
#include "harness/src/report.h"
#include "harness/src/report_findings.h"
#include "harness/src/settings.h"
#include "harness/src/wire.h"

#include "alloc/base/outfile.h"
#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINKS_MAX = 16 };

struct open_sink {
    const struct cupel__sink *sink;
    FILE *out;
    struct cupel_outfile file; /* where it is a file of its own */
    bool has_file;
};

static struct open_sink sinks[SINKS_MAX];
static unsigned sink_count;
static int records_file = -1;
static struct cupel__totals totals;
static FILE *outs[2]; /* of reports that name no file, and of the text: maybe one stream */
static bool has_lost;

static const struct cupel__sink *const kinds[] = {&cupel__sink_tap, &cupel__sink_tap13, &cupel__sink_junit,
                                                  &cupel__sink_json, &cupel__sink_github};

struct cupel__totals *cupel__reports_totals(void) {
    return &totals;
}

static void discard_all(void) {
    for (unsigned i = 0; i < sink_count; i++) {
        if (sinks[i].has_file) {
            cupel_outfile_discard(&sinks[i].file);
        }
    }
    sink_count = 0;
}

static int add_sink(const struct cupel__sink *sink, const char *path, FILE *out, struct cupel_error *error) {
    if (sink_count == SINKS_MAX) {
        (void)cupel_error_set(error, 0, 0, "more than %d reports", SINKS_MAX);
        return CUPEL_USAGE;
    }
    struct open_sink *open = &sinks[sink_count];
    open->sink = sink;
    open->out = out;
    open->has_file = path != NULL;
    if (path != NULL) {
        if (!cupel_outfile_open(&open->file, path, error)) {
            return CUPEL_OUTPUT;
        }
        open->out = open->file.stream;
    }
    sink_count++;
    return CUPEL_OK;
}

/* One word of the list: KIND or KIND:FILE. */
static int add_word(const char *word, size_t length, FILE *out, struct cupel_error *error) {
    const char *colon = memchr(word, ':', length);
    size_t kind_length = colon == NULL ? length : (size_t)(colon - word);
    char path[4096];
    if (colon != NULL && length - kind_length >= sizeof path) {
        (void)cupel_error_set(error, 0, cupel__settings_column(word), "--report: the file's name is too long");
        return CUPEL_USAGE;
    }
    if (colon != NULL) {
        memcpy(path, colon + 1, length - kind_length - 1);
        path[length - kind_length - 1] = '\0';
    }
    if (colon != NULL && kind_length == 7 && memcmp(word, "records", 7) == 0) {
        records_file = atoi(path);
        (void)fcntl(records_file, F_SETFD, FD_CLOEXEC); /* not for what tests start */
        return CUPEL_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i]->name) == kind_length && memcmp(kinds[i]->name, word, kind_length) == 0) {
            return add_sink(kinds[i], colon == NULL ? NULL : path, out, error);
        }
    }
    char names[64] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", kinds[i]->name);
    }
    (void)cupel_error_set(error, 0, cupel__settings_column(word), "--report: '%.*s' is none of %s",
                          (int)(kind_length < 60 ? kind_length : 60), word, names);
    return CUPEL_USAGE;
}

void cupel__reports_lose(void) {
    has_lost = true;
}

void cupel__gtest_output_path(const char *output, const char *program, char *path, size_t size_bytes) {
    const char *name = strchr(output, ':');
    const char *extension = output[0] == 'j' ? "json" : "xml";
    if (name == NULL || name[1] == '\0') {
        (void)snprintf(path, size_bytes, "test_detail.%s", extension);
        return;
    }
    name++;
    if (name[strlen(name) - 1] != '/') {
        (void)snprintf(path, size_bytes, "%s", name);
        return;
    }
    (void)snprintf(path, size_bytes, "%s%s.%s", name, program, extension);
    for (int i = 1; access(path, F_OK) == 0 && i < 10000; i++) { /* each run has a file of its own there */
        (void)snprintf(path, size_bytes, "%s%s_%d.%s", name, program, i, extension);
    }
}

static int add_gtest(const struct cupel__report_request *request, struct cupel_error *error) {
    char path[4096];
    if (request->gtest_output == NULL) {
        return CUPEL_OK;
    }
    cupel__gtest_output_path(request->gtest_output, request->head.title, path, sizeof path);
    return add_sink(request->gtest_output[0] == 'j' ? &cupel__sink_gtest_json : &cupel__sink_gtest_xml, path, NULL,
                    error);
}

/* In a log whose other end others write to as well, a line is one write. */
static void write_by_lines(unsigned which, FILE *out) {
    static char buffers[2][16384];
    outs[which] = out;
    if (out != NULL && (which == 0 || out != outs[0])) {
        (void)fflush(out);
        (void)setvbuf(out, buffers[which], _IOLBF, sizeof buffers[which]);
    }
}

static bool is_github(const char *word, size_t length) {
    return length == strlen("github") && memcmp(word, "github", length) == 0;
}

bool cupel__reports_fill_out(const struct cupel_option_list *given) {
    for (size_t i = 0; i < given->count; i++) {
        for (const char *word = given->words[i]; *word != '\0';) {
            size_t length = strcspn(word, ",");
            if (length != 0 && memchr(word, ':', length) == NULL && !is_github(word, length)) {
                return true;
            }
            word += length + (word[length] == ',');
        }
    }
    return false;
}

int cupel__reports_open(const struct cupel__report_request *request, struct cupel_error *error) {
    write_by_lines(0, request->out);
    write_by_lines(1, request->text_out);
    memset(&totals, 0, sizeof totals);
    cupel__findings_forget();
    totals.start_ns = cupel_clock_ns();
    sink_count = 0;
    records_file = -1;
    has_lost = false;
    for (size_t i = 0; i < request->kinds->count; i++) {
        for (const char *word = request->kinds->words[i]; *word != '\0';) {
            size_t length = strcspn(word, ",");
            FILE *log = request->text_out != NULL ? request->text_out : request->out;
            int status = add_word(word, length, is_github(word, length) ? log : request->out, error);
            if (status != CUPEL_OK) {
                discard_all();
                return status;
            }
            word += length + (word[length] == ',');
        }
    }
    int status = add_gtest(request, error);
    if (status == CUPEL_OK && request->text != NULL) {
        status = add_sink(request->text, NULL, request->text_out, error);
    }
    if (status != CUPEL_OK) {
        discard_all();
        return status;
    }
    for (unsigned i = 0; i < sink_count; i++) {
        sinks[i].sink->begin(sinks[i].out, &request->head);
    }
    return CUPEL_OK;
}

static void note_title(const struct cupel_result *result) {
    uint64_t index = totals.failed + totals.findings;
    if (index >= CUPEL__FAILED_TITLES_MAX) {
        return;
    }
    char *title = totals.failed_titles[index];
    int length = cupel_result_title(result, title, CUPEL__TITLE_MAX);
    totals.is_title_of_finding[index] = result->is_finding;
    if (length < CUPEL__TITLE_MAX) {
        (void)snprintf(title + length, (size_t)(CUPEL__TITLE_MAX - length), " (%s%s%s)",
                       cupel_verdict_name(result->verdict), result->fault[0] != '\0' ? ", fault " : "", result->fault);
    }
}

static void count_finding(const struct cupel_result *result) {
    if (!cupel_result_is_failure(result)) {
        totals.known += result->verdict == CUPEL_VERDICT_SKIPPED;
        return;
    }
    note_title(result);
    totals.findings++;
}

static void count(const struct cupel_result *result) {
    totals.flaky += result->flake.runs != 0;
    if (cupel_result_is_flake_summary(result)) {
        return; /* its repeats are counted */
    }
    totals.unstarved += result->has_nothing_to_starve;
    totals.unswept += result->is_unswept;
    if (!cupel_result_is_failure(result)) {
        *(result->verdict == CUPEL_VERDICT_SKIPPED ? &totals.skipped : &totals.passed) += 1;
        return;
    }
    note_title(result);
    totals.failed++;
}

/* A finding goes at once to those who tell it by itself; for the others it is held until its test's record comes. */
static void take_finding(const struct cupel_result *result) {
    bool has_waiting = false;
    count_finding(result);
    totals.found = (struct cupel__found){.text = ""};
    for (unsigned i = 0; i < sink_count; i++) {
        has_waiting = has_waiting || !sinks[i].sink->takes_findings;
        if (sinks[i].sink->takes_findings) {
            sinks[i].sink->result(sinks[i].out, result, &totals);
        }
    }
    cupel__findings_hold(result, has_waiting);
}

static void take_record(const struct cupel_result *result) {
    bool is_summary = cupel_result_is_flake_summary(result);
    count(result);
    totals.found = cupel__findings_of(result);
    for (unsigned i = 0; i < sink_count; i++) {
        if (!is_summary) {
            sinks[i].sink->result(sinks[i].out, result, &totals);
        } else if (sinks[i].sink->flake != NULL) {
            sinks[i].sink->flake(sinks[i].out, result);
        }
    }
}

void cupel__reports_take(const struct cupel_result *result) {
    if (records_file >= 0 && !cupel__wire_write(records_file, result)) {
        records_file = -1;
    }
    (result->is_finding ? take_finding : take_record)(result);
}

void cupel__reports_progress(const char *text) {
    static struct cupel_progress elsewhere; /* where another program writes the text: beside it */
    for (unsigned i = 0; i < sink_count; i++) {
        if (sinks[i].sink->progress != NULL) {
            sinks[i].sink->progress(sinks[i].out, text);
        }
    }
    if (records_file >= 0) {
        if (elsewhere.stream == NULL) {
            cupel_progress_init(&elsewhere, stderr);
            elsewhere.last_ms = cupel_clock_ms();
        }
        cupel_progress_show(&elsewhere, false, "%s", text);
    }
}

bool cupel__reports_close(struct cupel_error *error) {
    bool is_written = true;
    for (const struct cupel_result *left; (left = cupel__findings_left()) != NULL;) {
        cupel__reports_take(left);
    }
    totals.duration_ns = cupel_clock_ns() - totals.start_ns;
    for (unsigned i = 0; i < sink_count; i++) {
        sinks[i].sink->end(sinks[i].out, &totals);
        struct cupel_error own;
        if (sinks[i].has_file && !cupel_outfile_commit(&sinks[i].file, &own)) {
            is_written = false;
            (void)cupel_error_set(error, 0, 0, "%s", own.text);
        }
    }
    sink_count = 0;
    if (has_lost) {
        is_written = cupel_error_set(error, 0, 0, "a report lacks records: out of memory");
    }
    for (unsigned i = 0; i < 2; i++) {
        if (outs[i] != NULL && (fflush(outs[i]) != 0 || ferror(outs[i]))) {
            is_written = cupel_error_set(error, 0, 0, "standard %s could not be written: %s",
                                         outs[i] == outs[0] ? "output" : "error", strerror(errno));
        }
    }
    return is_written;
}
