/* Goal: the model unites what belongs together and nothing else, whatever the order. Method: records by hand, and a
 * property that adds drawn records forwards and backwards and compares the written bytes. */
#include "coverage/coverage.h"
#include "coverage/tracefile.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_line(struct cupel_coverage *coverage, const char *path, uint32_t line, const char *function,
                     const char *variant, uint64_t count) {
    struct cupel_cover_file *file = cupel_cover_file(coverage, path, strlen(path));
    if (file == NULL) {
        return; /* out of memory: finish tells it */
    }
    struct cupel_cover_line record = {.line = line, .counts.total = count};
    record.function = cupel_cover_name(coverage, file, function, strlen(function));
    record.variant = cupel_cover_variant(coverage, variant);
    cupel_cover_add_line(coverage, file, &record);
}

/* Finishes a model; ends the test where memory ran out since its beginning. */
static void finish(struct cupel_coverage *coverage) {
    bool is_complete = cupel_cover_finish(coverage);
    if (!is_complete) {
        cupel_coverage_deinit(coverage);
    }
    STARVED(!is_complete);
}

/* A file to add records to by hand. */
static struct cupel_cover_file *begin_file(struct cupel_coverage *coverage, const char *path) {
    cupel_coverage_init(coverage, test_allocator());
    struct cupel_cover_file *file = cupel_cover_file(coverage, path, strlen(path));
    if (file == NULL) {
        finish(coverage);
    }
    return file;
}

TEST(cover_model, unites_by_line_function_and_variant) {
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, test_allocator());
    add_line(&coverage, "a.h", 3, "f", "gcov", 2);
    add_line(&coverage, "a.h", 3, "f", "gcov", 5);
    add_line(&coverage, "a.h", 3, "g", "gcov", 1);
    add_line(&coverage, "a.h", 3, "f", "asan", 1);
    add_line(&coverage, "a.h", 4, "f", "gcov", 0);
    finish(&coverage);
    REQUIRE_UINT_EQ(coverage.file_count, 1);
    REQUIRE_UINT_EQ(coverage.files[0]->line_count, 4);
    CHECK_UINT_EQ(coverage.files[0]->lines[0].counts.total, 7);
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    REQUIRE(cupel_cover_next_row(coverage.files[0], &cursor, &row));
    CHECK_UINT_EQ(row.line, 3);
    CHECK_UINT_EQ(row.counts.total, 9);
    REQUIRE(cupel_cover_next_row(coverage.files[0], &cursor, &row));
    CHECK_UINT_EQ(row.counts.total, 0);
    CHECK(!cupel_cover_next_row(coverage.files[0], &cursor, &row));
    cupel_coverage_deinit(&coverage);
}

TEST(cover_model, a_block_ran_where_it_ran_in_any_unit) {
    struct cupel_coverage coverage;
    struct cupel_cover_file *file = begin_file(&coverage, "a.h");
    struct cupel_cover_line line = {.line = 1, .function = CUPEL_COVER_NO_FUNCTION, .has_block_facts = true};
    cupel_cover_variant(&coverage, "gcov");
    line.has_unexecuted_block = true;
    cupel_cover_add_line(&coverage, file, &line);
    line.has_unexecuted_block = false;
    cupel_cover_add_line(&coverage, file, &line);
    line.has_block_facts = false;
    cupel_cover_add_line(&coverage, file, &line);
    line = (struct cupel_cover_line){.line = 2, .has_block_facts = true, .has_unexecuted_block = true};
    line.function = CUPEL_COVER_NO_FUNCTION;
    cupel_cover_add_line(&coverage, file, &line);
    line.has_block_facts = line.has_unexecuted_block = false;
    cupel_cover_add_line(&coverage, file, &line);
    finish(&coverage);
    REQUIRE_UINT_EQ(file->line_count, 2);
    CHECK(!file->lines[0].has_unexecuted_block);
    CHECK(file->lines[1].has_unexecuted_block);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_model, counts_saturate) {
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, test_allocator());
    add_line(&coverage, "a.c", 1, "f", "gcov", UINT64_MAX - 1);
    add_line(&coverage, "a.c", 1, "f", "gcov", 5);
    finish(&coverage);
    CHECK_UINT_EQ(coverage.files[0]->lines[0].counts.total, UINT64_MAX);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_model, excluded_lines_do_not_count) {
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, test_allocator());
    add_line(&coverage, "a.c", 1, "f", "gcov", 0);
    add_line(&coverage, "a.c", 2, "f", "gcov", 1);
    struct cupel_cover_file *file = cupel_cover_file(&coverage, "a.c", 3);
    struct cupel_cover_branch branch = {.line = 2, .function = 0};
    cupel_cover_add_branch(&coverage, file, &branch);
    cupel_cover_add_exclusion(&coverage, file, 1, false, "cannot happen", 13);
    cupel_cover_add_exclusion(&coverage, file, 2, true, "", 0);
    finish(&coverage);
    struct cupel_cover_summary summary = {0};
    cupel_cover_summarise(file, &summary);
    CHECK_UINT_EQ(summary.lines_found, 1);
    CHECK_UINT_EQ(summary.lines_hit, 1);
    CHECK_UINT_EQ(summary.branches_found, 0);
    const struct cupel_cover_exclusion *exclusion = cupel_cover_excluded(file, 1, false);
    REQUIRE(exclusion != NULL);
    CHECK_STR_EQ(exclusion->reason, "cannot happen");
    CHECK(cupel_cover_excluded(file, 2, false) == NULL);
    CHECK(cupel_cover_excluded(file, 2, true) != NULL);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_model, branches_of_two_functions_on_a_line_stay_apart) {
    struct cupel_coverage coverage;
    struct cupel_cover_file *file = begin_file(&coverage, "a.c");
    cupel_cover_variant(&coverage, "gcov");
    for (uint32_t i = 0; i < 4; i++) {
        struct cupel_cover_branch branch = {.line = 7, .index = i % 2, .counts.total = i};
        branch.function = cupel_cover_name(&coverage, file, i < 2 ? "second" : "first", i < 2 ? 6 : 5);
        cupel_cover_add_branch(&coverage, file, &branch);
    }
    finish(&coverage);
    struct cupel_cover_branch branch;
    size_t index = 0;
    static const uint64_t counts[] = {2, 3, 0, 1};
    for (uint32_t i = 0; i < 4; i++) {
        REQUIRE(cupel_cover_next_branch(file, &index, &branch));
        CHECK_UINT_EQ(branch.block, i / 2);
        CHECK_UINT_EQ(branch.index, i % 2);
        CHECK_UINT_EQ(branch.counts.total, counts[i]);
    }
    CHECK(!cupel_cover_next_branch(file, &index, &branch));
    cupel_coverage_deinit(&coverage);
}

enum { RECORDS_MAX = 24 };

struct drawn {
    char path[4];
    char function[3];
    uint32_t line;
    uint64_t count;
    bool is_branch;
};

static void add_drawn(struct cupel_coverage *coverage, const struct drawn *record) {
    struct cupel_cover_file *file = cupel_cover_file(coverage, record->path, strlen(record->path));
    if (file == NULL) {
        return;
    }
    uint32_t name = cupel_cover_name(coverage, file, record->function, strlen(record->function));
    uint32_t variant = cupel_cover_variant(coverage, "gcov");
    struct cupel_cover_counts counts = {.total = record->count};
    struct cupel_cover_function function = {
        .name = name, .variant = variant, .start_line = record->line, .counts = counts};
    cupel_cover_add_function(coverage, file, &function);
    struct cupel_cover_line line = {.line = record->line, .function = name, .variant = variant, .counts = counts};
    cupel_cover_add_line(coverage, file, &line);
    if (record->is_branch) {
        struct cupel_cover_branch branch = {
            .line = record->line, .function = name, .variant = variant, .counts = counts};
        cupel_cover_add_branch(coverage, file, &branch);
    }
}

static char *written(const struct cupel_coverage *coverage) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    cupel_tracefile_write(coverage, NULL, out);
    (void)fclose(out);
    return text;
}

PROPERTY(cover_model, order_does_not_matter, .longest = 256) {
    struct drawn records[RECORDS_MAX];
    size_t count = 0;
    while (count < RECORDS_MAX && cupel_draw_more(bytes, "record")) {
        struct drawn *record = &records[count++];
        (void)snprintf(record->path, sizeof record->path, "%c.c", 'a' + (int)cupel_draw_uint(bytes, "file", 0, 2));
        (void)snprintf(record->function, sizeof record->function, "f%c",
                       'a' + (int)cupel_draw_uint(bytes, "function", 0, 4));
        record->line = (uint32_t)cupel_draw_uint(bytes, "line", 1, 4);
        record->count = cupel_draw_uint(bytes, "count", 0, 9);
        record->is_branch = cupel_draw_bool(bytes, "branch");
    }
    struct cupel_coverage forwards;
    struct cupel_coverage backwards;
    struct cupel_coverage merged;
    cupel_coverage_init(&forwards, a);
    cupel_coverage_init(&backwards, a);
    cupel_coverage_init(&merged, a);
    for (size_t i = 0; i < count; i++) {
        add_drawn(&forwards, &records[i]);
        add_drawn(&backwards, &records[count - 1 - i]);
    }
    bool is_complete = cupel_cover_finish(&forwards) && cupel_cover_finish(&backwards);
    if (is_complete) {
        cupel_cover_merge(&merged, &backwards);
        is_complete = cupel_cover_finish(&merged);
    }
    if (is_complete) {
        char *one = written(&forwards);
        char *other = written(&backwards);
        char *third = written(&merged);
        CHECK_STR_EQ(other, one);
        CHECK_STR_EQ(third, one);
        free(one);
        free(other);
        free(third);
    }
    cupel_coverage_deinit(&forwards);
    cupel_coverage_deinit(&backwards);
    cupel_coverage_deinit(&merged);
    STARVED(!is_complete);
}
