/* Goal: tracefiles of every dialect are read, written and refused as they should. Method: tables of texts with what is
 * expected of them, and a property over any bytes: what is accepted, once written, reads back to the same bytes. */
#include "alloc/libc.h"
#include "coverage/tracefile.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *written(const struct cupel_coverage *coverage, const struct cupel_tracefile_options *options) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    cupel_tracefile_write(coverage, options, out);
    (void)fclose(out);
    return text;
}

static const char canonical[] = "TN:\nSF:src/a.c\nFN:1,f\nFN:9,g\nFNDA:3,f\nFNDA:0,g\nFNF:2\nFNH:1\n"
                                "BRDA:2,0,0,1\nBRDA:2,0,1,0\nBRDA:10,0,0,-\nBRF:3\nBRH:1\n"
                                "DA:1,3\nDA:2,3\nDA:10,0\nLF:3\nLH:2\nend_of_record\n";

static const struct reading {
    const char *what;
    const char *text;
} readings[] = {
    {"the 1.x dialect", canonical},
    {"no test name, carriage returns, sections of one file twice",
     "SF:src/a.c\r\nFN:1,f\r\nFNDA:3,f\r\nBRDA:2,0,0,1\r\nBRDA:2,0,1,-\r\nDA:1,1,PxYz==\r\nend_of_record\r\n\r\n"
     "SF:src/a.c\nFN:9,g\nBRDA:2,0,1,0\nBRDA:10,0,0,-\nDA:1,2\nDA:10,0\nDA:2,3\nend_of_record"},
    {"end lines, as 2.0 wrote them",
     "TN:x\nSF:src/a.c\nFN:1,7,f\nFN:9,11,g\nFNDA:3,f\nFNDA:-4,g\nBRDA:2,0,0,1\nBRDA:2,0,1,0\nBRDA:10,0,0,-\n"
     "DA:1,3\nDA:2,3\nDA:10,0\nend_of_record\n"},
    {"the 2.x dialect",
     "#made by hand\nTN:\nSF:src/a.c\nVER:1\nFNL:0,1,7\nFNA:0,3,f\nFNL:1,9\nFNA:1,0,g\nFNF:2\nFNH:1\n"
     "BRDA:2,f0,x > 3,1\nBRDA:2,f0,else (a,b),0\nBRDA:10,eU0,0,-\nMCDC:2,2,t,1,0,x, y\nMCF:2\nMCH:1\n"
     "DA:1,3\nDA:2,3\nDA:10,0\nend_of_record\n"},
};

/* Ends the test where the model is incomplete for want of memory, which only an injected fault may bring about. */
static void check_memory(struct cupel_coverage *coverage) {
    bool is_starved = coverage->is_out_of_memory;
    if (is_starved) {
        cupel_coverage_deinit(coverage);
    }
    STARVED(is_starved);
}

static void check_reading(const struct reading *reading) {
    cupel_note("%s", reading->what);
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    cupel_coverage_init(&coverage, test_allocator());
    bool is_read = cupel_tracefile_read(&coverage, reading->text, strlen(reading->text), &error);
    cupel_note("%u:%u: %s", error.line, error.column, error.text);
    bool is_finished = cupel_cover_finish(&coverage);
    check_memory(&coverage);
    REQUIRE(is_read);
    REQUIRE(is_finished);
    char *text = written(&coverage, NULL);
    CHECK_STR_EQ(text, canonical);
    free(text);
    cupel_coverage_deinit(&coverage);
}

TEST(tracefile, reads_every_dialect) {
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        check_reading(&readings[i]);
    }
}

static const struct refusal {
    const char *text;
    unsigned line, column;
    const char *words;
} refusals[] = {
    {"", 0, 0, "empty"},
    {"\n\n", 0, 0, "no section"},
    {"SF:a.c\n", 1, 0, "within the section of a.c"},
    {"SF:\n", 1, 4, "name is missing"},
    {"SF:a.c\nSF:b.c\n", 2, 1, "end_of_record is missing"},
    {"DA:1,2\n", 1, 1, "outside of a section"},
    {"end_of_record\n", 1, 1, "without a section"},
    {"SF:a.c\nDA:x,2\n", 2, 4, "number is missing"},
    {"SF:a.c\nDA:1\n", 2, 5, "comma is missing"},
    {"SF:a.c\nDA:1,\n", 2, 6, "number is missing"},
    {"SF:a.c\nDA:0,1\n", 2, 4, "counted from 1"},
    {"SF:a.c\nDA:1,1.5\n", 2, 7, "comma is missing"},
    {"SF:a.c\nDA:2147483648,1\n", 2, 4, "too large"},
    {"SF:a.c\nDA:1,18446744073709551616\n", 2, 6, "too large"},
    {"SF:a.c\nBRDA:1,0,0\n", 2, 10, "taken"},
    {"SF:a.c\nBRDA:1,0,0,--\n", 2, 13, "number is missing"},
    {"SF:a.c\nFNDA:1,f\n", 2, 8, "no FN came before"},
    {"SF:a.c\nFNA:0,1,f\n", 2, 5, "no FNL came before"},
    {"SF:a.c\nFNL:99,1\n", 2, 5, "index is larger"},
    {"SF:a.c\nLF:3x\n", 2, 5, "should end"},
    {"SF:a.c\nGARBAGE\n", 2, 1, "no record"},
};

static void check_refusal(const struct refusal *refusal) {
    cupel_note("%s", refusal->text);
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    cupel_coverage_init(&coverage, test_allocator());
    CHECK(!cupel_tracefile_read(&coverage, refusal->text, strlen(refusal->text), &error));
    check_memory(&coverage);
    CHECK_UINT_EQ(error.line, refusal->line);
    CHECK_UINT_EQ(error.column, refusal->column);
    CHECK_STR_CONTAINS(error.text, refusal->words);
    cupel_coverage_deinit(&coverage);
}

TEST(tracefile, names_the_place_of_an_error) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        check_refusal(&refusals[i]);
    }
}

TEST(tracefile, refuses_a_zero_byte) {
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    cupel_coverage_init(&coverage, test_allocator());
    CHECK(!cupel_tracefile_read(&coverage, "SF:a\0c\n", 7, &error));
    CHECK_UINT_EQ(error.column, 5);
    cupel_coverage_deinit(&coverage);
}

TEST(tracefile, writes_the_second_dialect_and_absolute_paths) {
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, test_allocator());
    static const char text[] = "SF:a.c\nFN:1,4,f\nFNDA:2,f\nDA:1,2\nend_of_record\n";
    bool is_read = cupel_tracefile_read(&coverage, text, sizeof text - 1, NULL);
    bool is_finished = cupel_cover_finish(&coverage);
    check_memory(&coverage);
    REQUIRE(is_read && is_finished);
    char *out = written(&coverage, &(struct cupel_tracefile_options){.dialect = 2, .root = "/r"});
    CHECK_STR_EQ(out, "TN:\nSF:/r/a.c\nFNL:0,1,4\nFNA:0,2,f\nFNF:1\nFNH:1\nBRF:0\nBRH:0\nDA:1,2\nLF:1\nLH:1\n"
                      "end_of_record\n");
    free(out);
    cupel_coverage_deinit(&coverage);
}

/* Reads a text and writes it again; NULL where it is refused, or memory ran out. */
static char *rewrite(struct cupel_allocator *a, const char *text, size_t length, int dialect, bool *is_starved) {
    struct cupel_coverage coverage;
    char *result = NULL;
    cupel_coverage_init(&coverage, a);
    if (cupel_tracefile_read(&coverage, text, length, NULL) && cupel_cover_finish(&coverage)) {
        result = written(&coverage, &(struct cupel_tracefile_options){.dialect = dialect});
    }
    *is_starved = *is_starved || coverage.is_out_of_memory;
    cupel_coverage_deinit(&coverage);
    return result;
}

PROPERTY(tracefile, what_is_accepted_reads_back_equal, .longest = 2048, .dictionary = "lcov_info.dict") {
    int dialect = (int)cupel_draw_uint(bytes, "dialect", 1, 2);
    struct cupel_view input = cupel_draw_rest(bytes, "tracefile");
    bool is_starved = false;
    char *once = rewrite(a, (const char *)input.data, input.length, dialect, &is_starved);
    char *twice = once == NULL ? NULL : rewrite(a, once, strlen(once), dialect, &is_starved);
    if (twice != NULL) {
        CHECK_STR_EQ(twice, once);
    } else if (!is_starved) {
        CHECK(once == NULL);
    }
    free(once);
    free(twice);
    STARVED(is_starved);
}

/* A text made of drawn records, so that the property above is not all refusals. */
PROPERTY(tracefile, round_trip_of_drawn_records, .longest = 512) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    (void)fprintf(out, "SF:%c.c\n", 'a' + (int)cupel_draw_uint(bytes, "file", 0, 3));
    while (cupel_draw_more(bytes, "record")) {
        unsigned line = (unsigned)cupel_draw_uint(bytes, "line", 1, 50);
        unsigned long long count = cupel_draw_uint(bytes, "count", 0, UINT64_MAX);
        static const char *const kinds[] = {"DA", "FN", "BRDA"};
        switch (cupel_draw_pick(bytes, "kind", kinds, 3)) {
        case 0:
            (void)fprintf(out, "DA:%u,%llu\n", line, count);
            break;
        case 1:
            (void)fprintf(out, "FN:%u,f%u\nFNDA:%llu,f%u\n", line, line, count, line);
            break;
        default:
            (void)fprintf(out, "BRDA:%u,%u,%u,%llu\n", line, (unsigned)(count % 3), (unsigned)(count % 5), count);
        }
    }
    (void)fprintf(out, "end_of_record\n");
    (void)fclose(out);
    bool is_starved = false;
    char *once = rewrite(a, text, length, 1, &is_starved);
    CHECK(once != NULL || is_starved);
    char *twice = once == NULL ? NULL : rewrite(a, once, strlen(once), 2, &is_starved);
    char *thrice = twice == NULL ? NULL : rewrite(a, twice, strlen(twice), 1, &is_starved);
    if (thrice != NULL) {
        CHECK_STR_EQ(thrice, once);
    }
    free(text);
    free(once);
    free(twice);
    free(thrice);
    STARVED(is_starved);
}
