/* See list.h. */
#include "harness/src/list.h"
#include "harness/result.h"
#include "harness/src/xml.h"

#include "alloc/base/json.h"

#include <inttypes.h>
#include <string.h>

void cupel__list_plain(const struct cupel__plan *plan, FILE *out) {
    for (size_t i = 0; i < plan->count; i++) {
        char title[512];
        (void)cupel__plan_title(plan->entries[i].test, plan->entries[i].row, title, sizeof title);
        fprintf(out, "%s\n", title);
    }
}

void cupel__list_json(const struct cupel__plan *plan, FILE *out) {
    struct cupel_json json;
    cupel_json_init(&json, out, 0);
    cupel_json_array_begin(&json);
    for (size_t i = 0; i < plan->count; i++) {
        const struct cupel_test *test = plan->entries[i].test;
        char title[512];
        (void)cupel__plan_title(test, plan->entries[i].row, title, sizeof title);
        fputc('\n', out);
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "test");
        cupel_json_string(&json, title);
        cupel_json_key(&json, "suite");
        cupel_json_string(&json, test->suite);
        cupel_json_key(&json, "name");
        cupel_json_string(&json, test->name);
        cupel_json_key(&json, "kind");
        cupel_json_string(&json, test->kind == CUPEL_KIND_PROPERTY ? "property" : "test");
        cupel_json_key(&json, "file");
        cupel_json_string(&json, test->file);
        cupel_json_key(&json, "line");
        cupel_json_uint(&json, test->line);
        cupel_json_key(&json, "tags");
        cupel_json_array_begin(&json);
        for (const char *tag = test->options.tags; tag != NULL && *tag != '\0';) {
            size_t length = strcspn(tag, " ");
            if (length != 0) {
                cupel_json_string_n(&json, tag, length);
            }
            tag += length + (tag[length] == ' ');
        }
        cupel_json_array_end(&json);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    fputc('\n', out);
}

/* "suite." and below it each of its tests, two blanks in. Rows are tests of their own; their parameter is their index.
 */
void cupel__list_gtest(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out) {
    for (uint32_t i = 0; i < suites->count; i++) {
        const struct cupel__suite *suite = &suites->all[i];
        fprintf(out, "%s.\n", suite->name);
        for (uint32_t j = suite->first; j < suite->first + suite->count; j++) {
            const struct cupel__plan_entry *entry = &plan->entries[suites->order[j]];
            if (entry->row == CUPEL_NO_ROW) {
                fprintf(out, "  %s\n", entry->test->name);
            } else {
                fprintf(out, "  %s/%" PRIu32 "  # GetParam() = %" PRIu32 "\n", entry->test->name, entry->row,
                        entry->row);
            }
        }
    }
}

static void gtest_case_json(struct cupel_json *json, const struct cupel__plan_entry *entry) {
    char text[512];
    cupel_json_object_begin(json);
    cupel_json_key(json, "name");
    if (entry->row == CUPEL_NO_ROW) {
        cupel_json_string(json, entry->test->name);
    } else {
        (void)snprintf(text, sizeof text, "%s/%" PRIu32, entry->test->name, entry->row);
        cupel_json_string(json, text);
        cupel_json_key(json, "value_param");
        (void)snprintf(text, sizeof text, "%" PRIu32, entry->row);
        cupel_json_string(json, text);
    }
    cupel_json_key(json, "file");
    cupel_json_string(json, entry->test->file);
    cupel_json_key(json, "line");
    cupel_json_uint(json, entry->test->line);
    cupel_json_object_end(json);
}

void cupel__list_gtest_json(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out) {
    struct cupel_json json;
    cupel_json_init(&json, out, 2);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "tests");
    cupel_json_uint(&json, plan->count);
    cupel_json_key(&json, "name");
    cupel_json_string(&json, "AllTests");
    cupel_json_key(&json, "testsuites");
    cupel_json_array_begin(&json);
    for (uint32_t i = 0; i < suites->count; i++) {
        const struct cupel__suite *suite = &suites->all[i];
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "name");
        cupel_json_string(&json, suite->name);
        cupel_json_key(&json, "tests");
        cupel_json_uint(&json, suite->count);
        cupel_json_key(&json, "testsuite");
        cupel_json_array_begin(&json);
        for (uint32_t j = suite->first; j < suite->first + suite->count; j++) {
            gtest_case_json(&json, &plan->entries[suites->order[j]]);
        }
        cupel_json_array_end(&json);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_object_end(&json);
    fputc('\n', out);
}

void cupel__list_gtest_xml(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out) {
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" name=\"AllTests\">\n",
            plan->count);
    for (uint32_t i = 0; i < suites->count; i++) {
        const struct cupel__suite *suite = &suites->all[i];
        fputs("  <testsuite", out);
        cupel__xml_attribute(out, "name", suite->name);
        fprintf(out, " tests=\"%" PRIu32 "\">\n", suite->count);
        for (uint32_t j = suite->first; j < suite->first + suite->count; j++) {
            const struct cupel__plan_entry *entry = &plan->entries[suites->order[j]];
            if (entry->row == CUPEL_NO_ROW) {
                fprintf(out, "    <testcase name=\"%s\"", entry->test->name);
            } else {
                fprintf(out, "    <testcase name=\"%s/%" PRIu32 "\" value_param=\"%" PRIu32 "\"", entry->test->name,
                        entry->row, entry->row);
            }
            cupel__xml_attribute(out, "file", entry->test->file);
            fprintf(out, " line=\"%u\" />\n", entry->test->line);
        }
        fputs("  </testsuite>\n", out);
    }
    fputs("</testsuites>\n", out);
}
