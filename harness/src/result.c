/* Result records: see result.h. Nothing here allocates. */
#include "harness/result.h"

#include "harness/src/quote.h"
#include "harness/src/title.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_names[CUPEL_VERDICT_COUNT] = {
    [CUPEL_VERDICT_OK] = "ok",
    [CUPEL_VERDICT_SKIPPED] = "skipped",
    [CUPEL_VERDICT_LEAK] = "leak",
    [CUPEL_VERDICT_CRASH] = "crash",
    [CUPEL_VERDICT_HANG] = "hang",
    [CUPEL_VERDICT_SWALLOWED] = "swallowed",
    [CUPEL_VERDICT_WRONG] = "wrong",
    [CUPEL_VERDICT_STATE_CHANGED] = "state-changed",
    [CUPEL_VERDICT_NOT_RECOVERED] = "not-recovered",
    [CUPEL_VERDICT_ABORTED] = "aborted",
    [CUPEL_VERDICT_NONDETERMINISTIC] = "nondeterministic",
    [CUPEL_VERDICT_NOT_REACHED] = "not-reached",
};

static const char *const evidence_names[CUPEL_EVIDENCE_COUNT] = {"unit", "property", "fuzz", "fault", "crash"};

const char *cupel_verdict_name(enum cupel_verdict verdict) {
    return (unsigned)verdict < CUPEL_VERDICT_COUNT ? verdict_names[verdict] : "unknown";
}

const char *cupel_evidence_name(enum cupel_evidence evidence) {
    return (unsigned)evidence < CUPEL_EVIDENCE_COUNT ? evidence_names[evidence] : "unknown";
}

bool cupel_result_is_failure(const struct cupel_result *result) {
    return result->verdict != CUPEL_VERDICT_OK && result->verdict != CUPEL_VERDICT_SKIPPED;
}

bool cupel_result_is_flake_summary(const struct cupel_result *result) {
    return result->flake.runs != 0 && cupel_result_is_failure(result);
}

static double square_root(double value) {
    double root = value > 1 ? value : 1;
    for (int i = 0; i < 64; i++) { /* Newton: a library of mathematics is more than this needs */
        root = (root + value / root) / 2;
    }
    return root;
}

void cupel_flake_interval(const struct cupel_flake *flake, double *low, double *high) {
    const double z = 1.959963984540054; /* of the normal distribution, 95 % lie within */
    double n = (double)flake->runs;
    double rate = (double)flake->failures / n;
    double middle = (rate + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * square_root(rate * (1 - rate) / n + z * z / (4 * n * n));
    *low = flake->failures == 0 ? 0 : middle - half;
    *high = flake->failures == flake->runs ? 1 : middle + half;
}

static void text_clear(struct cupel_text *text) {
    text->length = 0;
    text->is_truncated = false;
    text->data[0] = '\0';
}

static void text_copy(struct cupel_text *to, const struct cupel_text *from) {
    to->length = from->length;
    to->is_truncated = from->is_truncated;
    memcpy(to->data, from->data, from->length);
    to->data[from->length] = '\0';
}

void cupel_result_clear(struct cupel_result *result) {
    memset(result, 0, offsetof(struct cupel_result, fault));
    result->row = CUPEL_NO_ROW;
    result->exit_status = -1;
    result->flake.runs = 0;
    result->flake.failures = 0;
    result->flake.follows[0] = '\0';
    result->fault[0] = '\0';
    result->flags[0] = '\0';
    result->reason[0] = '\0';
    result->retained[0] = '\0';
    result->directory[0] = '\0';
    text_clear(&result->messages);
    text_clear(&result->notes);
    text_clear(&result->output);
}

void cupel_result_copy(struct cupel_result *to, const struct cupel_result *from) {
    memcpy(to, from, offsetof(struct cupel_result, messages));
    text_copy(&to->messages, &from->messages);
    text_copy(&to->notes, &from->notes);
    text_copy(&to->output, &from->output);
}

int cupel_result_title(const struct cupel_result *result, char *text, size_t size) {
    return cupel__title(result->suite, result->name, result->row, text, size);
}

int cupel_result_command(const struct cupel_result *result, char *text, size_t size) {
    static const char *const isolation_names[] = {"worker", "worker", "process", "none"};
    char program[4096];
    char title[512];
    char repeat[64] = "";
    char fault[CUPEL_FAULT_TOKEN_MAX + 16] = "";
    if (result->command != NULL) {
        return snprintf(text, size, "%s", result->command);
    }
    (void)cupel_result_title(result, title, sizeof title);
    if (result->repeat != 0) {
        (void)snprintf(repeat, sizeof repeat, " --repeat-index=%" PRIu64, result->repeat);
    }
    if (result->fault[0] != '\0') {
        (void)snprintf(fault, sizeof fault, " --fault='%s'", result->fault);
    } else if (result->evidence == CUPEL_EVIDENCE_FAULT) { /* all faults: the summary of a sweep */
        (void)snprintf(fault, sizeof fault, " --sweep");
    }
    (void)cupel__quote(result->program, program, sizeof program);
    if (result->line == 0) { /* of a process, not of a test */
        return snprintf(text, size, "%s --seed=%" PRIu64 "%s", program, result->seed, result->flags);
    }
    return snprintf(text, size, "%s --filter='%s' --seed=%" PRIu64 "%s%s --isolate=%s%s", program, title, result->seed,
                    repeat, fault, isolation_names[(unsigned)result->isolation & 3], result->flags);
}

void cupel_text_add_n(struct cupel_text *text, const char *data, size_t length) {
    static const char mark[] = "\n[cut here: more than this record holds]\n";
    if (text->is_truncated) {
        return;
    }
    size_t room = sizeof text->data - sizeof mark - text->length;
    if (length <= room) {
        memcpy(text->data + text->length, data, length);
        text->length += (uint32_t)length;
    } else {
        memcpy(text->data + text->length, data, room);
        memcpy(text->data + text->length + room, mark, sizeof mark - 1);
        text->length += (uint32_t)(room + sizeof mark - 1);
        text->is_truncated = true;
    }
    text->data[text->length] = '\0';
}

void cupel_text_add(struct cupel_text *text, const char *format, ...) {
    char piece[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (length > 0) {
        cupel_text_add_n(text, piece, (size_t)length < sizeof piece ? (size_t)length : sizeof piece - 1);
    }
}
