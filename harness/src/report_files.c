/* Reports that other tools read: TAP 14 and 13, JSON lines, annotations for GitHub. JUnit is in report_junit.c. */
#include "harness/src/report.h"

#include "alloc/base/json.h"

#include <inttypes.h>
#include <stdlib.h>
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

/* What we write is TAP 13 as it is TAP 14, but for the number. */
static void tap_head(FILE *out, int version, const struct cupel__report_head *head) {
    fprintf(out, "TAP version %d\n# %s, seed %" PRIu64 "\n", version, head->title, head->seed);
}

/* Perl's harness takes nothing later than 13, and says that it is the one who reads. */
static void tap_begin(FILE *out, const struct cupel__report_head *head) {
    tap_head(out, getenv("HARNESS_ACTIVE") != NULL ? 13 : 14, head);
}

/* It cannot say so where it reads a file, later. */
static void tap13_begin(FILE *out, const struct cupel__report_head *head) {
    tap_head(out, 13, head);
}

/* Of a title or a reason: on one line, and no directive by chance. */
static void tap_words(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r') {
            fputc(' ', out);
            continue;
        }
        if (*text == '#' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

/* A text under its key: as a literal block of YAML, or, where that would be guessed wrongly because it begins with a
 * blank, as a quoted string. Bytes that YAML has no place for are replaced. */
static void tap_block(FILE *out, const char *key, const char *text) {
    bool is_quoted = text[0] == ' ' || text[0] == '\t' || text[0] == '\n';
    if (text[0] == '\0') {
        return;
    }
    fprintf(out, is_quoted ? "  %s: \"" : "  %s: |\n    ", key);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '\n' && !is_quoted) {
            fputs(text[1] == '\0' ? "" : text[1] == '\n' ? "\n" : "\n    ", out);
        } else if (byte == '\n') {
            fputs("\\n", out);
        } else if (is_quoted && (byte == '"' || byte == '\\')) {
            fprintf(out, "\\%c", byte);
        } else {
            fputc(byte == '\t' || (byte >= 0x20 && byte != 0x7f) ? byte : '?', out);
        }
    }
    fputs(is_quoted ? "\"\n" : "\n", out);
}

/* Of a test that passed: what is known of it. */
static void tap_known(FILE *out, const char *found) {
    while (*found != '\0') {
        size_t length = strcspn(found, "\n");
        fprintf(out, "# %.*s\n", (int)length, found);
        found += length + (found[length] == '\n');
    }
}

static void tap_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    char title[CUPEL__TITLE_MAX];
    char command[4096];
    (void)cupel_result_title(result, title, sizeof title);
    bool is_failure = cupel_result_is_failure(result);
    bool is_todo =
        result->verdict == CUPEL_VERDICT_OK && !result->is_unswept && strncmp(result->reason, "expected", 8) == 0;
    fprintf(out, "%sok %" PRIu64 " - ", is_failure || is_todo ? "not " : "",
            totals->passed + totals->failed + totals->skipped);
    tap_words(out, title);
    if (is_todo || result->verdict == CUPEL_VERDICT_SKIPPED) {
        /* lint: allow todo: it is the word of TAP for an expected failure */
        fprintf(out, " # %s ", is_todo ? "TODO" : "SKIP");
        tap_words(out, result->reason);
    }
    fputc('\n', out);
    if (is_failure) {
        (void)cupel_result_command(result, command, sizeof command);
        fprintf(out, "  ---\n  verdict: %s\n", cupel_verdict_name(result->verdict));
        tap_block(out, "message", result->messages.data);
        tap_block(out, "findings", totals->found.text);
        tap_block(out, "output", result->output.data);
        tap_block(out, "again", command);
        fputs("  ...\n", out);
    } else {
        tap_known(out, totals->found.text);
    }
}

static void tap_flake(FILE *out, const struct cupel_result *result) {
    char title[CUPEL__TITLE_MAX];
    (void)cupel_result_title(result, title, sizeof title);
    fprintf(out, "# flaky: %s: ", title);
    for (const char *text = result->messages.data; *text != '\0'; text++) {
        fputs(*text != '\n' ? (const char[]){*text, '\0'} : text[1] == '\0' ? "" : "; ", out);
    }
    fputc('\n', out);
}

static void tap_end(FILE *out, const struct cupel__totals *totals) {
    uint64_t count = totals->passed + totals->failed + totals->skipped;
    fprintf(out, "1..%" PRIu64 "%s\n", count, count == 0 ? " # SKIP nothing was run" : "");
    if (totals->is_interrupted) {
        fprintf(out, "Bail out! interrupted\n");
    }
}

const struct cupel__sink cupel__sink_tap = {"tap", tap_begin, tap_result, tap_end, tap_flake};
const struct cupel__sink cupel__sink_tap13 = {"tap13", tap13_begin, tap_result, tap_end, tap_flake};

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

static void json_flake_members(struct cupel_json *json, const struct cupel_result *result) {
    double low;
    double high;
    cupel_flake_interval(&result->flake, &low, &high);
    json_number(json, "runs", (int64_t)result->flake.runs);
    json_number(json, "failures", (int64_t)result->flake.failures);
    cupel_json_key(json, "low");
    cupel_json_double(json, low);
    cupel_json_key(json, "high");
    cupel_json_double(json, high);
    json_text(json, "follows", result->flake.follows);
}

/* No "test": it is none of the records that stand for a run each. */
static void json_flake(FILE *out, const struct cupel_result *result) {
    char text[4096];
    struct cupel_json json;
    cupel_json_init(&json, out, 0);
    cupel_json_object_begin(&json);
    (void)cupel_result_title(result, text, sizeof text);
    json_text(&json, "flaky", text);
    json_text(&json, "verdict", cupel_verdict_name(result->verdict));
    json_text(&json, "program", result->program);
    json_text(&json, "file", result->file);
    json_number(&json, "line", result->line);
    json_number(&json, "seed", (int64_t)result->seed);
    json_number(&json, "repeat", (int64_t)result->repeat);
    json_flake_members(&json, result);
    (void)cupel_result_command(result, text, sizeof text);
    json_text(&json, "again", text);
    cupel_json_object_end(&json);
    fputc('\n', out);
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
    if (result->is_finding) {
        cupel_json_key(&json, "finding");
        cupel_json_bool(&json, true);
    }
    if (result->has_nothing_to_starve) {
        cupel_json_key(&json, "nothing_to_starve");
        cupel_json_bool(&json, true);
    }
    if (result->is_unswept) {
        cupel_json_key(&json, "not_swept");
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
    if (result->flake.runs != 0) {
        cupel_json_key(&json, "flaky");
        cupel_json_object_begin(&json);
        json_flake_members(&json, result);
        cupel_json_object_end(&json);
        json_text(&json, "messages", result->messages.data);
    }
    json_text(&json, "output", result->output.data);
    cupel_json_object_end(&json);
    fputc('\n', out);
}

const struct cupel__sink cupel__sink_json = {"json", nothing_at_begin, json_result, nothing_at_end, json_flake, NULL,
                                             true};

/* GitHub's commands escape what would end the line, and in a property what would end that. */
static void github_text(FILE *out, const char *text, bool is_property) {
    for (; *text != '\0'; text++) {
        if (strchr("%\n\r", *text) != NULL || (is_property && strchr(":,", *text) != NULL)) {
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
        } else {
            fputc(*text, out);
        }
    }
}

/* Annotations are kept with files of the repository, by their paths in it. */
static const char *github_path(const char *file) {
    const char *workspace = getenv("GITHUB_WORKSPACE");
    size_t length = workspace == NULL ? 0 : strlen(workspace);
    return length != 0 && strncmp(file, workspace, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

static void github_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)totals;
    if (!cupel_result_is_failure(result)) {
        return;
    }
    char title[CUPEL__TITLE_MAX];
    char command[4096];
    (void)cupel_result_title(result, title, sizeof title);
    (void)cupel_result_command(result, command, sizeof command);
    fputs("::error file=", out);
    github_text(out, github_path(result->failure_file != NULL ? result->failure_file : result->file), true);
    fprintf(out, ",line=%u,title=", result->failure_line != 0 ? result->failure_line : result->line);
    github_text(out, title, true);
    fprintf(out, " (%s)::", cupel_verdict_name(result->verdict));
    github_text(out, result->messages.data, false);
    github_text(out, "again: ", false);
    github_text(out, command, false);
    fputc('\n', out);
}

static void github_flake(FILE *out, const struct cupel_result *result) {
    char title[CUPEL__TITLE_MAX];
    (void)cupel_result_title(result, title, sizeof title);
    fputs("::warning file=", out);
    github_text(out, github_path(result->file), true);
    fprintf(out, ",line=%u,title=", result->line);
    github_text(out, title, true);
    fputs(" (flaky)::", out);
    github_text(out, result->messages.data, false);
    fputc('\n', out);
}

const struct cupel__sink cupel__sink_github = {
    "github", nothing_at_begin, github_result, nothing_at_end, github_flake, NULL, true};
