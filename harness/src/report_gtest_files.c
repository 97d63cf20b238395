/* GoogleTest's XML and JSON files, member by member as its own programs write them: suites of cases, times in seconds,
 * tests that are disabled among them. */
#include "harness/src/report.h"
#include "harness/src/report_groups.h"
#include "harness/src/xml.h"

#include "alloc/base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TIMESTAMP_BYTES = 32, SECONDS_BYTES = 32 };

static struct cupel__groups xml_suites;
static struct cupel__groups json_suites;

static void gtest_xml_begin(FILE *out, const struct cupel__report_head *head) {
    (void)out;
    (void)head;
    cupel__groups_deinit(&xml_suites);
}

static void gtest_json_begin(FILE *out, const struct cupel__report_head *head) {
    (void)out;
    (void)head;
    cupel__groups_deinit(&json_suites);
}

/* "name" or "name/row". */
static const char *case_name(const struct cupel_result *result, char title[CUPEL__TITLE_MAX]) {
    (void)cupel_result_title(result, title, CUPEL__TITLE_MAX);
    return title + strlen(result->suite) + 1;
}

/* What GoogleTest puts before a message: the place of the first failure. Then all that we know. Owned by the caller. */
static char *failure_text(const struct cupel_result *result, const char *found) {
    char command[4096];
    char *text = NULL;
    (void)cupel_result_command(result, command, sizeof command);
    int length = asprintf(&text, "%s:%u\n%s%s%s: %s\nagain: %s\n",
                          result->failure_file != NULL ? result->failure_file : result->file,
                          result->failure_line != 0 ? result->failure_line : result->line, result->messages.data, found,
                          "verdict", cupel_verdict_name(result->verdict), command);
    if (length < 0) {
        cupel__reports_lose();
        return NULL;
    }
    return text;
}

static void xml_outcome(FILE *out, const struct cupel_result *result, const char *found) {
    if (cupel_result_is_failure(result)) {
        char *text = failure_text(result, found);
        fputs(">\n      <failure", out);
        cupel__xml_attribute(out, "message", text == NULL ? "" : text);
        fputs(" type=\"\">", out);
        cupel__xml_text(out, text == NULL ? "" : text);
        fputs("</failure>\n    </testcase>\n", out);
        free(text);
    } else if (result->verdict == CUPEL_VERDICT_SKIPPED && !cupel__result_is_disabled(result)) {
        fputs(">\n      <skipped", out);
        cupel__xml_attribute(out, "message", result->reason);
        fputc('>', out);
        cupel__xml_text(out, result->reason);
        fputs("</skipped>\n    </testcase>\n", out);
    } else {
        fputs(" />\n", out);
    }
}

static void gtest_xml_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)out;
    char title[CUPEL__TITLE_MAX];
    char timestamp[TIMESTAMP_BYTES];
    FILE *to = cupel__groups_begin(&xml_suites, result->suite, result);
    if (to == NULL) {
        return;
    }
    bool is_disabled = cupel__result_is_disabled(result);
    fputs("    <testcase", to);
    cupel__xml_attribute(to, "name", case_name(result, title));
    if (result->row != CUPEL_NO_ROW) {
        fprintf(to, " value_param=\"%" PRIu32 "\"", result->row);
    }
    cupel__xml_attribute(to, "file", result->file);
    cupel__report_timestamp(cupel__report_time_ms(result), true, timestamp);
    fprintf(to, " line=\"%u\" status=\"%s\" result=\"%s\" time=\"%.3f\" timestamp=\"%s\"", result->line,
            is_disabled ? "notrun" : "run",
            is_disabled                                ? "suppressed"
            : result->verdict == CUPEL_VERDICT_SKIPPED ? "skipped"
                                                       : "completed",
            (double)result->duration_ns / 1e9, timestamp);
    cupel__xml_attribute(to, "classname", result->suite);
    xml_outcome(to, result, totals->found.text);
    cupel__groups_end(&xml_suites);
}

static void xml_counts(FILE *out, const struct cupel__group *group, bool has_skipped) {
    char timestamp[TIMESTAMP_BYTES];
    fprintf(out, " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" disabled=\"%" PRIu64 "\"", group->count,
            group->failed + group->errors, group->disabled);
    if (has_skipped) {
        fprintf(out, " skipped=\"%" PRIu64 "\"", group->skipped);
    }
    cupel__report_timestamp(group->start_ms, true, timestamp);
    fprintf(out, " errors=\"0\" time=\"%.3f\" timestamp=\"%s\"", (double)group->duration_ns / 1e9, timestamp);
}

static void gtest_xml_end(FILE *out, const struct cupel__totals *totals) {
    struct cupel__group all = cupel__groups_sum(&xml_suites);
    all.duration_ns = totals->duration_ns;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    xml_counts(out, &all, false);
    fputs(" name=\"AllTests\">\n", out);
    for (size_t i = 0; i < xml_suites.count; i++) {
        fputs("  <testsuite", out);
        cupel__xml_attribute(out, "name", xml_suites.all[i].name);
        xml_counts(out, &xml_suites.all[i], true);
        fprintf(out, ">\n%s  </testsuite>\n", xml_suites.all[i].text);
    }
    fputs("</testsuites>\n", out);
    cupel__groups_deinit(&xml_suites);
}

const struct cupel__sink cupel__sink_gtest_xml = {"gtest-xml", gtest_xml_begin, gtest_xml_result, gtest_xml_end};

static void json_text(struct cupel_json *json, const char *key, const char *text) {
    cupel_json_key(json, key);
    cupel_json_string(json, text);
}

static void json_seconds(struct cupel_json *json, int64_t time_ns) {
    char text[SECONDS_BYTES];
    (void)snprintf(text, sizeof text, "%.3fs", (double)time_ns / 1e9);
    json_text(json, "time", text);
}

static void json_when(struct cupel_json *json, int64_t time_ms) {
    char timestamp[TIMESTAMP_BYTES + 1];
    cupel__report_timestamp(time_ms, false, timestamp);
    (void)strcat(timestamp, "Z"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): there is room */
    json_text(json, "timestamp", timestamp);
}

static void gtest_json_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)out;
    char title[CUPEL__TITLE_MAX];
    char row[16];
    FILE *to = cupel__groups_begin(&json_suites, result->suite, result);
    if (to == NULL) {
        return;
    }
    bool is_first = json_suites.all[json_suites.last].count == 1;
    bool is_disabled = cupel__result_is_disabled(result);
    struct cupel_json json;
    fputs(is_first ? "\n" : ",\n", to);
    cupel_json_init(&json, to, 0);
    cupel_json_object_begin(&json);
    json_text(&json, "name", case_name(result, title));
    if (result->row != CUPEL_NO_ROW) {
        (void)snprintf(row, sizeof row, "%" PRIu32, result->row);
        json_text(&json, "value_param", row);
    }
    json_text(&json, "file", result->file);
    cupel_json_key(&json, "line");
    cupel_json_uint(&json, result->line);
    json_text(&json, "status", is_disabled ? "NOTRUN" : "RUN");
    json_text(&json, "result",
              is_disabled                                ? "SUPPRESSED"
              : result->verdict == CUPEL_VERDICT_SKIPPED ? "SKIPPED"
                                                         : "COMPLETED");
    json_when(&json, cupel__report_time_ms(result));
    json_seconds(&json, result->duration_ns);
    json_text(&json, "classname", result->suite);
    if (cupel_result_is_failure(result)) {
        char *text = failure_text(result, totals->found.text);
        cupel_json_key(&json, "failures");
        cupel_json_array_begin(&json);
        cupel_json_object_begin(&json);
        json_text(&json, "failure", text == NULL ? "" : text);
        json_text(&json, "type", "");
        cupel_json_object_end(&json);
        cupel_json_array_end(&json);
        free(text);
    }
    cupel_json_object_end(&json);
    cupel__groups_end(&json_suites);
}

static void json_counts(struct cupel_json *json, const struct cupel__group *group) {
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {{"tests", group->count},
                  {"failures", group->failed + group->errors},
                  {"disabled", group->disabled},
                  {"errors", 0}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        cupel_json_key(json, counts[i].name);
        cupel_json_uint(json, counts[i].count);
    }
    json_when(json, group->start_ms);
    json_seconds(json, group->duration_ns);
}

/* The cases are text already: each suite is opened by the writer, and closed by hand behind them. */
static void gtest_json_end(FILE *out, const struct cupel__totals *totals) {
    struct cupel_json json;
    struct cupel__group all = cupel__groups_sum(&json_suites);
    all.duration_ns = totals->duration_ns;
    cupel_json_init(&json, out, 0);
    cupel_json_object_begin(&json);
    json_counts(&json, &all);
    json_text(&json, "name", "AllTests");
    cupel_json_key(&json, "testsuites");
    cupel_json_array_begin(&json);
    for (size_t i = 0; i < json_suites.count; i++) {
        cupel_json_object_begin(&json);
        json_text(&json, "name", json_suites.all[i].name);
        json_counts(&json, &json_suites.all[i]);
        cupel_json_key(&json, "testsuite");
        cupel_json_array_begin(&json);
        fputs(json_suites.all[i].text, out);
        cupel_json_array_end(&json);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_object_end(&json);
    fputc('\n', out);
    cupel__groups_deinit(&json_suites);
}

const struct cupel__sink cupel__sink_gtest_json = {"gtest-json", gtest_json_begin, gtest_json_result, gtest_json_end};
