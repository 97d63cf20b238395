/* Goal: --debugger stops where a check fails and where a fault strikes, in the test's own frames. Method: gdb in batch
 * mode over a fixture, and what its backtrace names. */
#include "harness/tests/tool.h"

#define OUTCOMES "TMPDIR=\"$PWD\" " TOOL_BIN "fixtures/outcomes --seed=1 "
#define BATCH    "'gdb -nx -batch -ex bt'"

static void need_gdb(void) {
    if (tool("gdb -nx -batch -ex run --args /bin/true")->status != 0) {
        cupel_test_skip("gdb is not here, or may not trace");
    }
}

TEST(debugger, stops_where_a_check_fails, .tags = "slow") {
    need_gdb();
    const struct tool_run *run = tool(OUTCOMES "--debugger=" BATCH " --isolate=worker fail.fatal");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, " cupel_failure_break ");
    CHECK_STR_CONTAINS(run->output, " cupel__test_fail_fatal () at ");
    CHECK(strstr(run->output, "cupel__supervise") != NULL || strstr(run->output, "cupel__here_run") != NULL);
}

TEST(debugger, stops_where_a_fault_strikes, .tags = "slow") {
    need_gdb();
    const struct tool_run *run =
        tool("export CUPEL_DEBUGGER=" BATCH "; " OUTCOMES "--debugger --fault=alloc:1 starved.is_silent");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, " cupel_fault_break (");
    CHECK_STR_CONTAINS(run->output, " cupel__test_starved_is_silent () at ");
}

TEST(debugger, comes_by_way_of_cupel_test, .tags = "slow") {
    need_gdb();
    const struct tool_run *run = tool(TOOL_BIN "cupel-test --results=r --seed=1 --debugger=" BATCH " " TOOL_BIN
                                               "fixtures/rude " TOOL_BIN "fixtures/outcomes fail.soft");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, " cupel__test_fail_soft () at ");
}

TEST(debugger, that_is_not_here_is_named, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--debugger=/nowhere/gdb fail.soft");
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_CONTAINS(run->errors, "--debugger: /nowhere/gdb: No such file or directory");
    CHECK_INT_EQ(tool(OUTCOMES "--debugger no_such_test")->status, 4);
}
