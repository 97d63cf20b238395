/* Goal: what repeats and retries come to is told as it is: rates with their interval, the perturbation that a flake
 * follows, what grows, and what a retry took back, in each report. Method: the fixture of planted flakes, and the
 * interval against values worked out by hand. */
#include "harness/result.h"
#include "harness/tests/planted.h"

#include <stdlib.h>

#define FLAKY                                                                                                          \
    "env -u LC_ALL -u LANG -u CUPEL_SEED -u CUPEL_PADDING TZ=UTC0 TMPDIR=\"$PWD\" "                                    \
    "CUPEL_FLAKY_FILE=\"$PWD/once\" CUPEL_FLAKY_COUNT=\"$PWD/count\" " TOOL_BIN "fixtures/flaky --seed=1 "

static const struct planted planted[] = {PLANTED_BY_ONE, {"locale_and_time_zone", "together: locale,time-zone"}};

TEST(flakes, name_what_they_follow, TABLE(planted), .tags = "slow") {
    const struct planted *flake = test_row();
    skip_what_is_watched(flake);
    const struct tool_run *run =
        tool(FLAKY "--repeat=100 --perturb --filter=flaky.%s | sed -n '/^FLAKY/,$p'", flake->name);
    CHECK_STR_EQ(tool_line_after(run->output, "follows: "), flake->follows);
    CHECK_STR_CONTAINS(run->output, "\n1 flaky\n");
}

TEST(flakes, that_come_by_chance_follow_nothing, .tags = "slow") {
    const struct tool_run *run =
        tool(FLAKY "--repeat=100 -j1 --perturb --filter=chance.one_in_four | sed -n '/^FLAKY/,$p'");
    CHECK_STR_EQ(tool_line_after(run->output, "follows: "), "nothing that was varied: it fails unperturbed too");
    run = tool(FLAKY "--repeat=100 -j1 --perturb --no-bisect --filter=chance.one_in_four | sed -n '/^FLAKY/,$p'");
    CHECK_STR_CONTAINS(run->output, "FLAKY chance.one_in_four: wrong\nfailed in ");
    CHECK_STR_EQ(tool_line_after(run->output, "follows: "), "");
    /* It fails once, and there is nothing to be had by looking again. */
    run = tool(FLAKY "--repeat=100 --perturb -j1 --filter=chance.once");
    CHECK_STR_EQ(tool_line_after(run->output, "follows: "), "nothing that was varied: alone it did not fail again");
    CHECK_STR_CONTAINS(run->output, "\nfailed in 1 of 100 repeats, 1.0 % (95 % interval: 0.2 to 5.4 %), first in "
                                    "repeat 0 of seed 1\n");
}

TEST(flakes, are_those_that_pass_too, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--repeat=20 --filter=chance.always:steady.passes");
    CHECK_STR_CONTAINS(run->output, "\n20 passed, 20 failed, 0 skipped\n");
    CHECK(strstr(run->output, "FLAKY") == NULL && strstr(run->output, " flaky\n") == NULL);
}

TEST(flakes, are_in_each_report, .tags = "slow") {
    char text[8192];
    char path[1024];
    const struct tool_run *run = tool(
        FLAKY "--repeat=50 --perturb --filter=flaky.time_zone --report=json:j,junit:x,tap:t,github:g --style=none");
    CHECK_INT_EQ(run->status, 1);
    tool("tail -n 1 j >last; grep -A3 '(repeats)' x >>last; grep '# flaky' t >>last; grep '::warning' g >>last");
    (void)snprintf(path, sizeof path, "%s/last", test_directory());
    tool_read(path, text, sizeof text);
    CHECK_STR_CONTAINS(text, "{\"flaky\":\"flaky.time_zone\",\"verdict\":\"wrong\",");
    CHECK_STR_CONTAINS(text, "\"runs\":50,\"failures\":");
    CHECK_STR_CONTAINS(text, "\"follows\":\"time-zone\",\"again\":\"");
    CHECK_STR_CONTAINS(text, " name=\"time_zone (repeats)\"");
    CHECK_STR_CONTAINS(text, "<property name=\"flaky.follows\" value=\"time-zone\"/></properties>");
    CHECK_STR_CONTAINS(text, "<flakyFailure type=\"flaky\" message=\"failed in ");
    CHECK_STR_CONTAINS(text, "# flaky: flaky.time_zone: failed in ");
    CHECK_STR_CONTAINS(text, "title=flaky.time_zone (flaky)::failed in ");
}

TEST(flakes, pass_through_the_tool_that_runs_many_programs, .tags = "slow") {
    const struct tool_run *run = tool("TZ=UTC0 TMPDIR=\"$PWD\" " TOOL_BIN "cupel-test --results=r --seed=1 --repeat=50 "
                                      "--perturb --filter=flaky.time_zone " TOOL_BIN "fixtures/flaky");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "\nfollows: time-zone\n");
    CHECK_STR_CONTAINS(run->output, "\n1 flaky\n");
}

TEST(flakes, retries_mark_what_they_take_back, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--retries=3 --filter=chance.once:chance.always --report=junit:x,json:j");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FLAKY chance.once: failed 1 of 2 tries, then passed\n");
    CHECK_STR_CONTAINS(run->output, "\nit failed in all of its retries too\n");
    CHECK_STR_CONTAINS(run->output, "\n1 flaky\n1 passed, 1 failed, 0 skipped\n");
    run = tool("grep -c '<flakyFailure type=\"flaky\" message=\"[^\"]*the first time' x; grep -c "
               "'\"flaky\":{\"runs\":2,\"failures\":1,' j");
    CHECK_STR_EQ(run->output, "1\n1\n");
    /* It fails no run, unless asked to; one that fails no more is not flaky. */
    CHECK_INT_EQ(tool("rm once; " FLAKY "--retries=1 --filter=chance.once")->status, 0);
    CHECK_INT_EQ(tool("rm once; " FLAKY "--retries=1 --fail-on-flaky --filter=chance.once")->status, 1);
    CHECK_INT_EQ(tool(FLAKY "--retries=1 --fail-on-flaky --filter=chance.once")->status, 0);
    CHECK_INT_EQ(tool("rm once; TZ=UTC0 CUPEL_FLAKY_FILE=once " TOOL_BIN "cupel-test --results=r --retries=1 "
                      "--fail-on-flaky --filter=chance.once " TOOL_BIN "fixtures/flaky")
                     ->status,
                 1);
}

TEST(flakes, what_grows_with_each_repeat_is_found, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--repeat=60 --filter=growth.bytes");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, " bytes of malloc more, over ");
    CHECK_STR_CONTAINS(run->output, "\n60 passed, 1 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, " --repeat=24 --jobs=1\n");
    run = tool(FLAKY "--repeat=60 --filter=growth.descriptors");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "descriptor");
    /* What is taken once is no growth, nor is anything where nothing is repeated. */
    CHECK_INT_EQ(tool(FLAKY "--repeat=60 --filter=growth.once:steady.passes")->status, 0);
    CHECK_INT_EQ(tool(FLAKY "--filter=growth.bytes")->status, 0);
}

/* In any order and however memory varies: what looks like growth there is judged by a run alone. */
static const char *const circumstances[] = {"--shuffle --jobs=2", "--perturb", "--perturb --shuffle --jobs=2"};

TEST(flakes, growth_is_found_whatever_varies, TABLE(circumstances), .tags = "slow") {
    const char *const *how = test_row();
    const struct tool_run *run = tool(FLAKY "--repeat=60 %s --filter='growth.*:steady.*'", *how);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED growth.bytes: leak ");
    CHECK_STR_CONTAINS(run->output, "FAILED growth.descriptors: leak ");
    CHECK_STR_CONTAINS(run->output, " more, over 24 repeats\n");
    CHECK_STR_CONTAINS(run->output, "\n240 passed, 2 failed, 0 skipped\n");
}

TEST(flakes, until_fail_stops_at_the_first, .tags = "slow") {
    const struct tool_run *run = tool(FLAKY "--until-fail -j1 --perturb --filter=flaky.locale");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "\nstopped after ");
    CHECK_STR_CONTAINS(run->output, " passed, 1 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, "\nfollows: locale\n");
}

/* Newcombe (1998), table I, gives these for Wilson's score without correction: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
 */
TEST(flakes, have_the_interval_of_wilson) {
    static const struct {
        uint64_t failures, runs;
        double low, high;
    } known[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0, 0.1611},
                 {1, 29, 0.0061, 0.1718},
                 {20, 20, 0.8389, 1}};
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct cupel_flake flake = {.runs = known[i].runs, .failures = known[i].failures};
        double low;
        double high;
        cupel_flake_interval(&flake, &low, &high);
        CHECK_DOUBLE_NEAR(low, known[i].low, 0.00006);
        CHECK_DOUBLE_NEAR(high, known[i].high, 0.00006);
    }
}
