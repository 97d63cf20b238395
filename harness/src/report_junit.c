/* JUnit's XML as Jenkins, GitLab and GitHub's actions read it: one suite a program, counts before the cases. A test
 * that failed by its own word is a failure; one that crashed, hung or gave up is an error. harness/doc/junit.xsd is its
 * shape.
 */
#include "harness/src/report.h"
#include "harness/src/report_groups.h"
#include "harness/src/xml.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static struct cupel__report_head head;
static struct cupel__groups programs;

static void junit_begin(FILE *out, const struct cupel__report_head *given) {
    (void)out;
    head = *given;
    cupel__groups_deinit(&programs);
}

static const char *base_name(const char *path) {
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    return slash != NULL ? slash + 1 : path != NULL ? path : head.title;
}

static void write_failure(FILE *to, const struct cupel_result *result, const char *found) {
    char command[4096];
    char first[256];
    const char *element = cupel__result_is_error(result) ? "error" : "failure";
    (void)cupel_result_command(result, command, sizeof command);
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(result->messages.data, "\n"), result->messages.data);
    fprintf(to, "      <%s type=\"%s\"", element, cupel_verdict_name(result->verdict));
    cupel__xml_attribute(to, "message", first);
    fputc('>', to);
    cupel__xml_text(to, result->messages.data);
    cupel__xml_text(to, "again: ");
    cupel__xml_text(to, command);
    cupel__xml_text(to, found[0] != '\0' ? "\n" : "");
    cupel__xml_text(to, found);
    fprintf(to, "</%s>\n", element);
}

/* Surefire's word for a failure that another run of the same test took back. */
static void write_flaky(FILE *to, const struct cupel_result *result) {
    char first[256];
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(result->messages.data, "\n"), result->messages.data);
    fputs("      <flakyFailure type=\"flaky\"", to);
    cupel__xml_attribute(to, "message", first);
    fputs("><stackTrace>", to);
    cupel__xml_text(to, result->messages.data);
    fputs("</stackTrace></flakyFailure>\n", to);
}

/* The summary is a case of its own, which passed; what failed of its repeats did so in theirs. */
static void junit_flake(FILE *out, const struct cupel_result *result) {
    static struct cupel_result passed;
    char title[CUPEL__TITLE_MAX];
    (void)out;
    cupel_result_copy(&passed, result);
    passed.verdict = CUPEL_VERDICT_OK;
    (void)cupel_result_title(result, title, sizeof title);
    FILE *to = cupel__groups_begin(&programs, base_name(result->program), &passed);
    if (to == NULL) {
        return;
    }
    fputs("    <testcase", to);
    cupel__xml_attribute(to, "classname", result->suite);
    char name[CUPEL__TITLE_MAX + 16];
    (void)snprintf(name, sizeof name, "%s (repeats)", title + strlen(result->suite) + 1);
    cupel__xml_attribute(to, "name", name);
    cupel__xml_attribute(to, "file", result->file);
    fprintf(to, " line=\"%u\" time=\"0.000000\">\n", result->line);
    fprintf(to, "      <properties><property name=\"flaky.runs\" value=\"%" PRIu64 "\"/>", result->flake.runs);
    fprintf(to, "<property name=\"flaky.failures\" value=\"%" PRIu64 "\"/>", result->flake.failures);
    fputs("<property name=\"flaky.follows\"", to);
    cupel__xml_attribute(to, "value", result->flake.follows);
    fputs("/></properties>\n", to);
    write_flaky(to, result);
    fputs("    </testcase>\n", to);
    cupel__groups_end(&programs);
}

static void junit_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)out;
    const char *found = totals->found.text;
    char title[CUPEL__TITLE_MAX];
    (void)cupel_result_title(result, title, sizeof title);
    bool is_failure = cupel_result_is_failure(result);
    bool is_skipped = result->verdict == CUPEL_VERDICT_SKIPPED;
    FILE *to = cupel__groups_begin(&programs, base_name(result->program), result);
    if (to == NULL) {
        return;
    }
    fputs("    <testcase", to);
    cupel__xml_attribute(to, "classname", result->suite);
    cupel__xml_attribute(to, "name", title + strlen(result->suite) + 1);
    cupel__xml_attribute(to, "file", result->file);
    fprintf(to, " line=\"%u\" time=\"%.6f\"", result->line, (double)result->duration_ns / 1e9);
    if (!is_failure && !is_skipped && result->output.length == 0 && result->flake.runs == 0 && found[0] == '\0') {
        fputs("/>\n", to);
        cupel__groups_end(&programs);
        return;
    }
    fputs(">\n", to);
    if (is_skipped) {
        fputs("      <skipped", to);
        cupel__xml_attribute(to, "message", result->reason);
        fputs("/>\n", to);
    } else if (is_failure) {
        write_failure(to, result, found);
    } else if (result->flake.runs != 0) {
        write_flaky(to, result);
    }
    bool is_known = !is_failure && found[0] != '\0'; /* what is known is part of a test that passed */
    if (result->output.length != 0 || is_known) {
        fputs("      <system-out>", to);
        cupel__xml_text(to, is_known ? found : "");
        cupel__xml_text(to, result->output.data);
        fputs("</system-out>\n", to);
    }
    fputs("    </testcase>\n", to);
    cupel__groups_end(&programs);
}

static void write_counts(FILE *out, const struct cupel__group *group) {
    fprintf(
        out,
        " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\" skipped=\"%" PRIu64 "\" time=\"%.6f\"",
        group->count, group->failed, group->errors, group->skipped + group->disabled, (double)group->duration_ns / 1e9);
}

static void junit_end(FILE *out, const struct cupel__totals *totals) {
    char host[256];
    char timestamp[32];
    struct cupel__group all = cupel__groups_sum(&programs);
    all.duration_ns = totals->duration_ns;
    if (gethostname(host, sizeof host) != 0) {
        (void)snprintf(host, sizeof host, "localhost");
    }
    host[sizeof host - 1] = '\0';
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    cupel__xml_attribute(out, "name", head.title);
    write_counts(out, &all);
    fputs(">\n", out);
    for (size_t i = 0; i < programs.count; i++) {
        const struct cupel__group *group = &programs.all[i];
        fputs("  <testsuite", out);
        cupel__xml_attribute(out, "name", group->name);
        write_counts(out, group);
        cupel__report_timestamp(group->start_ms, false, timestamp);
        cupel__xml_attribute(out, "timestamp", timestamp);
        cupel__xml_attribute(out, "hostname", host);
        fprintf(out,
                ">\n    <properties><property name=\"seed\" value=\"%" PRIu64 "\"/></properties>\n%s  </testsuite>\n",
                head.seed, group->text);
    }
    fputs("</testsuites>\n", out);
    cupel__groups_deinit(&programs);
}

const struct cupel__sink cupel__sink_junit = {"junit", junit_begin, junit_result, junit_end, junit_flake};
