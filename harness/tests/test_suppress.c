/* Goal: --suppress lets exactly those findings pass that a row names, tells each with its reason, names rows that are
 * of no use, and refuses files that it cannot read. Method: the fixture of planted faults, swept with files written
 * here. */
#include "harness/tests/tool.h"

#include <stdio.h>

#define STARVED_PROGRAM TOOL_BIN "tests/fixtures/starved"

/* Sweeps a test with this file of known findings. */
static const struct tool_run *sweep_of(const char *test, const char *rows) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/known", test_directory());
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    fputs(rows, file);
    (void)fclose(file);
    return tool(STARVED_PROGRAM " --sweep --seed=1 --filter=starved.%s --suppress=%s", test, path);
}

static const struct tool_run *sweep_knowing(const char *rows) {
    return sweep_of("leaks", rows);
}

TEST(suppress, known_findings_are_told_and_fail_nothing, .tags = "slow") {
    const struct tool_run *run = sweep_knowing("# why\n\nstarved.le* wrong,leak ta?e it is made to\n");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "skipped starved.leaks: known leak at alloc:2: it is made to\n");
    CHECK_STR_CONTAINS(run->output, ") 7 faults: 4 ok 3 known; at least 3 allocations");
    CHECK_STR_CONTAINS(run->output, "\n1 known finding\n1 passed, 0 failed, 0 skipped\n");
    CHECK(strstr(run->errors, "stale") == NULL);
}

TEST(suppress, a_row_may_name_a_call_and_its_callers, .tags = "slow") {
    const struct tool_run *run = sweep_knowing("starved.leaks leak ta*<cupel__test_starved_* it is made to\n");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "skipped starved.leaks: known leak at alloc:2: it is made to\n");
}

/* What is known of one place is not known of another, though both are found through the same innermost calls. */
TEST(suppress, a_known_finding_excuses_no_other, .tags = "slow") {
    const struct tool_run *run = sweep_of("forgets_twice", "starved.* swallowed forget_here it is known\n");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "skipped starved.forgets_twice: known swallowed at alloc:1: it is known\n");
    CHECK_STR_CONTAINS(run->output, "starved.forgets_twice (swallowed, fault alloc:2)\n");
    run = sweep_of("forgets_twice", "starved.* swallowed forget_*<cupel__test_* both are known\n");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "\n1 known finding\n1 passed, 0 failed, 0 skipped\n");
    /* And each is told in the words of its row. */
    run = sweep_of("forgets_twice", "starved.* swallowed forget_here one\nstarved.* swallowed forget_there other\n");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "skipped starved.forgets_twice: known swallowed at alloc:1: one\n");
    CHECK_STR_CONTAINS(run->output, "skipped starved.forgets_twice: known swallowed at alloc:2: other\n");
    CHECK(strstr(run->errors, "stale") == NULL);
}

static const char *const others[] = {
    "starved.leaks crash,wrong take another verdict\n",
    "starved.leaks leak taken another function\n",
    "starved.leaks leak cupel__test_starved_leaks<take the other way about\n",
    "starved.leaks leak take<body<cupel__test_starved_leaks through another\n",
    "starved.leak leak take another test\n",
};

TEST(suppress, what_no_row_names_still_fails, TABLE(others), .tags = "slow") {
    const char *const *row = test_row();
    const struct tool_run *run = sweep_knowing(*row);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "starved.leaks (leak, fault alloc:2)\n");
    CHECK_STR_CONTAINS(run->output, "\n1 finding\n0 passed, 1 failed, 0 skipped\n");
    /* The last is of a test that was not swept: nothing is known of it. */
    CHECK_INT_EQ(strstr(run->errors, "/known:1: stale: nothing of starved.leaks came to ") != NULL,
                 test_row_index() < 4);
}

TEST(suppress, calls_of_refused_requests_are_written, .tags = "slow") {
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep --filter=starved.ok --callers=calls; cat calls");
    CHECK_STR_CONTAINS(run->output, "{\"module\":\"" STARVED_PROGRAM "\",\"offset\":\"0x");
    /* take, body and the test itself at least: it is the calls, and not only where memory was asked for. */
    unsigned count = 0;
    for (const char *at = strstr(run->output, "/starved\","); at != NULL; at = strstr(at + 1, "/starved\",")) {
        count++;
    }
    CHECK_UINT_GE(count, 3);
    CHECK_INT_EQ(tool(STARVED_PROGRAM " --sweep --filter=starved.ok --callers=calls/not-in-a-file")->status, 6);
}

TEST(suppress, bad_files_are_refused, .tags = "slow") {
    CHECK_STR_CONTAINS(sweep_knowing("starved.leaks leak take\n")->errors,
                       "/known:1: a row is TEST VERDICTS FUNCTION WHY\n");
    CHECK_INT_EQ(sweep_knowing("#\nstarved.leaks leaky take why\n")->status, 2);
    CHECK_STR_CONTAINS(sweep_knowing("#\nstarved.leaks leaky take why\n")->errors,
                       "/known:2: 'leaky' is no verdict of a failure");
    CHECK_INT_EQ(sweep_knowing("starved.leaks ok take why\n")->status, 2);
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep --suppress=none-such");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "none-such: No such file or directory");
}
