/* Goal: a test that dies, stops, takes too much or tampers with the runner is told as what it is, and the tests after
 * it run. Method: a fixture program with a test for each, run before one that must pass. */
#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

#define RUDE "TMPDIR=\"$PWD\" " TOOL_BIN "fixtures/rude --seed=1 "

/* Each: words, and what must be told. `is_plain`: what a sanitizer makes another story of. */
static const struct rude {
    const char *words;
    bool is_plain;
    const char *holds[3];
} rude[] = {
    {"--filter=bad.runs_out_of_stack:zz.passes", false, {"runs_out_of_stack: crash", ": stack overflow\n"}},
    {"--filter=bad.has_a_frame_larger*:zz.passes", true, {"than_the_stack: crash", ": stack overflow\n"}},
    {"--filter=bad.recurses_in_its_teardown:zz.passes", false, {": stack overflow, in its teardown\n"}},
    {"--filter=bad.recurses_in_its_setup:zz.passes", false, {": stack overflow, in its setup\n"}},
    {"--filter=bad.runs_out_of_stack_for*:zz.passes",
     true,
     {"for_some_inputs: crash", "died by signal 11 (SIGSEGV, Segmentation fault): stack overflow\n", "number = 11"}},
    {"--filter=bad.writes_nowhere:zz.passes", true, {"died by signal 11 (SIGSEGV, Segmentation fault)\n"}},
    {"--filter=bad.exits:zz.passes", false, {"exits: crash", ": called exit(5) in the middle of the test\n"}},
    {"--filter=bad.leaves_at_once:zz.passes",
     false,
     {": left the process with exit status 6 in the middle of the test\n"}},
    {"--filter=bad.becomes*:zz.passes",
     false,
     {"left the process with exit status 3 in the middle of the test\n",
      "the body had replaced its process by sh (exec)\n"}},
    {"--filter=bad.kills_itself:zz.passes", false, {"(SIGKILL, Killed), which it sent itself\n"}},
    {"--filter=bad.is_killed*:zz.passes",
     false,
     {"(SIGKILL, Killed), which the runner did not send: another process, "}},
    {"--filter=bad.aborts:zz.passes", false, {": died by signal 6 (SIGABRT, Aborted)\n"}},
    {"--filter=bad.forks_and_returns_in_both:zz.passes",
     false,
     {"in_both: wrong", "a child that the test forked came to the end of the body; it leaves here: a child must end by "
                        "_exit\n"}},
    {"--filter=bad.forks_by_the_bare_call*:zz.passes",
     false,
     {"and_returns: wrong",
      "a child that the test forked came to the end of the body; it leaves here: a child must end "
      "by _exit\n"}},
    {"--filter=bad.closes_every_descriptor:zz.passes",
     false,
     {"the test closed the harness's own descriptor\n", ": left behind: descriptor 0, standard input, is closed\n"}},
    {"--filter=bad.stops_itself:zz.passes", false, {"crash", ": killed: it stopped itself by signal 19 (SIGSTOP)\n"}},
    {"--filter=bad.stops_for_some_inputs:zz.passes",
     false,
     {"some_inputs: crash", ": killed: it stopped itself by signal 19 (SIGSTOP)",
      "number = 11\n    (here it stops itself"}},
    {"--output-limit=1000000 --filter=bad.prints_without_end:zz.passes",
     false,
     {": killed: it printed more than 1000000 bytes (--output-limit)\n", "bytes left out here]"}},
    {"--memory-limit=50000000 --filter=bad.runs_out_of_memory:zz.passes",
     false,
     {"crash", ": killed: it grew by ", " bytes of memory, and its limit is 50000000 (--memory-limit)\n"}},
    {"--filter=limits.are_its_own:zz.passes", false, {": killed: it grew by ", "and its limit is 67108864 ("}},
    {"--isolate=none --filter=limits.are_looked_at_in_the_end:limits.are_of_each*",
     false,
     {"in_the_end: wrong", ": it grew by ", " bytes, and its limit is 16777216\n"}},
    {"--filter=limits.of_a_child:zz.passes", false, {"of_a_child: crash", ": killed: it grew by "}},
    {"--filter=limits.of_descriptors:limits.of_descriptors_are*",
     false,
     {"count == 100 does not hold", "its limit of 20 descriptors is used up\n"}},
    {"--descriptor-limit=50 --filter=limits.of_descriptors_are*:zz.passes",
     false,
     {"high >= 200 does not hold", "--descriptor-limit=50"}},
    {"--filter=limits.of_time:zz.passes", false, {"hang", ": killed: it took more than its time limit of 1.0 s\n"}},
    {"--filter=bad.jumps_out:zz.passes", true, {"(SIGABRT, Aborted): it jumped to a function that had returned\n"}},
};

TEST(rude, is_told_as_what_it_is, TABLE(rude), .tags = "slow") {
    const struct rude *row = test_row();
    if (HAS_SANITIZER && row->is_plain) {
        cupel_test_skip("a sanitizer tells another story");
    }
    const struct tool_run *run = tool(RUDE "%s", row->words);
    cupel_note("%s\n%s%s", row->words, run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    for (size_t i = 0; i < 3 && row->holds[i] != NULL; i++) {
        CHECK_STR_CONTAINS(run->output, row->holds[i]);
    }
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 1 failed, 0 skipped\n");
}

/* What was the harness's own, and is gone, is told as that. (Which others were open is the caller's affair.) */
TEST(rude, descriptors_that_are_open_are_not_told_as_closed, .tags = "slow") {
    static const char *const isolations[] = {"worker", "process"};
    for (size_t i = 0; i < 2; i++) {
        const struct tool_run *run =
            tool(RUDE "--isolate=%s --filter='bad.closes_all_but_its_streams*'", isolations[i]);
        cupel_note("%s%s", run->output, run->errors);
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, "closes_all_but_its_streams: wrong");
        CHECK_STR_CONTAINS(run->output, "the test closed the harness's own descriptor\n");
        CHECK_STR_CONTAINS(run->output, " descriptors from 500 on are closed, which are the harness's own\n");
        CHECK_STR_CONTAINS(run->output, ": left behind: descriptor 40 is open: /dev/null\n");
        CHECK(strstr(run->output, "standard ") == NULL);
        CHECK_STR_CONTAINS(run->output, "0 passed, 2 failed");
    }
}

TEST(rude, limits_are_repeated, .tags = "slow") {
    const struct tool_run *run = tool(RUDE "--memory-limit=50000000 --descriptor-limit=40 --filter=bad.aborts");
    CHECK_STR_CONTAINS(tool_line_after(run->output, "again: "), " --memory-limit=50000000 --descriptor-limit=40");
}

/* What runs shall find the signal as a program finds it; the runner writes on. */
TEST(rude, a_file_that_may_not_grow_is_named, .tags = "slow") {
    if (strcmp(CUPEL_VARIANT_NAME, "dev") != 0 && strcmp(CUPEL_VARIANT_NAME, "release") != 0) {
        cupel_test_skip("sanitizers and counters have files of their own");
    }
    const struct tool_run *run = tool("{ (ulimit -f 0; " RUDE "--filter=zz.passes --report=junit:x.xml); "
                                      "echo status $?; } 2>&1 | cat");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, ": could not write 'x.xml': File too large\nstatus 6\n");
    run = tool("{ (ulimit -f 0; " RUDE "--filter=zz.passes >x); echo status $?; } 2>&1 | cat");
    CHECK_STR_CONTAINS(run->output, ": standard output could not be written: File too large\nstatus 6\n");
    run = tool("{ (ulimit -f 0; " TOOL_BIN "cupel-test --results=x.jsonl " TOOL_BIN
               "fixtures/rude --seed=1 --filter=zz.passes:limited.file_sizes/6); echo status $?; } 2>&1 | cat");
    cupel_note("%s", run->output);
    CHECK_STR_CONTAINS(run->output, ": could not write '");
    CHECK_STR_CONTAINS(run->output, "died by signal 25 (SIGXFSZ, File size limit exceeded)");
    CHECK_STR_CONTAINS(run->output, "\nstatus 1\n");
}

/* The run goes on, and who it was is told. */
TEST(rude, signals_to_the_runner_are_findings, .tags = "slow") {
    const struct tool_run *run = tool(RUDE "--filter='signals.*:zz.passes'");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED signals.to_the_runner/5: wrong");
    CHECK_STR_CONTAINS(run->output, ": it sent the runner signal 15 (SIGTERM)\nagain: ");
    CHECK_STR_CONTAINS(run->output, "FAILED signals.to_the_runner_by_a_child: wrong");
    CHECK_STR_CONTAINS(run->output, ": it sent the runner signal 2 (SIGINT)\nagain: ");
    CHECK_STR_CONTAINS(run->output, " passed, 2 failed, 0 skipped\n");
    /* The last of a run, too; and what others send is an interrupt. */
    run = tool(RUDE "--isolate=process --filter=signals.to_the_runner/5");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED signals.to_the_runner/5: wrong");
    run = tool("mkfifo ready; export CUPEL_READY=\"$PWD/ready\"; " RUDE
               "--filter=directory.of_a_test_that_waits & cat ready; kill -TERM $!; wait $!; echo status $?");
    CHECK_STR_CONTAINS(run->output, "status 130\n");
}
