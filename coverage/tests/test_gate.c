/* Goal: gates read as written, miss what they should, and name it. Method: tables of rules, and a model from a
 * tracefile. */
#include "coverage/gate.h"
#include "coverage/report.h"
#include "coverage/tracefile.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cupel_gates gates;

TEST(cover_gate, reads_limits_in_hundredths) {
    static const char text[] = "# all\n\n.  lines=99.95\talloc=1\n";
    static const char good[] = "# all\n\n.  lines=99.95\r\n\talloc/  branches=7.5 functions=100 # room\nx lines=0";
    struct cupel_error error = {0};
    CHECK(!cupel_gates_parse(&gates, text, sizeof text - 1, &error));
    REQUIRE(cupel_gates_parse(&gates, good, sizeof good - 1, &error));
    REQUIRE_UINT_EQ(gates.count, 3);
    CHECK_STR_EQ(gates.rules[0].path, ".");
    CHECK_UINT_EQ(gates.rules[0].lines, 9995);
    CHECK_STR_EQ(gates.rules[1].path, "alloc");
    CHECK_UINT_EQ(gates.rules[1].branches, 750);
    CHECK_UINT_EQ(gates.rules[1].functions, 10000);
    CHECK_UINT_EQ(gates.rules[1].line, 4);
    CHECK_UINT_EQ(gates.rules[2].lines, 0);
}

static const struct refusal {
    const char *text;
    unsigned line, column;
    const char *words;
} refusals[] = {
    {"", 0, 0, "no rule"},
    {"# nothing\n", 0, 0, "no rule"},
    {"a\n", 1, 2, "no limit"},
    {"a # lines=3\n", 1, 3, "no limit"},
    {"lines=3\n", 1, 1, "begins with a path"},
    {"\na lines=\n", 2, 9, "limit is missing"},
    {"a lines=-1\n", 1, 9, "limit is missing"},
    {"a lines=101\n", 1, 9, "0 to 100"},
    {"a lines=100.01\n", 1, 9, "0 to 100"},
    {"a lines=1.234\n", 1, 9, "two decimals"},
    {"a lines=99999999999999999999\n", 1, 9, "0 to 100"},
    {"a line=1\n", 1, 3, "unknown word"},
    {"a lines=1 branches = 1\n", 1, 11, "unknown word"},
};

TEST(cover_gate, names_the_place_of_an_error, TABLE(refusals)) {
    const struct refusal *refusal = test_row();
    struct cupel_error error = {0};
    cupel_note("%s", refusal->text);
    CHECK(!cupel_gates_parse(&gates, refusal->text, strlen(refusal->text), &error));
    CHECK_UINT_EQ(error.line, refusal->line);
    CHECK_UINT_EQ(error.column, refusal->column);
    CHECK_STR_CONTAINS(error.text, refusal->words);
}

static const char tracefile[] = "SF:room/a.c\nFN:1,f\nFN:5,g\nFNDA:1,f\nFNDA:0,g\nBRDA:2,0,0,1\nBRDA:2,0,1,0\n"
                                "DA:1,1\nDA:2,1\nDA:5,0\nDA:6,0\nend_of_record\n"
                                "SF:room/b.c\nDA:1,1\nend_of_record\nSF:roomy.c\nDA:1,0\nend_of_record\n";

/* The model of that tracefile; ends the test where there was no memory for it. */
static void read_model(struct cupel_coverage *coverage) {
    cupel_coverage_init(coverage, test_allocator());
    bool is_read = cupel_tracefile_read(coverage, tracefile, sizeof tracefile - 1, NULL);
    bool is_finished = cupel_cover_finish(coverage);
    bool is_starved = coverage->is_out_of_memory;
    if (is_starved) {
        cupel_coverage_deinit(coverage);
    }
    STARVED(is_starved);
    REQUIRE(is_read && is_finished);
}

static const struct holding {
    const char *rules;
    enum cupel_status status;
    const char *words;
} holdings[] = {
    {"room lines=60\n", CUPEL_OK, "ok     room: lines 60.0 % (3 of 5), at least 60 %\n"},
    {"room lines=60.01\n", CUPEL_GATE,
     "FAILED room: lines 60.0 % (3 of 5), at least 60.01 %\nroom/a.c:5: lines to 6 never"},
    {"room/b.c lines=100 branches=100\n", CUPEL_OK, "ok     room/b.c: branches - (0 of 0), at least 100 %\n"},
    {"room branches=50.5\n", CUPEL_GATE, "room/a.c:2: 1 of 2 branches never taken\n"},
    {"room functions=51\n", CUPEL_GATE, "room/a.c:5: g was never called\n"},
    {". lines=51\n", CUPEL_GATE, "FAILED .: lines 50.0 % (3 of 6), at least 51 %\n"},
    {"roomy.c lines=1\nroom lines=1\n", CUPEL_GATE, "roomy.c:1: line never ran\n"},
    {"roo lines=1\n", CUPEL_USAGE, ""},
    {"room/a lines=1\n", CUPEL_USAGE, ""},
};

TEST(cover_gate, holds_rooms_and_files_against_limits, TABLE(holdings)) {
    const struct holding *holding = test_row();
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    char *text = NULL;
    size_t length = 0;
    read_model(&coverage);
    REQUIRE(cupel_gates_parse(&gates, holding->rules, strlen(holding->rules), &error));
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    CHECK_INT_EQ(cupel_gates_check(&gates, &coverage, out, &error), holding->status);
    (void)fclose(out);
    CHECK_STR_CONTAINS(text, holding->words);
    free(text);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_report, prints_a_row_for_each_room_and_file) {
    struct cupel_coverage coverage;
    char *text = NULL;
    size_t length = 0;
    read_model(&coverage);
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    cupel_report_table(&coverage, 0, out);
    (void)fclose(out);
    CHECK_STR_CONTAINS(text, "\nroom                                   60.0 %   50.0 %   50.0 %\n");
    CHECK_STR_CONTAINS(text, "\n  a.c                                  50.0 %   50.0 %   50.0 %  5-6\n");
    CHECK_STR_CONTAINS(text, "\n  roomy.c                               0.0 %        -        -  1\n");
    CHECK_STR_CONTAINS(text, "\ntotal                                  50.0 %   50.0 %   50.0 %\n");
    free(text);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_report, lists_places_by_line) {
    struct cupel_coverage coverage;
    char *text = NULL;
    size_t length = 0;
    read_model(&coverage);
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    cupel_report_places(&coverage, out);
    (void)fclose(out);
    CHECK_STR_EQ(text, "room/a.c:2: 1 of 2 branches never taken\nroom/a.c:5: lines to 6 never ran\n"
                       "room/a.c:5: g was never called\nroomy.c:1: line never ran\n");
    free(text);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_report, percent_is_rounded_down) {
    char text[32];
    cupel_report_percent(9999, 10000, text, sizeof text);
    CHECK_STR_EQ(text, "99.9 %");
    cupel_report_percent(0, 0, text, sizeof text);
    CHECK_STR_EQ(text, "-");
}
