/* Goal: --sweep tells each verdict apart, names the token of the fault, and the printed command shows the same thing
 * again. Method: a program of bodies with planted behaviours, run as a user would run it. */
#include "harness/tests/tool.h"

#include <signal.h>
#include <stdlib.h>

#define STARVED_PROGRAM TOOL_BIN "tests/fixtures/starved"

/* Sweeps one test of the program. */
static const struct tool_run *sweep(const char *name) {
    return tool(STARVED_PROGRAM " --sweep --seed=1 --filter=starved.%s", name);
}

/* The test fails with this verdict at this token, its summary holds these words. */
static void check_finding(const char *name, const char *verdict, const char *token, const char *summary) {
    char line[512];
    const struct tool_run *run = sweep(name);
    CHECK_INT_EQ(run->status, 1);
    (void)snprintf(line, sizeof line, "FAILED starved.%s: %s (", name, verdict);
    CHECK_STR_CONTAINS(run->output, line);
    (void)snprintf(line, sizeof line, "starved.%s (%s, fault %s)\n", name, verdict, token);
    CHECK_STR_CONTAINS(run->output, line);
    CHECK_STR_CONTAINS(run->output, summary);
}

/* The finding was told once, and its test is the one that failed. */
static void check_told_once(const char *name) {
    CHECK_STR_CONTAINS(sweep(name)->output, "\n1 finding\n0 passed, 1 failed, 0 skipped\n");
}

/* The command that the finding printed, run as it stands, fails with the same verdict. */
static void check_replay(const char *name, const char *verdict) {
    char command[2048];
    char line[512];
    const struct tool_run *run = sweep(name);
    const char *begin = strstr(run->output, "again: ");
    REQUIRE(begin != NULL);
    begin += strlen("again: ");
    (void)snprintf(command, sizeof command, "%.*s", (int)strcspn(begin, "\n"), begin);
    CHECK_STR_CONTAINS(command, "--fault='alloc:2'");
    run = tool("%s", command);
    CHECK_INT_EQ(run->status, 1);
    (void)snprintf(line, sizeof line, "FAILED starved.%s: %s (", name, verdict);
    CHECK_STR_CONTAINS(run->output, line);
}

static void check_ok(const char *name, const char *summary) {
    const struct tool_run *run = sweep(name);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, summary);
}

TEST(sweep, ok, .tags = "slow") {
    check_ok("ok", "7 faults: 7 ok; at least 3 allocations\n");
}

TEST(sweep, a_child_asks_for_itself, .tags = "slow") {
    check_ok("has_a_child_that_asks", ": 7 ok; at least 3 allocations\n");
}

TEST(sweep, tests_with_nothing_to_starve_are_counted_apart, .tags = "slow") {
    const struct tool_run *run = sweep("asks_for_nothing");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, ") nothing to starve: no code under test asked for memory in this process\n");
    CHECK_STR_CONTAINS(run->output, "\n1 test had nothing to starve: it passed, and the sweep says nothing of it\n"
                                    "1 passed, 0 failed, 0 skipped\n");
    run = tool(TOOL_BIN "cupel-test --results=r --sweep --seed=1 " STARVED_PROGRAM
                        " --filter=starved.ok:starved.asks_for_nothing; cat r");
    CHECK_STR_CONTAINS(run->output, "\n1 test had nothing to starve: it passed");
    CHECK_STR_CONTAINS(run->output, "\"evidence\":\"unit\",\"seed\":1,\"repeat\":0,\"nothing_to_starve\":true,");
    CHECK_STR_CONTAINS(run->output, "7 faults: 7 ok; at least 3 allocations");
    CHECK(strstr(sweep("ok")->output, "nothing to starve") == NULL);
    run = tool(STARVED_PROGRAM " --sweep --style=none --report=tap --filter=starved.ok:starved.asks_for_nothing");
    CHECK_STR_CONTAINS(run->output, "\nok 1 - starved.ok\nok 2 - starved.asks_for_nothing\n1..2\n");
}

/* The second run of a leak, which tells it from what is kept for good, asks for nothing that could be a pair's half. */
TEST(sweep, leak_of_malloc, .tags = "slow") {
    check_finding("loses_malloc", "leak", "alloc:2", " leak");
    CHECK(strstr(sweep("loses_malloc")->output, "not-reached") == NULL);
}

TEST(sweep, leak, .tags = "slow") {
    check_finding("leaks", "leak", "alloc:2", "7 faults: 4 ok 3 leak; at least 3 allocations");
    check_replay("leaks", "leak");
    const char *stack = strstr(sweep("leaks")->output, "the request that failed:\n    #0 ");
    REQUIRE(stack != NULL);
    CHECK_STR_CONTAINS(stack, "cupel__test_starved_leaks");
    CHECK(strstr(stack, "cupel__run_guarded") == NULL);
    if (tool("command -v addr2line || command -v llvm-symbolizer")->status == 0) {
        stack = strstr(sweep("leaks")->output, "the request that failed:\n    #0 take at ");
        REQUIRE(stack != NULL);
        CHECK_STR_CONTAINS(stack, "/starved.c:");
    }
    check_told_once("leaks");
}

TEST(sweep, crash, .tags = "slow") {
    check_finding("crashes", "crash", "alloc:2", "7 faults: 4 ok 3 crash;");
    /* Where the test stands, as in a replay. */
    CHECK_STR_CONTAINS(tool_line_after(sweep("crashes")->output, " ms)\n"), "/starved.c:");
    check_replay("crashes", "crash");
    check_told_once("crashes");
}

TEST(sweep, a_failed_assertion_is_a_crash, .tags = "slow") {
    check_finding("asserts", "crash", "alloc:2", "7 faults: 4 ok 3 crash;");
}

TEST(sweep, aborted, .tags = "slow") {
    check_finding("aborts", "aborted", "alloc:2", "7 faults: 4 ok 3 aborted;");
    check_finding("exits", "aborted", "alloc:2", "7 faults: 4 ok 3 aborted;");
}

TEST(sweep, what_one_test_showed_is_told_again_for_the_next, .tags = "slow") {
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep --filter=starved.aborts:starved.aborts_too");
    CHECK_STR_CONTAINS(run->output, "starved.aborts (aborted, fault alloc:2)\n");
    CHECK_STR_CONTAINS(run->output, "starved.aborts_too (aborted, fault alloc:2)\n");
}

TEST(sweep, hang, .tags = "slow") {
    check_finding("hangs", "hang", "alloc:2", "7 faults: 4 ok 3 hang;");
}

TEST(sweep, wrong, .tags = "slow") {
    check_finding("is_wrong", "wrong", "alloc:2", "7 faults: 4 ok 3 wrong;");
    check_replay("is_wrong", "wrong");
}

TEST(sweep, swallowed, .tags = "slow") {
    check_finding("swallows", "swallowed", "alloc:2", "7 faults: 4 ok 3 swallowed;");
    check_replay("swallows", "swallowed");
}

TEST(sweep, a_benign_window_absorbs, .tags = "slow") {
    check_ok("absorbs_within_a_window", "5 faults: 5 ok; at least 2 allocations\n");
}

TEST(sweep, not_recovered, .tags = "slow") {
    check_finding("does_not_recover", "not-recovered", "alloc:2", "7 faults: 4 ok 3 not-recovered;");
    check_finding("crashes_the_next_time", "not-recovered", "alloc:2", "7 faults: 4 ok 3 not-recovered;");
}

TEST(sweep, state_changed, .tags = "slow") {
    check_finding("changes_its_state", "state-changed", "alloc:1", "9 faults: 1 ok 8 state-changed;");
    check_ok("keeps_its_state", "9 faults: 9 ok; at least 3 allocations, 2 growths\n");
}

TEST(sweep, nondeterministic, .tags = "slow") {
    const struct tool_run *run = sweep("differs_from_run_to_run");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED starved.differs_from_run_to_run: nondeterministic");
    CHECK_STR_CONTAINS(run->output, "asked for memory 1 and 2 times");
}

TEST(sweep, not_reached, .tags = "slow") {
    const struct tool_run *run = sweep("needs_less_later");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "starved.needs_less_later (not-reached, fault alloc:2)");
    CHECK_STR_CONTAINS(run->output, "7 faults: 2 ok 5 not-reached;");
}

TEST(sweep, what_fails_without_a_fault_is_told_plainly, .tags = "slow") {
    const struct tool_run *run = sweep("fails_without_a_fault");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED starved.fails_without_a_fault: wrong");
    CHECK_STR_CONTAINS(run->output, "0 passed, 1 failed, 0 skipped\n");
    run = sweep("crashes_without_a_fault_later"); /* that it passes once is no answer to the question */
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED starved.crashes_without_a_fault_later: crash");
    CHECK_STR_CONTAINS(run->output, "it cannot be swept: it passes alone");
    CHECK_STR_CONTAINS(run->output, " --sweep");
    run = sweep("is_skipped_without_a_fault");
    CHECK_STR_CONTAINS(run->output, "0 passed, 0 failed, 1 skipped\n");
}

TEST(sweep, what_is_left_out_is_told_with_its_reason, .tags = "slow") {
    const struct tool_run *run = sweep("is_left_out");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "not swept starved.is_left_out: its count is what is looked at\n");
    CHECK_STR_CONTAINS(run->output, "\n1 test was not swept: it passed once, as without a sweep\n"
                                    "1 passed, 0 failed, 0 skipped\n");
    run = tool(TOOL_BIN "cupel-test --results=r --sweep --seed=1 " STARVED_PROGRAM
                        " --filter=starved.is_left_out; cat r");
    CHECK_STR_CONTAINS(run->output, "not swept starved.is_left_out: its count");
    CHECK_STR_CONTAINS(run->output, "\n1 test was not swept: it passed once");
    CHECK_STR_CONTAINS(run->output, "\"not_swept\":true,");
    CHECK_STR_CONTAINS(run->output, "\"reason\":\"its count is what is looked at\"");
    run = tool(STARVED_PROGRAM " --filter=starved.is_left_out");
    CHECK(strstr(run->output, "not swept") == NULL);
}

TEST(sweep, a_property_is_swept_on_its_inputs, .tags = "slow") {
    char command[2048];
    const struct tool_run *run = sweep("leaks_for_some_inputs");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "starved.leaks_for_some_inputs (leak, fault alloc:2)\n");
    CHECK_STR_CONTAINS(run->output,
                       "\n1 finding\n0 passed, 1 failed, 0 skipped\n"); /* told once, whatever the number of inputs */
    const char *begin = strstr(run->output, "this input alone: ");
    REQUIRE(begin != NULL);
    begin += strlen("this input alone: ");
    (void)snprintf(command, sizeof command, "%.*s", (int)strcspn(begin, "\n"), begin);
    run = tool("%s", command);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, ": leak\n");
    CHECK_STR_CONTAINS(run->output, "count = ");
}

/* The command that tries all inputs of a property comes to the verdict of the sweep: a body that says STARVED swallows
 * nothing. */
TEST(sweep, a_leak_of_malloc_by_a_property_is_one_in_its_replay, .tags = "slow") {
    check_finding("loses_malloc_for_some_inputs", "leak", "alloc:2", " leak;");
    check_replay("loses_malloc_for_some_inputs", "leak");
}

TEST(sweep, a_property_that_changes_its_state_does_so_in_its_replay, .tags = "slow") {
    char command[2048];
    check_finding("changes_its_state_for_some_inputs", "state-changed", "alloc:1", " state-changed;");
    const struct tool_run *run = sweep("changes_its_state_for_some_inputs");
    const char *begin = strstr(run->output, "again: ");
    REQUIRE(begin != NULL);
    begin += strlen("again: ");
    (void)snprintf(command, sizeof command, "%.*s", (int)strcspn(begin, "\n"), begin);
    for (unsigned in_one_process = 0; in_one_process <= 1; in_one_process++) {
        run = tool("%s%s", command, in_one_process ? " --isolate=none" : "");
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, "FAILED starved.changes_its_state_for_some_inputs: state-changed (");
        CHECK_STR_CONTAINS(run->output, "the hash of the state is another than before it");
        CHECK_STR_CONTAINS(run->output, "count = 2");
    }
}

TEST(sweep, a_fault_that_refuses_a_property_nothing_is_reached, .tags = "slow") {
    static const char *const words[] = {"alloc:1 --filter=starved.does_without_a_block_for_all_inputs",
                                        "grow:1=move --filter=starved.grows_for_all_inputs"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct tool_run *run = tool(STARVED_PROGRAM " --seed=1 --fault=%s", words[i]);
        CHECK_INT_EQ(run->status, 0);
        CHECK_STR_CONTAINS(run->output, "1 passed, 0 failed, 0 skipped\n");
    }
    const struct tool_run *run =
        tool(STARVED_PROGRAM " --seed=1 --fault=alloc:9 --filter=starved.grows_for_all_inputs");
    CHECK_STR_CONTAINS(run->output, "FAILED starved.grows_for_all_inputs: not-reached (");
}

TEST(sweep, works_in_one_process_too, .tags = "slow") {
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep --isolate=none --filter=starved.leaks:starved.ok");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "7 faults: 4 ok 3 leak; at least 3 allocations");
    CHECK_STR_CONTAINS(run->output, "7 faults: 7 ok; at least 3 allocations\n");
}

TEST(sweep, requests_of_the_first_run_fail_in_first_runs, .tags = "slow") {
    check_finding("fills_a_table_unchecked", "crash", "alloc:1",
                  "1 fault: 1 crash; at least 0 allocations, 1 in the first run only\n");
    check_finding("does_without_a_table", "swallowed", "alloc:1", "8 faults: 7 ok 1 swallowed;");
    check_finding("tries_once_to_fill_a_table", "not-recovered", "alloc:1", "1 fault: 1 not-recovered;");
    CHECK_STR_CONTAINS(sweep("tries_once_to_fill_a_table")->output,
                       "\nonly the first run of a process makes that request\nagain: ");
    CHECK_STR_CONTAINS(sweep("tries_once_to_fill_a_table")->output, "\n  not-recovered at alloc:1 of the first run\n");
    check_ok("fills_a_table_with_care", "8 faults: 8 ok; at least 3 allocations, 1 in the first run only\n");
}

/* What is kept is no leak, in whatever order its parts come; what is lost is. */
TEST(sweep, what_the_first_run_keeps_is_no_leak_under_a_fault, .tags = "slow") {
    check_ok("keeps_the_parts_of_a_table", "12 faults: 12 ok; at least 3 allocations, 5 in the first run only\n");
    check_finding("loses_a_part_of_a_table", "leak", "alloc:2", "9 faults: 8 ok 1 leak;");
}

TEST(sweep, the_first_run_of_all_inputs_is_one, .tags = "slow") {
    const struct tool_run *run = sweep("fills_a_table_for_all_inputs");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "33 faults: 32 ok 1 crash; at least 1 allocation, 1 in the first run only\n");
    run = tool("%s", tool_line_after(run->output, "this input alone: "));
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "\nit ended here:\n    #0 ");
    CHECK_STR_CONTAINS(run->output, "0 inputs ok, 1 failed\n"); /* by a signal, or by a sanitizer's word for it */
}

TEST(sweep, what_one_process_cannot_try_is_said, .tags = "slow") {
    const struct tool_run *run =
        tool(STARVED_PROGRAM " --sweep --isolate=none --seed=1 --filter=starved.fills_a_table_unchecked");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, " 0 faults; at least 0 allocations, 1 in the first run only; 1 fault of the "
                                    "first run, not tried in one process\n");
    CHECK(strstr(run->output, "nothing to starve") == NULL);
    run = tool(STARVED_PROGRAM " --sweep-modes=once --seed=1 --filter=starved.fills_a_table_unchecked");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, " 0 faults; at least 0 allocations, 1 in the first run only\n");
    run = tool(STARVED_PROGRAM " --sweep-modes=first-run --seed=1 --filter=starved.fills_a_table_unchecked");
    CHECK_INT_EQ(run->status, 1);
}

TEST(sweep, sites_of_the_first_run_are_counted, .tags = "slow") {
    const struct tool_run *run = tool(STARVED_PROGRAM " --sweep-modes=first-run,once --sites=s -v --seed=1 "
                                                      "--filter=starved.does_without_a_table; cat s");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 2 failed at least once\n");
    CHECK_STR_CONTAINS(run->output, "\"asked\":2,\"failed\":1}\n");
    run = tool(STARVED_PROGRAM " --sweep-modes=once -v --seed=1 --filter=starved.does_without_a_table");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 1 failed at least once\nnever failed: ");
}

/* The verdict of one point in a process of its own. */
static const char *verdict_alone(const char *title, const char *token, const char *flags) {
    static char verdict[64];
    const struct tool_run *run = tool(STARVED_PROGRAM " --fault='%s'%s --seed=1 --filter='%s'", token, flags, title);
    char line[512];
    (void)snprintf(line, sizeof line, "FAILED %s: ", title);
    const char *told = strstr(run->output, line);
    told = told == NULL ? run->status == 0 ? "ok" : "none" : told + strlen(line);
    (void)snprintf(verdict, sizeof verdict, "%.*s", (int)strcspn(told, " \n"), told);
    return verdict;
}

/* Tests whose behaviour depends on nothing but the fault. */
TEST(sweep, says_of_every_fault_what_a_process_of_its_own_says, .tags = "slow", .timeout_s = 600) {
    static char log[65536];
    char path[1024];
    unsigned points = 0;
    unsigned first_runs = 0;
    (void)tool(STARVED_PROGRAM " --sweep-log=log --seed=1 --filter='starved.*-*hangs:*_later:*differs*:*fails_without*:"
                               "*is_left_out:*_inputs'");
    (void)snprintf(path, sizeof path, "%s/log", test_directory());
    tool_read(path, log, sizeof log);
    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        char title[128];
        char token[64];
        char verdict[64];
        char rest[64] = "";
        REQUIRE_INT_EQ(sscanf(line, "{\"test\":\"%127[^\"]\",\"fault\":\"%63[^\"]\",\"verdict\":\"%63[^\"]\"%63[^\n]",
                              title, token, verdict, rest),
                       4);
        bool is_warm = strcmp(rest, ",\"warm_up\":true}") == 0;
        cupel_note("%s at %s%s", title, token, rest);
        CHECK_STR_EQ(verdict_alone(title, token, is_warm ? " --warm-up" : ""), verdict);
        first_runs += !is_warm && strstr(title, "_table") != NULL;
        points++;
    }
    CHECK_UINT_GE(points, 15 * 7);
    CHECK_UINT_EQ(first_runs, 1 + 1 + 1 + 1 + 2 + 5);
}

TEST(sweep, sites_are_counted_and_those_that_never_failed_are_listed, .tags = "slow") {
    const struct tool_run *run =
        tool(STARVED_PROGRAM " --sweep-modes=once --sites=s -v --filter=starved.ok:starved.needs_two; cat s");
    CHECK_STR_CONTAINS(run->output, "\nsites: 3 asked, 3 failed at least once\n2 passed");
    CHECK_STR_CONTAINS(run->output, "{\"module\":\"");
    CHECK_STR_CONTAINS(run->output, "/fixtures/starved\",\"offset\":\"0x");
    CHECK_STR_CONTAINS(run->output, "\"function\":\"take\",");
    CHECK_STR_CONTAINS(run->output, "\"asked\":6,\"failed\":3}\n"); /* what was refused had asked */
    run = tool(STARVED_PROGRAM " --sweep-max=1 --sweep-modes=once --seed=1 -v --filter=starved.needs_two");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 1 failed at least once\nnever failed: ");
    run = tool(STARVED_PROGRAM " --sites=s --filter=starved.needs_two; cat s");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 0 failed at least once\n1 passed");
    CHECK_STR_CONTAINS(run->output, "\"asked\":1,\"failed\":0}\n");
    run = tool(STARVED_PROGRAM " --fault=alloc:1 --sites=s --filter=starved.needs_two");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 1 failed at least once\n1 passed");
    /* Nowhere is more refused than was asked for, whatever the faults. */
    run = tool("for how in --sweep --fault=alloc:1+ --fault=alloc:2; do " STARVED_PROGRAM
               " $how --sites=s --filter=starved.needs_two:starved.leaks:starved.crashes >out; "
               "sed 's/.*\"asked\":\\([0-9]*\\),\"failed\":\\([0-9]*\\)}/\\1 \\2/' s; done");
    unsigned lines = 0;
    for (const char *line = run->output; *line != '\0'; line += strcspn(line, "\n") + 1, lines++) {
        unsigned asked = 0;
        unsigned failed = 0;
        REQUIRE_INT_EQ(sscanf(line, "%u %u", &asked, &failed), 2);
        CHECK_UINT_GE(asked, failed);
        CHECK_UINT_GE(asked, 1);
    }
    CHECK_UINT_GE(lines, 6);
    run = tool(STARVED_PROGRAM " --sites=/proc/nowhere/s --filter=starved.ok");
    CHECK_INT_EQ(run->status, 6);
}

TEST(sweep, sites_of_several_programs_are_one_file, .tags = "slow") {
    const struct tool_run *run = tool("cp " STARVED_PROGRAM " one; cp " STARVED_PROGRAM " two; " TOOL_BIN
                                      "cupel-test --results=r --sites=s --seed=1 --sweep-modes=once "
                                      "./one ./two --filter=starved.needs_two >out; cat out; wc -l <s; ls");
    CHECK_STR_CONTAINS(run->output, "\nsites: 2 asked, 2 failed at least once\n2 passed");
    CHECK_STR_CONTAINS(run->output, "\n4\n"); /* each program has its lines */
    CHECK(strstr(run->output, ".part") == NULL);
}

TEST(sweep, an_interrupt_keeps_what_was_found, .tags = "slow") {
    const struct tool_run *run =
        tool(STARVED_PROGRAM " --sweep --seed=1 --filter=starved.leaks:starved.hangs >out & "
                             "until grep -q 'FAILED starved.hangs' out; do sleep 0.05; done; kill -INT $!; wait $!; "
                             "echo \"status $?\"; cat out");
    CHECK_STR_CONTAINS(run->output, "status 130\n");
    CHECK_STR_CONTAINS(run->output, "FAILED starved.leaks: leak (");
    CHECK_STR_CONTAINS(run->output, "interrupted after ");
    CHECK_STR_CONTAINS(run->output, " asked, ");
}

TEST(sweep, findings_stand_under_the_place_of_the_request, .tags = "slow") {
    const char *text = sweep("crashes")->output;
    const char *site = strstr(text, "\nrefused in\n    #0 take");
    REQUIRE(site != NULL);
    const char *death = strstr(site, "\n ended in\n    ");
    REQUIRE(death != NULL);
    /* In a line of its own, or by its own raise. */
    bool is_told_by_sanitizer = strstr(death, "    SUMMARY: ") != NULL || strncmp(death + 15, "#0 raise+", 9) == 0;
    CHECK(is_told_by_sanitizer || strncmp(death, "\n ended in\n    #0 crash", 23) == 0);
    CHECK_STR_CONTAINS(death, "\n  crash at alloc:2, and 2 faults more\n");
    const char *ended = strstr(text, "\nit ended here:\n    #0 ");
    REQUIRE(ended != NULL);
    CHECK_STR_CONTAINS(ended, "cupel__test_starved_crashes");
}

TEST(sweep, a_program_with_blanks_in_its_path_is_told_so_that_a_shell_finds_it, .tags = "slow") {
    const struct tool_run *run = tool("mkdir 'a b' && cp " STARVED_PROGRAM " 'a b/it''s' && "
                                      "'./a b/it''s' --sweep --seed=1 --filter=starved.leaks");
    CHECK_STR_CONTAINS(run->output, "again: './a b/its' --filter=");
    run = tool("%s", tool_line_after(run->output, "again: "));
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED starved.leaks: leak (");
}

TEST(sweep, of_a_function_says_what_a_process_of_its_own_says, .tags = "slow", .timeout_s = 600) {
    static const char *const manners[] = {"", "careless", "rude", "unready"};
    static char points[32768];
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        const struct tool_run *run = tool(TOOL_BIN "tests/fixtures/sweep_parser %s", manners[i]);
        CHECK_INT_EQ(run->status, i == 0 ? 0 : 1);
        unsigned count = 0;
        unsigned bad = 0;
        (void)snprintf(points, sizeof points, "%s", run->output);
        for (const char *line = points; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
            char token[64];
            char verdict[64];
            char expected[160];
            REQUIRE_INT_EQ(sscanf(line, "%63s %63s", token, verdict), 2);
            bool is_warm = strncmp(line + strcspn(line, "\n") - 5, " warm", 5) == 0;
            run = tool("CUPEL_WARM_UP=%d CUPEL_FAULT='%s' " TOOL_BIN "tests/fixtures/sweep_parser %s", is_warm, token,
                       manners[i]);
            (void)snprintf(expected, sizeof expected, "%s %s%s\n", token, verdict, is_warm ? " warm" : "");
            cupel_note("%s: %s", manners[i], expected);
            if (strcmp(verdict, "aborted") == 0) {
                CHECK_INT_EQ(run->status, 128 + SIGABRT);
            } else {
                CHECK_STR_EQ(run->output, expected);
            }
            count++;
            bad += strcmp(verdict, "ok") != 0;
        }
        static const unsigned bads[] = {0, 1, 2, 1}; /* a leak takes a block, which is refused from there on */
        CHECK_UINT_EQ(count, i == 3 ? 15 : 14);
        CHECK_UINT_EQ(bad, bads[i]);
    }
}

/* Each fault of a property's sweep, on the input that it was tried on, says here what the sweep said; returns how many
 * said something else than ok. */
static unsigned compare_with_replays(const char *name) {
    static char log[65536];
    char path[1024];
    unsigned bad = 0;
    for (unsigned count = 0; count < 4; count++) { /* the byte that is the input */
        (void)tool("mkdir -p fuzzroot/corpora/starved_%s && printf '\\00%u' >fuzzroot/corpora/starved_%s/in%u", name,
                   count, name, count);
    }
    (void)tool(STARVED_PROGRAM " --sweep-log=%s.log --seed=1 --filter=starved.%s", name, name);
    (void)snprintf(path, sizeof path, "%s/%s.log", test_directory(), name);
    tool_read(path, log, sizeof log);
    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        char input[256];
        char token[64];
        char verdict[64];
        char rest[64];
        char expected[128];
        if (sscanf(line,
                   "{\"test\":\"starved.%*[^\"]\",\"input\":\"fuzzroot/%255[^\"]\",\"fault\":\"%63[^\"]\","
                   "\"verdict\":\"%63[^\"]\"%63[^\n]",
                   input, token, verdict, rest) != 4) {
            continue; /* a random case */
        }
        const char *warm_up = strcmp(rest, ",\"warm_up\":true}") == 0 ? "--warm-up" : "";
        const struct tool_run *run =
            tool(STARVED_PROGRAM " --replay=starved.%s %s --fault='%s' fuzzroot/%s", name, warm_up, token, input);
        (void)snprintf(expected, sizeof expected, "/%s: %s\n", strrchr(input, '/') + 1, verdict);
        cupel_note("%s %s at %s: %s", token, warm_up, input, run->output);
        if (strcmp(verdict, "ok") == 0) {
            CHECK_INT_EQ(run->status, 0);
        } else {
            CHECK_STR_CONTAINS(run->output, expected);
            bad++;
        }
    }
    return bad;
}

TEST(sweep, of_a_property_says_what_a_process_of_its_own_says, .tags = "slow", .timeout_s = 600) {
    CHECK_UINT_GE(compare_with_replays("leaks_for_some_inputs"), 2);
    CHECK_UINT_EQ(compare_with_replays("tries_once_for_some_inputs"), 1);
}
