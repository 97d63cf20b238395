/* Goal: what a checker around the programs reports is a failure of the test that it is of, with the report's text.
 * Method: valgrind around a fixture, with nothing but its name given. */
#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

#define WRAPPED                                                                                                        \
    "TMPDIR=\"$PWD\" " TOOL_BIN "cupel-test --results=r --seed=1 --wrap='valgrind --quiet' " TOOL_BIN "fixtures/rude "

static void need_valgrind(void) {
    if (HAS_SANITIZER) {
        cupel_test_skip("valgrind runs no program of a sanitizer");
    }
    if (tool("valgrind -q /bin/true")->status != 0) {
        cupel_test_skip("valgrind is not here");
    }
}

TEST(wrap, gives_reports_to_the_tests_that_they_are_of, .tags = "slow") {
    need_valgrind();
    const struct tool_run *run = tool(WRAPPED "checked.branches checked.is_clean; status=$?; ls >&2; exit $status");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED checked.branches_on_what_was_never_set: wrong");
    CHECK_STR_CONTAINS(run->output, "the checker around the program reported 1 error:\n"
                                    "  Conditional jump or move depends on uninitialised value(s)\n");
    CHECK_STR_CONTAINS(run->output, "cupel__test_checked_branches_on_what_was_never_set (rude.c:");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 1 failed, 0 skipped\n");
    CHECK(strstr(run->errors, "cupel-wrap-") == NULL);
}

TEST(wrap, shrinks_what_a_checker_reports_of_a_property, .tags = "slow") {
    need_valgrind();
    const struct tool_run *run = tool(WRAPPED "checked.reads_behind");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "  Invalid read of size 1\n");
    CHECK_STR_CONTAINS(run->output, "index = 8\n");
}

TEST(wrap, tells_of_processes_that_no_test_tells_of, .tags = "slow") {
    need_valgrind();
    const struct tool_run *run = tool(WRAPPED "checked.only_in_a_child");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED program.checker: crash");
    CHECK_STR_CONTAINS(run->output, "which no test's record tells of:\n  ");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 1 failed, 0 skipped\n");
}

TEST(wrap, takes_any_command, .tags = "slow") {
    const struct tool_run *run =
        tool("TMPDIR=\"$PWD\" " TOOL_BIN "cupel-test --results=r --seed=1 --wrap='env RUDE=\"a b\"' " TOOL_BIN
             "fixtures/rude zz.passes");
    CHECK_INT_EQ(run->status, 0);
    CHECK_INT_EQ(
        tool(TOOL_BIN "cupel-test --results=r --wrap=/nowhere/wrapper " TOOL_BIN "fixtures/rude zz.passes")->status, 5);
}
