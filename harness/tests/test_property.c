/* Goal: a property finds its failing input among files and random cases, shrinks it to the least one, tells it in every
 * form, and each form shows the failure again. Method: a program of properties that fail in known ways, run as a user
 * would run it in the test's directory. */
#include "harness/tests/tool.h"

#include <stdlib.h>

#define INPUTS_PROGRAM TOOL_BIN "tests/fixtures/inputs"

static const struct tool_run *run_property(const char *name) {
    return tool(INPUTS_PROGRAM " --seed=1 --filter=inputs.%s", name);
}

/* The line after this word in the output, without its end. */
static const char *line_after(const struct tool_run *run, const char *word) {
    static char line[4096];
    const char *begin = strstr(run->output, word);
    REQUIRE(begin != NULL);
    begin += strlen(word);
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(begin, "\n"), begin);
    return line;
}

TEST(property, one_that_holds_passes, .tags = "slow") {
    const struct tool_run *run = run_property("hold");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "1 passed, 0 failed");
}

TEST(property, a_failed_check_is_shrunk_to_the_least_input, .tags = "slow") {
    for (unsigned seed = 1; seed <= 5; seed++) {
        const struct tool_run *run = tool(INPUTS_PROGRAM " --seed=%u --filter=inputs.sum_stays_small", seed);
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, "failing input: 2 bytes, shrunk from ");
        CHECK_STR_CONTAINS(run->output, "    element = yes\n    value = 60\n    element = no\n");
        CHECK_STR_CONTAINS(run->output, "as bytes: \"<\\001\"\n");
        CHECK_STR_CONTAINS(run->output, "actual:   60");
    }
}

TEST(property, sizes_are_shrunk_to_what_is_needed, .tags = "slow") {
    const struct tool_run *run = run_property("sizes_stay_small");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "    first = 101\n    second = 101\n");
    run = run_property("no_crash_by_size");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "    size = 1001\n");
}

TEST(property, the_same_seed_gives_the_same_failure, .tags = "slow") {
    static char first[sizeof(struct tool_run)];
    (void)snprintf(first, sizeof first, "%s", line_after(run_property("sum_stays_small"), "failing input: "));
    CHECK_STR_EQ(line_after(run_property("sum_stays_small"), "failing input: "), first);
}

TEST(property, a_crash_is_shrunk_too, .tags = "slow") {
    const struct tool_run *run = run_property("do_not_crash");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.do_not_crash: crash (");
    CHECK_STR_CONTAINS(run->output, "died by signal 11");
    CHECK_STR_CONTAINS(run->output, "    first = 1001\n    second = 8\n    (here it dies by signal 11");
}

TEST(property, a_death_has_the_record_of_a_test_that_dies, .tags = "slow") {
    const struct tool_run *run =
        tool(INPUTS_PROGRAM " --seed=1 --style=none --report=json --filter=inputs.do_not_crash");
    CHECK_STR_CONTAINS(run->output, "\"verdict\":\"crash\"");
    CHECK_STR_CONTAINS(run->output, "\"evidence\":\"crash\"");
    CHECK_STR_CONTAINS(run->output, "\"signal\":11");
    run = tool(TOOL_BIN "fixtures/outcomes --seed=1 --style=none --report=json --filter=crash.abort");
    CHECK_STR_CONTAINS(run->output, "\"verdict\":\"crash\"");
    CHECK_STR_CONTAINS(run->output, "\"evidence\":\"crash\"");
    CHECK_STR_CONTAINS(run->output, "\"signal\":6");
}

TEST(property, a_fault_that_kills_it_is_told_with_its_place, .tags = "slow") {
    const struct tool_run *run = tool(INPUTS_PROGRAM " --seed=1 --fault=alloc:1 --filter=inputs.crash_when_starved");
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.crash_when_starved: crash (");
    CHECK_STR_CONTAINS(run->output, "the request that failed:\n    #0 cupel__body_inputs_crash_when_starved");
    run = tool(INPUTS_PROGRAM " --seed=1 --fault=alloc:1 --filter=inputs.swallow_a_fault");
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.swallow_a_fault: swallowed (");
    CHECK_STR_CONTAINS(run->output, "the request that failed:\n    #0 cupel__body_inputs_swallow_a_fault");
}

TEST(property, a_crash_met_while_shrinking_does_not_stop_it, .tags = "slow") {
    const struct tool_run *run = run_property("crash_while_shrinking");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.crash_while_shrinking: wrong (");
    CHECK_STR_CONTAINS(run->output, "failing input: 8 bytes");
}

TEST(property, a_leak_says_where_from, .tags = "slow") {
    const struct tool_run *run = run_property("leave_nothing_behind");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.leave_nothing_behind: leak");
    CHECK_STR_CONTAINS(run->output, "failing input: 3 bytes");
    CHECK_STR_CONTAINS(run->output, "cupel__body_inputs_leave_nothing_behind");
    const char *first = strstr(run->output, ": leak: ");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, ": leak: ") == NULL); /* what runs to show the draws adds nothing to the record */
}

static void check_leak_of_malloc(const struct tool_run *run) {
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "leak: 1 block of malloc, 21 bytes, left behind, and more by a second run\n");
    const char *where = strstr(run->output, "21 bytes in 1 block, the first is number 1, acquired at\n");
    REQUIRE(where != NULL);
    CHECK_STR_CONTAINS(where, "cupel__body_inputs_free_what_they_take");
}

TEST(property, a_leak_of_malloc_is_told_like_one_of_its_allocator, .tags = "slow") {
    char command[4096];
    const struct tool_run *run = run_property("free_what_they_take");
    check_leak_of_malloc(run);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.free_what_they_take: leak");
    CHECK_STR_CONTAINS(run->output, "failing input: 3 bytes");
    (void)snprintf(command, sizeof command, "%s", line_after(run, "run it again: "));
    run = tool("%s", command);
    check_leak_of_malloc(run);
    CHECK_STR_CONTAINS(run->output, ": leak\n");
    run = tool(INPUTS_PROGRAM " --seed=1 --isolate=none --filter=inputs.free_what_they_take");
    check_leak_of_malloc(run);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.free_what_they_take: leak");
}

TEST(property, what_it_keeps_is_no_leak_and_costs_few_runs, .tags = "slow") {
    CHECK_INT_EQ(run_property("keep_tables")->status, 0);
    const struct tool_run *run = tool(INPUTS_PROGRAM " --seed=1 --isolate=none --filter=inputs.keep_tables");
    CHECK_INT_EQ(run->status, 0);
}

TEST(property, one_that_may_leak_does, .tags = "slow leak") {
    CHECK_INT_EQ(run_property("may_lose_blocks")->status, 0);
}

TEST(property, what_a_child_says_is_told_once, .tags = "slow") {
    const struct tool_run *run = run_property("hold_in_a_child");
    CHECK_INT_EQ(run->status, 1);
    const char *first = strstr(run->output, "number < 5 does not hold\n  actual:   5\n");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "number < 5 does not hold") == NULL);
    CHECK(strstr(run->output, "it printed") == NULL);
}

TEST(property, an_input_that_cannot_be_stored_has_no_command, .tags = "slow") {
    const struct tool_run *run =
        tool("ln -s /proc/self build; " INPUTS_PROGRAM " --seed=1 --filter=inputs.sum_stays_small");
    CHECK_INT_EQ(run->status, 1);
    cupel_note("%s", run->output);
    CHECK_STR_CONTAINS(run->output, "failing input: 2 bytes");
    CHECK_STR_CONTAINS(run->output, "as a C test");
    CHECK_STR_CONTAINS(run->output, "the failing input could not be stored: could not make directory 'build/reports");
    CHECK(strstr(run->output, "run it again:") == NULL);
}

TEST(property, a_hang_is_cut_and_told, .tags = "slow") {
    const struct tool_run *run = run_property("come_to_an_end");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED inputs.come_to_an_end: hang (");
    CHECK_STR_CONTAINS(run->output, "hangs");
    CHECK_STR_CONTAINS(run->output, "turns = ");
}

TEST(property, one_that_is_skipped_says_why, .tags = "slow") {
    const struct tool_run *run = run_property("are_skipped");
    CHECK_INT_EQ(run->status, 77);
    CHECK_STR_CONTAINS(run->output, "not on this machine");
}

TEST(property, corpus_and_regressions_are_run, .tags = "slow") {
    CHECK_INT_EQ(run_property("need_a_file")->status, 0);
    REQUIRE_INT_EQ(tool("mkdir -p fuzzroot/corpora/inputs_need_a_file fuzzroot/regressions/inputs_need_a_file")->status,
                   0);
    REQUIRE_INT_EQ(tool("printf good >fuzzroot/corpora/inputs_need_a_file/1")->status, 0);
    CHECK_INT_EQ(run_property("need_a_file")->status, 0);
    REQUIRE_INT_EQ(tool("printf badly >fuzzroot/corpora/inputs_need_a_file/2")->status, 0);
    const struct tool_run *run = run_property("need_a_file");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "failing input: 3 bytes, shrunk from 5 (fuzzroot/corpora/inputs_need_a_file/2)");
    CHECK_STR_CONTAINS(run->output, "file = 3 bytes \"bad\"");
    REQUIRE_INT_EQ(tool("mv fuzzroot/corpora/inputs_need_a_file/2 fuzzroot/regressions/inputs_need_a_file/")->status,
                   0);
    CHECK_STR_CONTAINS(run_property("need_a_file")->output, "(fuzzroot/regressions/inputs_need_a_file/2)");
}

TEST(property, the_printed_command_shows_it_again, .tags = "slow") {
    char command[4096];
    (void)snprintf(command, sizeof command, "%s", line_after(run_property("sum_stays_small"), "run it again: "));
    const struct tool_run *run = tool("%s", command);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, ": wrong\n");
    CHECK_STR_CONTAINS(run->output, "value = 60\n");
    (void)snprintf(command, sizeof command, "%s", line_after(run_property("do_not_crash"), "run it again: "));
    run = tool("%s", command);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "died by signal 11");
}

TEST(property, the_command_of_the_run_finds_the_same_case, .tags = "slow") {
    const struct tool_run *run =
        tool(INPUTS_PROGRAM " --seed=5 --cases=7 --timeout=9s --repeat=3 -j1 --filter=inputs.are_short");
    /* The last failure: of the third repeat. */
    const char *last = run->output;
    for (const char *next = last; (next = strstr(next, "failing input: ")) != NULL; next++) {
        last = next;
    }
    char failing[256];
    char again[4096];
    (void)snprintf(failing, sizeof failing, "%.255s", tool_line_after(last, "failing input: "));
    (void)snprintf(again, sizeof again, "%s", tool_line_after(last, "\nagain: "));
    CHECK_STR_CONTAINS(again, " --seed=5 --repeat-index=2 --isolate=worker --cases=7 --timeout=9000ms");
    run = tool("%s", again);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_EQ(tool_line_after(run->output, "failing input: "), failing);
}

TEST(property, the_printed_c_test_fails_alike_and_is_c, .tags = "slow") {
    const struct tool_run *run = tool(INPUTS_PROGRAM " --filter=inputs.sum_stays_small_replayed");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "actual:   60");
    CHECK_INT_EQ(tool(INPUTS_PROGRAM " --filter=inputs.held_property_replayed")->status, 0);
    run = run_property("sum_stays_small");
    CHECK_STR_CONTAINS(run->output, "    static const char input[] = \"<\\001\";\n");
    const char *begin = strstr(run->output, "extern const struct cupel_test");
    REQUIRE(begin != NULL);
    const char *end = strstr(begin, "\n}\n");
    REQUIRE(end != NULL);
    char text[4096];
    (void)snprintf(text, sizeof text, "#include \"harness/property.h\"\n%.*s\n}\n", (int)(end - begin), begin);
    tool_write("replayed.c", text);
    run = tool("cc -std=c17 -Wall -Wextra -Werror -fsyntax-only -I" CUPEL_TEST_SOURCE_DIR " replayed.c");
    CHECK_STR_EQ(run->errors, "");
    CHECK_INT_EQ(run->status, 0);
}

TEST(replay, takes_files_and_directories, .tags = "slow") {
    REQUIRE_INT_EQ(tool("mkdir -p in/below && printf x >in/1 && printf bad >in/below/2 && printf badder >3")->status,
                   0);
    const struct tool_run *run = tool(INPUTS_PROGRAM " --replay=inputs.need_a_file in 3");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED in/below/2: wrong\n");
    CHECK_STR_CONTAINS(run->output, "FAILED 3: wrong\n");
    CHECK_STR_CONTAINS(run->output, "1 input ok, 2 failed\n");
    run = tool(INPUTS_PROGRAM " --replay=inputs.need_a_file in/1");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output, "1 input ok, 0 failed\n");
    CHECK_INT_EQ(tool(INPUTS_PROGRAM " --isolate=none --replay=inputs_need_a_file in/below")->status, 1);
}

TEST(replay, says_what_is_wrong_with_its_operands, .tags = "slow") {
    const struct tool_run *run = tool("mkdir empty; " INPUTS_PROGRAM " --replay=inputs.hold empty");
    CHECK_INT_EQ(run->status, 4);
    CHECK_STR_CONTAINS(run->errors, "empty: no input in this directory");
    run = tool(INPUTS_PROGRAM " --replay=inputs.hold not-there");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "not-there: No such file");
    run = tool(INPUTS_PROGRAM " --replay=inputs.nonsense empty");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "no property 'inputs.nonsense'");
    run = tool(INPUTS_PROGRAM " --replay=inputs.hold");
    CHECK_INT_EQ(run->status, 2);
}

TEST(replay, obeys_faults_given_and_carried, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf x >plain; printf 'x\\000\\003\\000CF\\372\\027' >third; "
                        "printf 'x\\000\\002\\000CF\\372\\027' >second")
                       ->status,
                   0);
    CHECK_INT_EQ(tool(INPUTS_PROGRAM " --replay=inputs.bear_faults plain second")->status, 0);
    const struct tool_run *run = tool(INPUTS_PROGRAM " --replay=inputs.bear_faults third");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "(fault) = alloc:3\n");
    CHECK_INT_EQ(tool(INPUTS_PROGRAM " --replay=inputs.bear_faults --fault=alloc:2 plain")->status, 0);
    CHECK_INT_EQ(tool(INPUTS_PROGRAM " --replay=inputs.bear_faults --fault=alloc:3 plain")->status, 1);
    CHECK_INT_EQ(tool("CUPEL_FAULT=alloc:3 " INPUTS_PROGRAM " --replay=inputs.bear_faults plain")->status, 1);
}

/* Stacks end where the body does, and have files and lines where a tool knows them; in this process too. */
TEST(replay, tells_stacks_as_a_test_run_does, .tags = "slow") {
    bool has_tool = tool("command -v addr2line || command -v llvm-symbolizer")->status == 0;
    REQUIRE_INT_EQ(tool("printf abcdef >plain")->status, 0);
    for (unsigned in_one_process = 0; in_one_process <= 1; in_one_process++) {
        const char *isolate = in_one_process ? "--isolate=none" : "";
        const struct tool_run *run = tool(INPUTS_PROGRAM " --replay=inputs.leave_nothing_behind %s plain", isolate);
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, ", acquired at\n    #0 cupel__body_inputs_leave_nothing_behind");
        CHECK(strstr(run->output, "cupel__run_guarded") == NULL);
        CHECK(!has_tool || strstr(run->output, "_leave_nothing_behind at ") != NULL);
        run = tool(INPUTS_PROGRAM " --replay=inputs.bear_faults --fault=alloc:3 %s plain", isolate);
        CHECK_STR_CONTAINS(run->output,
                           "taken != 2 does not hold\nthe request that failed:\n    #0 cupel__body_inputs");
        CHECK(!has_tool || strstr(run->output, "_bear_faults at ") != NULL);
    }
}

TEST(replay, decodes_without_judging, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf '<\\000\\001' >in")->status, 0);
    const struct tool_run *run = tool(INPUTS_PROGRAM " --decode=inputs.sum_stays_small in");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output,
                 "in: 3 bytes\n    element = yes\n    value = 60\n    element = no\nas bytes: \"<\\000\\001\"\n");
}
