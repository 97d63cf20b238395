/* Goal: a test is counted and told once, whatever a sweep found in it, in every report; its findings are counted apart,
 * and each keeps its token. Method: tests with one and with two planted findings, swept into all reports at once. */
#include "harness/tests/tool.h"

#define STARVED_PROGRAM TOOL_BIN "tests/fixtures/starved"
#define DOC             CUPEL_TEST_SOURCE_DIR "/harness/doc/"

/* Two tests fail, of which one shows two findings. */
#define SWEEP STARVED_PROGRAM " --sweep --seed=1 --filter=starved.fails_in_two_ways:starved.leaks:starved.ok "

/* How often the word stands in the text. */
static unsigned count_of(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

TEST(findings, are_counted_apart_from_tests, .tags = "slow") {
    const struct tool_run *run = tool(SWEEP);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "\n3 findings\n1 passed, 2 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, "\n  starved.fails_in_two_ways (wrong, fault alloc:1)\n"
                                    "  starved.fails_in_two_ways (swallowed, fault alloc:2)\n"
                                    "  starved.fails_in_two_ways (wrong)\n");
    CHECK_STR_CONTAINS(tool(SWEEP "-j2")->output, "\n3 findings\n1 passed, 2 failed, 0 skipped\n");
    run =
        tool("cp " STARVED_PROGRAM " one; cp " STARVED_PROGRAM " two; " TOOL_BIN
             "cupel-test -j2 --results=r --junit=x --sweep ./one ./two --filter=starved.fails_in_two_ways:starved.ok; "
             "grep -c '<testcase' x; grep -c '\"finding\":true' r; grep -c '\"test\":' r");
    CHECK_STR_CONTAINS(run->output, "\n4 findings\n2 passed, 2 failed, 0 skipped\n4\n4\n8\n");
}

TEST(findings, are_parts_of_one_case_in_junit, .tags = "slow") {
    const struct tool_run *run =
        tool(SWEEP "--report=junit:x >text; command -v xmllint >/dev/null && xmllint --noout --schema " DOC
                   "junit.xsd x 2>&1 | grep -v validates; cat x");
    CHECK_STR_CONTAINS(run->output, " tests=\"3\" failures=\"2\" errors=\"0\" skipped=\"0\"");
    CHECK_UINT_EQ(count_of(run->output, "<testcase "), 3);
    CHECK_UINT_EQ(count_of(run->output, " name=\"fails_in_two_ways\""), 1);
    CHECK_UINT_EQ(count_of(run->output, "<failure "), 2);
    CHECK_UINT_EQ(count_of(run->output, "\nfinding: wrong, fault alloc:1\n"), 1);
    CHECK_UINT_EQ(count_of(run->output, "\nfinding: swallowed, fault alloc:2\n"), 1);
    CHECK_UINT_EQ(count_of(run->output, "\nfinding: leak, fault alloc:2\n"), 1);
    CHECK_UINT_EQ(count_of(run->output, "--fault="), 3);
}

TEST(findings, are_parts_of_one_point_in_tap, .tags = "slow") {
    const struct tool_run *run = tool(SWEEP "--style=none --report=tap");
    CHECK_UINT_EQ(count_of(run->output, "\nnot ok "), 2);
    CHECK_UINT_EQ(count_of(run->output, "\n    finding: "), 3);
    CHECK_STR_CONTAINS(run->output, "\n1..3\n");
}

TEST(findings, are_parts_of_one_test_in_the_words_of_googletest, .tags = "slow") {
    const struct tool_run *run = tool(SWEEP "--gtest_output=xml:x; cat x");
    CHECK_UINT_EQ(count_of(run->output, "\n[ RUN      ] "), 3);
    CHECK_UINT_EQ(count_of(run->output, "\n[  FAILED  ] starved.fails_in_two_ways ("), 1);
    CHECK_UINT_EQ(count_of(run->output, "\n[  FAILED  ] starved.fails_in_two_ways\n"), 1);
    CHECK_STR_CONTAINS(run->output, "\n[  FAILED  ] 2 tests, listed below:\n");
    CHECK_STR_CONTAINS(run->output, "\n3 findings\n1 passed, 2 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, "<testsuites tests=\"3\" failures=\"2\"");
    CHECK_UINT_EQ(count_of(run->output, "<testcase "), 3);
    CHECK_STR_CONTAINS(run->output, "\nfinding: swallowed, fault alloc:2\n");
    run = tool(SWEEP "--gtest_output=json:j >text; cat j");
    CHECK_STR_CONTAINS(run->output, "{\"tests\":3,\"failures\":2,");
    CHECK_UINT_EQ(count_of(run->output, "\"classname\":"), 3);
    CHECK_UINT_EQ(count_of(run->output, "\\nfinding: "), 3);
}

TEST(findings, are_marked_in_json_lines, .tags = "slow") {
    const struct tool_run *run = tool(SWEEP "--style=none --report=json >lines; grep -c '' lines; "
                                            "grep '\"finding\":true' lines | grep -c '\"fault\":\"alloc:[12]\"'; "
                                            "command -v python3 >/dev/null && python3 " CUPEL_TEST_SOURCE_DIR
                                            "/harness/tests/schema.py " DOC "results.schema.json <lines");
    CHECK_STR_CONTAINS(run->output, "6\n3\n");
    CHECK(strstr(run->output, "line ") == NULL);
}

TEST(findings, that_are_known_are_words_of_a_test_that_passed, .tags = "slow") {
    tool_write("known", "starved.fails_in_two_ways wrong,swallowed * it is known\n");
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep --seed=1 --filter=starved.fails_in_two_ways "
                                                      "--suppress=known --report=junit:x,tap:t; cat x t");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "\n2 known findings\n1 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, " tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\"");
    CHECK_STR_CONTAINS(run->output, "<system-out>known wrong at alloc:1: it is known\n"
                                    "known swallowed at alloc:2: it is known\n</system-out>");
    CHECK_STR_CONTAINS(run->output, "\nok 1 - starved.fails_in_two_ways\n# known wrong at alloc:1: it is known\n"
                                    "# known swallowed at alloc:2: it is known\n1..1\n");
}

/* The test that is at work when the run ends is one that failed, since something was found in it. */
TEST(findings, of_a_sweep_that_was_interrupted_are_told, .tags = "slow") {
    const struct tool_run *run =
        tool(STARVED_PROGRAM " --sweep --seed=1 --filter=starved.hangs --report=junit:x >out & "
                             "until grep -q 'FAILED starved.hangs' out; do sleep 0.05; done; kill -INT $!; wait $!; "
                             "echo \"status $?\"; cat out x");
    CHECK_STR_CONTAINS(run->output, "status 130\n");
    CHECK_STR_CONTAINS(run->output, "\n1 finding\n0 passed, 1 failed, 0 skipped\n");
    CHECK_UINT_EQ(count_of(run->output, "<testcase "), 1);
    CHECK_STR_CONTAINS(run->output, "\nfinding: hang, fault alloc:2\n");
}
