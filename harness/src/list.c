/* See list.h. */
#include "harness/src/list.h"
#include "harness/result.h"

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

/* "suite." and below it each of its tests, two blanks in. Rows are tests of their own. */
void cupel__list_gtest(const struct cupel__plan *plan, FILE *out) {
    for (size_t i = 0; i < plan->count; i++) {
        const char *suite = plan->entries[i].test->suite;
        bool is_told = false;
        for (size_t j = 0; j < i && !is_told; j++) {
            is_told = strcmp(plan->entries[j].test->suite, suite) == 0;
        }
        if (is_told) {
            continue;
        }
        fprintf(out, "%s.\n", suite);
        for (size_t j = i; j < plan->count; j++) {
            const struct cupel__plan_entry *entry = &plan->entries[j];
            if (strcmp(entry->test->suite, suite) != 0) {
                continue;
            }
            fprintf(out, "  %s", entry->test->name);
            if (entry->row != CUPEL_NO_ROW) {
                fprintf(out, "/%" PRIu32, entry->row);
            }
            fputc('\n', out);
        }
    }
}
