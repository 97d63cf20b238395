/* Goal: perturbed repeats find what plain ones never find, and the same again from the same seed. Method: a fixture
 * with one planted flake a dimension, run plainly, perturbed, and by the command that a failure printed. */
#include "harness/tests/planted.h"

#include <stdlib.h>

/* As most machines are: what the fixture's tests take for granted. */
#define FLAKY                                                                                                          \
    "env -u LC_ALL -u LANG -u CUPEL_SEED -u CUPEL_PADDING TZ=UTC0 TMPDIR=\"$PWD\" " TOOL_BIN                           \
    "fixtures/flaky --seed=1 --report=json:report "

static const struct planted planted[] = {PLANTED_BY_ONE};

TEST(perturb, plain_repeats_never_find_it, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--repeat=5000 --filter='flaky.*-*memory'");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "\n45000 passed, 0 failed, 0 skipped\n");
}

TEST(perturb, finds_what_hangs_on_one_dimension, TABLE(planted), .tags = "slow") {
    const struct planted *flake = test_row();
    skip_what_is_watched(flake);
    const struct tool_run *run = tool(FLAKY "--repeat=100 --perturb --no-bisect --filter=flaky.%s", flake->name);
    CHECK_INT_EQ(run->status, 1);
    /* Where that dimension is left out, it is as in plain repeats; where it stands alone, it is enough. */
    run = tool(FLAKY "--repeat=100 --perturb=-%s --filter=flaky.%s", flake->follows, flake->name);
    CHECK_STR_CONTAINS(run->output, "\n100 passed, 0 failed, 0 skipped\n");
    run = tool(FLAKY "--repeat=100 --perturb=%s --no-bisect --filter=flaky.%s", flake->follows, flake->name);
    CHECK_INT_EQ(run->status, 1);
}

TEST(perturb, the_printed_command_fails_the_same_way, TABLE(planted), .tags = "slow") {
    const struct planted *flake = test_row();
    char again[4096];
    char reason[5000];
    skip_what_is_watched(flake);
    const struct tool_run *run = tool(FLAKY "--repeat=100 --perturb --no-bisect -x --filter=flaky.%s", flake->name);
    (void)snprintf(reason, sizeof reason, "perturbed: %s", tool_line_after(run->output, "perturbed: "));
    (void)snprintf(again, sizeof again, "%s", tool_line_after(run->output, "again: "));
    CHECK_STR_CONTAINS(again, " --perturb");
    run = tool("env -u LC_ALL -u LANG -u CUPEL_SEED -u CUPEL_PADDING TZ=UTC0 %s", again);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, reason);
}

TEST(perturb, leaves_no_trace_of_one_test_for_the_next, .tags = "slow") {
    /* Each item is perturbed for itself: those that pass unperturbed pass where only their neighbours are. */
    const struct tool_run *run = tool(FLAKY "--repeat=100 --perturb --jobs=1 --filter=steady.passes:growth.once");
    CHECK_STR_CONTAINS(run->output, "\n200 passed, 0 failed, 0 skipped\n");
}

TEST(perturb, names_the_wrong_word, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--perturb=locale,time-zoen");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "column 48: --perturb: 'time-zoen' is none of address-space,environment-size,");
}
