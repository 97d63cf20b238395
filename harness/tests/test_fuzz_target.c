/* Goal: an engine sees every failure of a body as an abort with the draws on standard error, and nothing where all is
 * well. Method: an engine with nothing to it that runs one file through the functions of engine executables. */
#include "harness/tests/tool.h"

#define ENGINE TOOL_BIN "tests/fixtures/engine "

enum { ABORTED = 128 + 6 };

TEST(fuzz_target, inputs_that_hold_go_by, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf 'any thing' >in")->status, 0);
    const struct tool_run *run = tool(ENGINE "hold in");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->errors, "");
    CHECK_INT_EQ(tool(ENGINE "are_skipped in")->status, 0);
    CHECK_INT_EQ(tool(ENGINE "bear_faults in")->status, 0);
}

TEST(fuzz_target, a_failed_check_aborts_with_the_draws, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf '<\\001' >in")->status, 0);
    const struct tool_run *run = tool(ENGINE "sum_stays_small in");
    CHECK_INT_EQ(run->status, ABORTED);
    CHECK_STR_CONTAINS(run->errors, "sum < 60 does not hold");
    CHECK_STR_CONTAINS(run->errors, "    element = yes\n    value = 60\n");
    CHECK_STR_CONTAINS(run->errors, "as bytes: \"<\\001\"\n");
    const char *first = strstr(run->errors, "drawn as");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "drawn as") == NULL);
}

TEST(fuzz_target, a_leak_aborts_and_says_where_from, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf 'abc' >in && printf 'ab' >small")->status, 0);
    CHECK_INT_EQ(tool(ENGINE "leave_nothing_behind small")->status, 0);
    const struct tool_run *run = tool(ENGINE "leave_nothing_behind in");
    CHECK_INT_EQ(run->status, ABORTED);
    CHECK_STR_CONTAINS(run->errors, "1 live block, 77 bytes");
    CHECK_STR_CONTAINS(run->errors, "rest = 3 bytes \"abc\"");
}

TEST(fuzz_target, faults_come_from_the_trailer_and_the_environment, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf x >plain; printf 'x\\000\\003\\000CF\\372\\027' >third; "
                        "printf 'x\\000\\002\\000CF\\372\\027' >second")
                       ->status,
                   0);
    CHECK_INT_EQ(tool(ENGINE "bear_faults plain")->status, 0);
    CHECK_INT_EQ(tool(ENGINE "bear_faults second")->status, 0);
    const struct tool_run *run = tool(ENGINE "bear_faults third");
    CHECK_INT_EQ(run->status, ABORTED);
    CHECK_STR_CONTAINS(run->errors, "(fault) = alloc:3\n");
    CHECK_INT_EQ(tool("CUPEL_FAULT=alloc:3 " ENGINE "bear_faults plain")->status, ABORTED);
    CHECK_INT_EQ(tool("CUPEL_FAULT=alloc:2+ " ENGINE "bear_faults plain")->status, 0);
    run = tool("CUPEL_FAULT=alloc:x " ENGINE "bear_faults plain");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "CUPEL_FAULT");
}
