/* JUnit's XML in the dialect that Jenkins, GitLab and GitHub read, with the attributes that GoogleTest's readers look
 * for. The counts stand before the cases, so these go to a temporary file first. */
#include "harness/src/report.h"

#include "alloc/base/message.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

static FILE *body;
static struct cupel__report_head head;

/* Length of the well-formed UTF-8 sequence of a character that XML 1.0 allows, or 0. */
static size_t xml_character(const unsigned char *at) {
    if (at[0] < 0x80) {
        return at[0] >= 0x20 || at[0] == '\n' || at[0] == '\t' ? 1 : 0;
    }
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool is_forbidden = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90) ||
                        (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe);
    return is_overlong || is_forbidden ? 0 : length;
}

static void xml_text(FILE *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = xml_character(at);
        if (length == 0) {
            fputs("\xef\xbf\xbd", out); /* the replacement character */
            at++;
            continue;
        }
        switch (*at) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            (void)fwrite(at, 1, length, out);
        }
        at += length;
    }
}

static void attribute(FILE *out, const char *name, const char *text) {
    fprintf(out, " %s=\"", name);
    xml_text(out, text);
    fputc('"', out);
}

static void junit_begin(FILE *out, const struct cupel__report_head *given) {
    head = *given;
    body = tmpfile();
    if (body == NULL) {
        int memory = memfd_create("cupel-junit", MFD_CLOEXEC);
        body = memory < 0 ? NULL : fdopen(memory, "w+");
    }
    if (body == NULL) {
        cupel_message("junit: no temporary file: the cases stand before the document's head");
        body = out;
    }
}

static void junit_result(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals) {
    (void)out;
    (void)totals;
    char title[CUPEL__TITLE_MAX];
    char command[4096];
    (void)cupel_result_title(result, title, sizeof title);
    bool is_failure = cupel_result_is_failure(result);
    bool is_skipped = result->verdict == CUPEL_VERDICT_SKIPPED;
    fputs("    <testcase", body);
    attribute(body, "classname", result->suite);
    attribute(body, "name", title + strlen(result->suite) + 1);
    attribute(body, "file", result->file);
    fprintf(body, " line=\"%u\" time=\"%.6f\" status=\"run\" result=\"%s\"", result->line,
            (double)result->duration_ns / 1e9, is_skipped ? "skipped" : "completed");
    if (!is_failure && !is_skipped && result->output.length == 0) {
        fputs("/>\n", body);
        return;
    }
    fputs(">\n", body);
    if (is_skipped) {
        fputs("      <skipped", body);
        attribute(body, "message", result->reason);
        fputs("/>\n", body);
    } else if (is_failure) {
        (void)cupel_result_command(result, command, sizeof command);
        fprintf(body, "      <failure type=\"%s\"", cupel_verdict_name(result->verdict));
        char first[256];
        (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(result->messages.data, "\n"), result->messages.data);
        attribute(body, "message", first);
        fputc('>', body);
        xml_text(body, result->messages.data);
        xml_text(body, "again: ");
        xml_text(body, command);
        fputs("</failure>\n", body);
    }
    if (result->output.length != 0) {
        fputs("      <system-out>", body);
        xml_text(body, result->output.data);
        fputs("</system-out>\n", body);
    }
    fputs("    </testcase>\n", body);
}

static void counts(FILE *out, const struct cupel__totals *totals) {
    fprintf(out,
            " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"0\" skipped=\"%" PRIu64
            "\" disabled=\"0\" time=\"%.6f\"",
            totals->passed + totals->failed + totals->skipped, totals->failed, totals->skipped,
            (double)totals->duration_ns / 1e9);
}

static void junit_end(FILE *out, const struct cupel__totals *totals) {
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    attribute(out, "name", head.title);
    counts(out, totals);
    fputs(">\n  <testsuite", out);
    attribute(out, "name", head.title);
    counts(out, totals);
    fprintf(out, ">\n    <properties><property name=\"seed\" value=\"%" PRIu64 "\"/></properties>\n", head.seed);
    if (body != out) {
        char buffer[4096];
        rewind(body);
        for (size_t got; (got = fread(buffer, 1, sizeof buffer, body)) > 0;) {
            (void)fwrite(buffer, 1, got, out);
        }
        (void)fclose(body);
    }
    body = NULL;
    fputs("  </testsuite>\n</testsuites>\n", out);
}

const struct cupel__sink cupel__sink_junit = {"junit", junit_begin, junit_result, junit_end};
