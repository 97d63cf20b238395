/* Reports that other tools read: TAP 14, JSON lines, annotations for GitHub. JUnit is in report_junit.c. */
#include "harness/src/report.h"

#include "alloc/base/json.h"

#include <inttypes.h>
#include <string.h>

#ifndef CUPEL_VARIANT_NAME
#define CUPEL_VARIANT_NAME ""
#endif

static void nothing_at_begin(FILE *out, const struct cupel__report_head *head) {
    (void)out;
    (void)head;
}

static void nothing_at_end(FILE *out, const struct cupel__totals *totals) {
    (void)out;
    (void)totals;
}

static void tap_begin(FILE *out, const struct cupel__report_head *head) {
    fprintf(out, "TAP version 14\n# %s, seed %" PRIu64 "\n", head->title, head->seed);
}

/* A text as a block of YAML, indented under its key. */
static void tap_block(FILE *out, const char *key, const struct cupel_text *text) {
    if (text->length == 0) {
        return;
    }
    fprintf(out, "  %s: |\n", key);
    for (const char *line = text->data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void tap_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    char title[CUPEL__TITLE_MAX];
    char command[4096];
    (void)cupel_result_title(result, title, sizeof title);
    bool is_failure = cupel_result_is_failure(result);
    bool is_todo = result->verdict == CUPEL_VERDICT_OK && strncmp(result->reason, "expected", 8) == 0;
    fprintf(out, "%sok %" PRIu64 " - %s", is_failure || is_todo ? "not " : "",
            totals->passed + totals->failed + totals->skipped, title);
    if (is_todo || result->verdict == CUPEL_VERDICT_SKIPPED) {
        /* lint: allow todo: it is the word of TAP for an expected failure */
        fprintf(out, " # %s %s", is_todo ? "TODO" : "SKIP", result->reason);
    }
    fputc('\n', out);
    if (is_failure) {
        (void)cupel_result_command(result, command, sizeof command);
        fprintf(out, "  ---\n  verdict: %s\n", cupel_verdict_name(result->verdict));
        tap_block(out, "message", &result->messages);
        tap_block(out, "output", &result->output);
        fprintf(out, "  again: |\n    %s\n  ...\n", command);
    }
}

static void tap_end(FILE *out, const struct cupel__totals *totals) {
    if (totals->is_interrupted) {
        fprintf(out, "Bail out! interrupted\n");
    }
    fprintf(out, "1..%" PRIu64 "\n", totals->passed + totals->failed + totals->skipped);
}

const struct cupel__sink cupel__sink_tap = {"tap", tap_begin, tap_result, tap_end};

static void json_text(struct cupel_json *json, const char *key, const char *text) {
    if (text != NULL && text[0] != '\0') {
        cupel_json_key(json, key);
        cupel_json_string(json, text);
    }
}

static void json_number(struct cupel_json *json, const char *key, int64_t value) {
    cupel_json_key(json, key);
    cupel_json_int(json, value);
}

/* One object a line. Texts that are empty are left out. */
static void json_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)totals;
    char text[4096];
    struct cupel_json json;
    cupel_json_init(&json, out, 0);
    cupel_json_object_begin(&json);
    (void)cupel_result_title(result, text, sizeof text);
    json_text(&json, "test", text);
    json_text(&json, "verdict", cupel_verdict_name(result->verdict));
    cupel_json_key(&json, "passed");
    cupel_json_bool(&json, !cupel_result_is_failure(result));
    json_text(&json, "program", result->program);
    json_text(&json, "suite", result->suite);
    json_text(&json, "name", result->name);
    if (result->row != CUPEL_NO_ROW) {
        json_number(&json, "row", result->row);
    }
    json_text(&json, "kind", result->kind == CUPEL_KIND_PROPERTY ? "property" : "test");
    json_text(&json, "file", result->file);
    json_number(&json, "line", result->line);
    json_text(&json, "variant", CUPEL_VARIANT_NAME);
    json_text(&json, "evidence", cupel_evidence_name(result->evidence));
    json_number(&json, "seed", (int64_t)result->seed);
    json_number(&json, "repeat", (int64_t)result->repeat);
    json_text(&json, "fault", result->fault);
    if (result->has_nothing_to_starve) {
        cupel_json_key(&json, "nothing_to_starve");
        cupel_json_bool(&json, true);
    }
    json_number(&json, "duration_ns", result->duration_ns);
    if (result->signal != 0) {
        json_number(&json, "signal", result->signal);
    }
    if (result->exit_status >= 0) {
        json_number(&json, "exit_status", result->exit_status);
    }
    json_number(&json, "failures", result->failures);
    json_text(&json, "failure_file", result->failure_file);
    if (result->failure_line != 0) {
        json_number(&json, "failure_line", result->failure_line);
    }
    json_text(&json, "reason", result->reason);
    json_text(&json, "retained", result->retained);
    json_text(&json, "directory", result->directory);
    if (cupel_result_is_failure(result)) {
        json_text(&json, "messages", result->messages.data);
        (void)cupel_result_command(result, text, sizeof text);
        json_text(&json, "again", text);
    }
    json_text(&json, "output", result->output.data);
    cupel_json_object_end(&json);
    fputc('\n', out);
}

const struct cupel__sink cupel__sink_json = {"json", nothing_at_begin, json_result, nothing_at_end};

/* GitHub's commands escape what would end the line. */
static void github_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '\n' || *text == '\r') {
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
        } else {
            fputc(*text, out);
        }
    }
}

static void github_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)totals;
    if (!cupel_result_is_failure(result)) {
        return;
    }
    char title[CUPEL__TITLE_MAX];
    (void)cupel_result_title(result, title, sizeof title);
    fprintf(
        out,
        "::error file=%s,line=%u,title=%s (%s)::", result->failure_file != NULL ? result->failure_file : result->file,
        result->failure_line != 0 ? result->failure_line : result->line, title, cupel_verdict_name(result->verdict));
    github_text(out, result->messages.data);
    fputc('\n', out);
}

const struct cupel__sink cupel__sink_github = {"github", nothing_at_begin, github_result, nothing_at_end};
