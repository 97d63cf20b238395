/* Goal: nothing that a run made outlives it, however its tests end. Method: a fixture program whose tests die, fail and
 * wait with their directories made, run with a TMPDIR that must be empty afterwards. */
#include "harness/tests/tool.h"

#define RUDE "mkdir tmp && TMPDIR=\"$PWD/tmp\" " TOOL_BIN "fixtures/rude --seed=1 "

/* Each: words, and exit status. */
static const struct tidy {
    const char *words;
    int status;
} tidy[] = {
    {"--filter='directory.*shall*'", 0},
    {"--filter='directory.*shall*' --isolate=process", 0},
    {"--sweep --filter=directory.of_a_point_that_dies", 1},
    {"--sweep --filter=directory.of_a_point_that_dies --fail-fast", 1},
    {"--filter='directory.*case*'", 0},
    {"--filter='directory.*case*' --sweep", 0},
    {"--filter=directory.of_each_case --isolate=none", 0},
};

TEST(left_behind, no_directory, TABLE(tidy), .tags = "slow") {
    const struct tidy *row = test_row();
    const struct tool_run *run = tool(RUDE "%s; status=$?; ls tmp >&2; exit $status", row->words);
    cupel_note("%s\n%s", row->words, run->output);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_EQ(run->errors, "");
}

TEST(left_behind, no_directory_by_an_interrupt, .tags = "slow") {
    const struct tool_run *run =
        tool("mkfifo ready; export CUPEL_READY=\"$PWD/ready\"; " RUDE
             "--filter=directory.of_a_test_that_waits & cat ready; kill -INT $!; wait $!; echo status $?; ls tmp");
    cupel_note("%s", run->errors);
    CHECK_STR_CONTAINS(run->output, "0 passed, 0 failed, 0 skipped\nstatus 130\n");
    CHECK(strstr(run->output, "cupel-test-") == NULL);
}

TEST(left_behind, replays_leave_no_directory, .tags = "slow") {
    const struct tool_run *run = tool("printf 1234567 >input; " RUDE
                                      "--replay=directory.of_a_case_that_dies input; status=$?; ls tmp; exit $status");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED input: died by signal 9");
    CHECK(strstr(run->output, "cupel-test-") == NULL);
}
