/* Goal: the runner tells every outcome as what it is, goes on after it, and leaves nothing behind. Method: a fixture
 * program whose tests pass, fail, crash, hang, leak and print, run by its flags; the stable parts of what it says. */
#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

#include <signal.h>
#include <stdlib.h>

#define OUTCOMES "TMPDIR=\"$PWD\" " TOOL_BIN "fixtures/outcomes --seed=1 "

/* Each: words, exit status, and what the output must hold. */
struct outcome {
    const char *words;
    int status;
    const char *holds[4];
};

static const struct outcome outcomes[] = {
    {"--filter='pass.*'", 0, {"outcomes: 4 tests, seed 1\n4 passed, 0 failed, 0 skipped\n"}},
    {"fail.soft",
     1,
     {"FAILED fail.soft: wrong", "1 == 2 does not hold\n  actual:   1\n  expected: 2\n",
      "70000 (0x11170)\n  expected: -70000 (-0x11170)\n", "0 passed, 1 failed, 0 skipped\n"}},
    {"fail.soft", 1, {"outcomes.c:", "0 == 1 does not hold\n"}},
    {"fail.fatal",
     1,
     {"note: the value was 42\n", "  actual:   \"one\\ntwo\\tthree\"\n  expected: \"one\\ntwo\\tfour\"\n",
      "                       ^ they differ from byte 8 (line 2); lengths 13 and 12\n"}},
    {"fail.memory",
     1,
     {"  1 of 40 bytes differ, the first at 20\n", "  actual        10: 00 00 00 00*07 00",
      "  expected      10: 00 00 00 00*08 00"}},
    {"fail.prints", 1, {"it printed:\n  | printed on standard output\n  | printed on standard error\n"}},
    {"leak.block",
     1,
     {"FAILED leak.block: leak (", ": leak: 2 of 2 blocks, 48 bytes, were not released\n", "2 live blocks, 48 bytes",
      "    #0 cupel__test_leak_block"}},
    {"leak.wrong_size",
     1,
     {": leak: every block was released, but with 1 byte more than acquired\n"
      "released with 41 bytes, acquired with 40\nreleased at\n    #0 cupel__test_leak_wrong_size",
      "acquired at, as block number 1\n    #0 cupel__test_leak_wrong_size"}},
    {"leak.not_the_same",
     1,
     {": leak: as many blocks were released as acquired, but not the same ones\nreleased at 0x",
      " with 24 bytes, where no live block begins\n", "1 live block, 24 bytes\n"}},
    {"leak.more_released", 1, {": leak: 0 blocks were acquired, but 1 released\n"}},
    {"leak.allowed", 0, {"1 passed"}},
    {"leak.after_a_fatal_failure", 1, {": wrong", "nowhere == NULL does not hold"}},
    {"crash.abort",
     1,
     {"crash.abort: crash", ": died by signal 6 (SIGABRT, Aborted)\nit ended here:\n    #0 ",
      "\nnote: about to abort\n", "  | last words\n"}},
    {"crash.underscore_exit",
     1,
     {": crash", "left the process with exit status 0 in the middle of the test\n", "  | leaving\n"}},
    {"--timeout=50ms without_a_limit", 1, {": hang", ": killed: it took more than its time limit of 0.1 s"}},
    {"--output-limit=100000 loud",
     1,
     {"loud.without_end: crash", "killed: it printed more than 100000 bytes", "bytes left out here]"}},
    {"--filter='skip.declared'", 77, {"skipped skip.declared: not on this machine\n", "0 passed, 0 failed, 1 skipped"}},
    {"--filter='skip.in_the_middle'", 77, {"skipped skip.in_the_middle: found out late\n"}},
    {"--filter='skip.DIS*'", 77, {"skip.DISABLED_by_name: disabled by its name"}},
    {"--filter='skip.DIS*' --also-disabled", 0, {"1 passed, 0 failed, 0 skipped"}},
    {"-v --filter='expected.failure'", 0, {"ok expected.failure (", "expected to fail: a known defect"}},
    {"--filter='expected.failure_that_passes'", 1, {"expected to fail (a mended defect), but it passed"}},
    {"--filter='expected.crash'", 0, {"1 passed, 0 failed"}},
    {"--filter='death.by_signal:death.by_exit'", 0, {"2 passed, 0 failed"}},
    {"death.survives", 1, {"expected to end the process, but it came to its end"}},
    {"death.by_another", 1, {"expected to die by signal 6 (SIGABRT), but it died by signal 9 (SIGKILL, Killed)"}},
    {"death.without", 1, {"expected it to print \"dying now\", but it did not"}},
    {"fixture.fails", 1, {"  | setup\n  | teardown\n"}},
    {"--show-output fixture.passes", 0, {"  | setup\n  | body\n  | teardown\n"}},
    {"table", 1, {"FAILED table.sums/1: wrong", "actual:   4\n  expected: 5\n", "2 passed, 1 failed"}},
    {"directory.kept", 1, {"its directory is kept: /"}},
    {"child.that_fails", 1, {"ms)\n/", "1 == 2 does not hold\n  actual:   1\n  expected: 2\nagain: "}},
    {"child.that_returns",
     1,
     {"a child that the test forked came to the end of the body", "child must end by _exit\n"}},
    {"thread.that_fails", 1, {"1 == 2 does not hold"}},
    {"closes pass.one", 1, {"the test closed the harness's own descriptor", "1 passed, 1 failed"}},
    {"--filter='process.*'", 0, {"3 passed"}},
    {"--fault=alloc:1 --filter=starved.says_so", 0, {"1 passed"}},
    {"--fault=alloc:1 --filter=starved.is_silent",
     1,
     {"starved.is_silent: swallowed", "--fault='alloc:1' --isolate=worker\n"}},
    {"--fault=alloc:1 --filter=starved.is_silent",
     1,
     {"without STARVED\nthe request that failed:\n    #0 ", "cupel__test_starved_is_silent"}},
    {"--fault=alloc:1 --filter=starved.crashes",
     1,
     {"starved.crashes: crash", "Segmentation fault)\nthe request that failed:\n    #0 take_blindly",
      "\n    #1 cupel__test_starved_crashes", "\nagain: "}},
    {"--fault=alloc:9 --filter=starved.says_so", 1, {": not-reached", "the fault never fired"}},
    {"--fault=alloc:1 --filter=starved.absorbs*", 0, {"1 passed"}},
    {"told.pointers",
     1,
     {"&numbers[0] == &numbers[1] does not hold\n  actual:   0x", "&numbers[0] != &numbers[0] does not hold\n",
      "  expected: any but 0x"}},
    {"told.memory_at_null", 1, {"nowhere is NULL, and 4 bytes were to be compared", "a text that contains \"four\""}},
    {"told.with_the_latest_notes",
     1,
     {"note: note number 2998 of many", "note: note number 2999 of many", "at last\n"}},
    {"told.with_blanks --style=none --report=tap", 1, {"  output: \" one \\\"two\\\" \\\\\\n\tthree\\n\"\n"}},
    {"starved.without", 1, {"STARVED(1) holds, but no fault was injected"}},
};

TEST(runner, tells_each_outcome, TABLE(outcomes), .tags = "slow") {
    const struct outcome *outcome = test_row();
    const struct tool_run *run = tool(OUTCOMES "%s", outcome->words);
    cupel_note("%s\n%s%s", outcome->words, run->output, run->errors);
    CHECK_INT_EQ(run->status, outcome->status);
    for (size_t i = 0; i < 4 && outcome->holds[i] != NULL; i++) {
        CHECK_STR_CONTAINS(run->output, outcome->holds[i]);
    }
}

/* The line of a test in the fixture, where its body begins. */
static unsigned line_of(const char *test) {
    static char text[32768];
    tool_read(CUPEL_TEST_SOURCE_DIR "/harness/tests/fixtures/outcomes.c", text, sizeof text);
    const char *found = strstr(text, test);
    REQUIRE(found != NULL);
    unsigned line = 1;
    for (const char *at = text; at < found; at++) {
        line += *at == '\n';
    }
    return line;
}

TEST(runner, names_the_line_of_what_leaked_and_not_the_runner, .tags = "slow") {
    if (tool("command -v addr2line || command -v llvm-symbolizer")->status != 0) {
        cupel_test_skip("neither addr2line nor llvm-symbolizer is here");
    }
    char first[256], second[256];
    unsigned line = line_of("TEST(leak, block)");
    (void)snprintf(first, sizeof first, "outcomes.c:%u: leak: 2 of 2 blocks", line);
    (void)snprintf(second, sizeof second, "/outcomes.c:%u\n", line + 2);
    const struct tool_run *run = tool(OUTCOMES "leak.block");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, first);
    const char *stack = strstr(run->output, second);
    REQUIRE(stack != NULL);
    CHECK(strstr(run->output, "+0x") == NULL);
    CHECK(strstr(run->output, "cupel__run_guarded") == NULL);
    CHECK(strstr(run->output, "    #1 ") == NULL);
    run = tool(OUTCOMES "--isolate=none leak.block");
    CHECK_STR_CONTAINS(run->output, second);
}

TEST(runner, gives_module_and_offset_where_no_tool_knows_the_line, .tags = "slow") {
    tool_write("addr2line", "#!/bin/sh\nexit 1\n");
    tool_write("llvm-symbolizer", "#!/bin/sh\necho '??:0'; echo 'file.c:?'\n");
    const struct tool_run *run = tool("PATH=. " OUTCOMES "leak.block");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_EQ(run->errors, "");
    CHECK_STR_CONTAINS(run->output, "/outcomes+0x");
    CHECK(strstr(run->output, " at ?") == NULL);
    CHECK(strstr(run->output, "    #1 ") == NULL);
    CHECK_STR_CONTAINS(tool("PATH=/nowhere " OUTCOMES "leak.block")->output, "/outcomes+0x");
}

TEST(runner, prints_what_runs_a_failure_again, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--repeat=3 -j1 flaky");
    CHECK_INT_EQ(run->status, 1);
    const char *again = strstr(run->output, "again: ");
    REQUIRE(again != NULL);
    char line[1024];
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(again + 7, "\n"), again + 7);
    CHECK_STR_CONTAINS(line, "--filter='flaky.third_time' --seed=1 --repeat-index=2 --isolate=worker");
    /* Alone it passes: that is what the command shows. */
    CHECK_STR_CONTAINS(tool("%s", line)->output, "1 passed, 0 failed");
    run = tool(OUTCOMES "fail.fatal");
    again = strstr(run->output, "again: ");
    REQUIRE(again != NULL);
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(again + 7, "\n"), again + 7);
    CHECK_STR_CONTAINS(tool("%s", line)->output, "0 passed, 1 failed");
}

/* Each: flags without which another thing comes of the test, and how it fails. */
static const struct flagged {
    const char *words;
    const char *fails;
} flagged[] = {
    {"--timeout=50ms without_a_limit", "hang.without_a_limit_of_its_own: hang"},
    {"--output-limit=100000 loud", "loud.without_end: crash"},
    {"--also-disabled --filter='disabled.*'", "disabled.DISABLED_fails: wrong"},
    {"--fault=alloc:1 --filter=starved.is_silent", "starved.is_silent: swallowed"},
    {"--isolate=process --filter=fail.fatal", "fail.fatal: wrong"},
};

TEST(runner, repeats_the_flags_that_decide, TABLE(flagged), .tags = "slow") {
    const struct flagged *row = test_row();
    const struct tool_run *run = tool(OUTCOMES "%s", row->words);
    CHECK_STR_CONTAINS(run->output, row->fails);
    char again[4096];
    (void)snprintf(again, sizeof again, "%s", tool_line_after(run->output, "again: "));
    cupel_note("%s", again);
    run = tool("%s", again);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, row->fails);
    CHECK_STR_EQ(tool_line_after(run->output, "again: "), again);
    /* What came through the pipe of `cupel test` has them too. */
    run = tool("cd '" CUPEL_TEST_BINARY_DIR "' && TMPDIR='%s' bin/cupel-test --results='%s/r' --seed=1 "
               "bin/fixtures/outcomes %s",
               test_directory(), test_directory(), row->words);
    const char *flags = strstr(again, " --seed=1");
    REQUIRE(flags != NULL);
    CHECK_STR_EQ(strstr(tool_line_after(run->output, "again: "), " --seed=1"), flags);
}

TEST(runner, goes_on_with_a_new_worker_after_a_death, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--show-output --filter='crash.abort:worker.*'");
    CHECK_STR_CONTAINS(run->output, "  | number 1\n");
    CHECK_STR_CONTAINS(run->output, "  | number 2\n");
    CHECK_STR_CONTAINS(run->output, "2 passed, 1 failed, 0 skipped\n");
    run = tool(OUTCOMES "--show-output --isolate=process --filter='worker.*'");
    CHECK(strstr(run->output, "number 2") == NULL);
}

TEST(runner, runs_in_its_own_process, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--isolate=none --filter='pass.*:fail.soft:death.by_exit:fixture.fails'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_EQ(run->errors, "");
    CHECK_STR_CONTAINS(run->output, "  | setup\n  | teardown\n");
    CHECK_STR_CONTAINS(run->output, "5 passed, 2 failed, 0 skipped\n");
}

TEST(runner, leaves_no_process_behind, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--show-output --filter='child.left_behind:hang.with_a_child'");
    CHECK_STR_CONTAINS(run->output, "0 passed, 2 failed");
    const char *child = strstr(run->output, "| child ");
    REQUIRE(child != NULL);
    int pid = atoi(child + 8);
    REQUIRE_INT_GT(pid, 1);
    CHECK_INT_EQ(kill(pid, 0), -1);
}

TEST(runner, removes_directories_of_tests_that_passed, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--show-output directory; ls -d cupel-test-*/*");
    const char *first = strstr(run->output, "/cupel-test-");
    REQUIRE(first != NULL);
    CHECK_STR_CONTAINS(run->output, "\ncupel-test-");
    /* One was kept, so the list has one line. */
    const char *listed = strstr(run->output, "\ncupel-test-") + 1;
    CHECK(strstr(listed, "\ncupel-test-") == NULL);
}

TEST(runner, stops_at_an_interrupt_and_tells_what_it_has, .tags = "slow") {
    const struct tool_run *run =
        tool("mkfifo ready; CUPEL_READY=\"$PWD/ready\" " OUTCOMES
             "--filter='fail.soft:hang.says_that_it_began' & read pid <ready; kill -INT $!; wait $!; echo status $?; "
             "kill -0 $pid 2>/dev/null && echo alive; true");
    CHECK_STR_CONTAINS(run->output, "FAILED fail.soft");
    CHECK_STR_CONTAINS(run->output, "interrupted after 1 test\n0 passed, 1 failed, 0 skipped\nstatus 130\n");
    CHECK(strstr(run->output, "alive") == NULL);
}

TEST(runner, finds_what_only_a_checker_sees, .skip = HAS_ASAN ? NULL : "not built with AddressSanitizer",
     .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--filter='pass.one:leak.of_the_c_library'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "after its last test: a checker around it found something");
    CHECK_STR_CONTAINS(run->output, "7077 byte(s)");
    CHECK_STR_CONTAINS(run->output, "2 passed, 1 failed");
}
