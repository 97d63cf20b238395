/* Goal: each flag of a test program does what its sentence says, and bad words are told by name. Method: the fixture
 * program, with the flag and without. */
#include "harness/tests/tool.h"

#define OUTCOMES "TMPDIR=\"$PWD\" " TOOL_BIN "fixtures/outcomes --seed=1 "

TEST(flags, list_what_is_selected, .tags = "slow") {
    CHECK_STR_EQ(tool(OUTCOMES "--list --filter='pass.*:table.*'")->output,
                 "pass.one\npass.two\npass.three\npass.prints\ntable.sums/0\ntable.sums/1\ntable.sums/2\n");
    CHECK_STR_EQ(tool(OUTCOMES "-l --tag=quick")->output, "pass.two\npass.three\n");
    CHECK_STR_EQ(tool(OUTCOMES "-l --tag=quick,-even")->output, "pass.three\n");
    CHECK_STR_EQ(tool(OUTCOMES "-l --tag=quick --tag=even")->output, "pass.two\n");
    CHECK_STR_EQ(tool(OUTCOMES "-l 'ord*[b-c]' order.b '*.?hree'")->output, "pass.three\norder.b\n");
    CHECK_STR_EQ(tool(OUTCOMES "-l --filter='order.*-*.b:*.d'")->output, "order.a\norder.c\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "-l --filter='-order.*:pass.*'")->output, "fail.soft\n");
}

TEST(flags, list_for_other_tools, .tags = "slow") {
    CHECK_STR_EQ(tool(OUTCOMES "--gtest_list_tests --gtest_filter='order.*:table.*'")->output,
                 "table.\n  sums/0  # GetParam() = 0\n  sums/1  # GetParam() = 1\n  sums/2  # GetParam() = 2\n"
                 "order.\n  a\n  b\n  c\n  d\n");
    const char *json = tool(OUTCOMES "--list-json --filter=pass.two")->output;
    CHECK_STR_CONTAINS(json,
                       "{\"test\":\"pass.two\",\"suite\":\"pass\",\"name\":\"two\",\"kind\":\"test\",\"file\":\"");
    CHECK_STR_CONTAINS(json, "\"tags\":[\"quick\",\"even\"]}");
}

TEST(flags, refuse_an_empty_selection, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "no_such_test");
    CHECK_INT_EQ(run->status, 4);
    CHECK_STR_EQ(run->output, "");
    CHECK_STR_EQ(run->errors, "outcomes: no test is selected\n");
    CHECK_INT_EQ(tool(OUTCOMES "--list no_such_test")->status, 4);
}

TEST(flags, refuse_an_empty_selection_of_many_programs_once, .tags = "slow") {
    const struct tool_run *run = tool(TOOL_BIN "cupel-test --results=r --seed=1 " TOOL_BIN "fixtures/outcomes " TOOL_BIN
                                               "tests/fixtures/starved no_such_test");
    CHECK_INT_EQ(run->status, 4);
    CHECK_STR_EQ(run->errors, "cupel test: no test is selected\n");
    /* One of the two parts is empty. */
    run = tool("for i in 1 2; do " TOOL_BIN "cupel-test --results=r --seed=1 --shard=$i/2 " TOOL_BIN
               "fixtures/outcomes pass.one; done");
    const char *empty = strstr(run->output, "0 passed, 0 failed, 0 skipped\n");
    REQUIRE(empty != NULL);
    CHECK(strstr(empty + 1, "0 passed, 0 failed, 0 skipped\n") == NULL);
}

/* Each: words, and what the message must hold. */
struct misuse {
    const char *words;
    const char *holds;
};

static const struct misuse misuses[] = {
    {"--repaet=3", "column 10: unknown flag '--repaet'; did you mean '--repeat'?"},
    {"--repeat=many", "'many' is no whole number"},
    {"--repeat=0", "--repeat: 0 times would run nothing; give 1 or more, or inf"},
    {"--gtest_repeat=0", "0 times would run nothing"},
    {"--for=0", "'0' is less than 1 ms"},
    {"--sweep-max=0", "'0' is less than 1"},
    {"--sweep-for=0", "'0' is not within 1 to "},
    {"--shard=3/2", "outcomes: column 18: --shard: '3/2' is not I/N with 1 <= I <= N\n"},
    {"pass.one --shard=3/2 pass.two", "outcomes: column 27: --shard: '3/2' is not"},
    {"--shard=3/2 pass.one", "outcomes: column 18: --shard: '3/2' is not"},
    {"--shard 3/2", "outcomes: column 18: --shard: '3/2' is not I/N with 1 <= I <= N\n"},
    {"--isolate=thread", "'thread' is none of: worker process none"},
    {"--report=xml", "outcomes: column 19: --report: 'xml' is none of tap, tap13, junit, json, github\n"},
    {"--report=tap,xml:f", "outcomes: column 23: --report: 'xml' is none of"},
    {"--fault=alloc:", "outcomes: column 18: --fault: 'alloc:': column 7: the plan ends where "},
    {"--fault=aloc:3", "outcomes: column 18: --fault: 'aloc:3': column 1: 'aloc' stands where a call must stand"},
    {"--fault=alloc:1@nosuchfn",
     "column 18: --fault: 'alloc:1@nosuchfn': column 9: no loaded module has a function \"nosuchfn\"\n"},
    {"--fault='alloc:2;alloc:1@file.c:10'", "': column 17: \"file.c:10\" names a line: that needs a reader"},
    {"--fault=read:1=back",
     "column 8: 'back' stands where a way to fail must stand (back and forward are for clock only)"},
    {"pass.one -- more", "outcomes: column 22: nothing may stand after '--' without --fuzz, but 'more' does"},
};

TEST(flags, name_the_wrong_word, TABLE(misuses), .tags = "slow") {
    const struct misuse *misuse = test_row();
    const struct tool_run *run = tool(OUTCOMES "%s", misuse->words);
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, misuse->holds);
}

/* order.a is tagged slow: one of the four. */
TEST(flags, wrong_words_of_the_environment_have_no_column, .tags = "slow") {
    const struct tool_run *run = tool("CUPEL_FAULT=aloc:3 " OUTCOMES "pass.one");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "outcomes: CUPEL_FAULT: 'aloc:3': column 1: 'aloc' stands where");
    run = tool("CUPEL_FAULT=alloc:1@nosuchfn " OUTCOMES "pass.one");
    CHECK_INT_EQ(run->status, 2);
    run = tool("GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=2 " TOOL_BIN "cupel-test --seed=1 --list");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "cupel test: GTEST_SHARD_INDEX '2' is not below");
}

TEST(flags, faults_may_name_a_function_of_the_program, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--fault=alloc:1@cupel__test_starved_is_silent starved.is_silent");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "starved.is_silent: swallowed");
    run = tool(TOOL_BIN "cupel-test --results=r --seed=1 " TOOL_BIN "fixtures/outcomes "
                        "--fault=alloc:1@cupel__test_starved_is_silent starved.is_silent");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "starved.is_silent: swallowed");
}

TEST(flags, help_names_every_kind_of_report, .tags = "slow") {
    static char help[sizeof(struct tool_run)];
    static char kinds[1024];
    (void)snprintf(help, sizeof help, "%s", tool(TOOL_BIN "fixtures/outcomes --help")->output);
    const struct tool_run *run = tool(OUTCOMES "--report=xml");
    (void)snprintf(kinds, sizeof kinds, "%.1000s", tool_line_after(run->errors, "none of "));
    const char *sentence = strstr(help, "Also write ");
    REQUIRE(sentence != NULL);
    unsigned count = 0;
    for (char *kind = strtok(kinds, ", "); kind != NULL; kind = strtok(NULL, ", ")) {
        const char *named = strstr(sentence, kind);
        CHECK(named != NULL && named - sentence < 120);
        count++;
    }
    CHECK_UINT_EQ(count, 5);
}

TEST(flags, slow_tests_are_repeated_only_where_asked, .tags = "slow") {
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=5 --shuffle -v order")->output, "\n16 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=5 --repeat-slow order")->output, "\n20 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=5 order.a")->output, "\n1 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=5 --repeat-index=3 order.a")->output, "\n1 passed, 0 failed");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=inf order.a")->output, "\n1 passed, 0 failed, 0 skipped\n");
}

TEST(flags, repeat, .tags = "slow") {
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=50 pass.one")->output, "50 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--repeat=inf -x -j1 flaky")->output,
                       "stopped after 3 tests\n1 flaky\n2 passed, 1 failed");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--gtest_repeat=-1 --gtest_fail_fast --gtest_filter='flaky.*'")->output,
                       "2 passed, 1 failed");
    const struct tool_run *run = tool(OUTCOMES "--for=500ms pass.one");
    CHECK_INT_EQ(run->status, 0);
    CHECK(strstr(run->output, "\n1 passed") == NULL);
}

TEST(flags, shuffle_by_one_seed, .tags = "slow") {
    char first[32768];
    (void)snprintf(first, sizeof first, "%s", tool(OUTCOMES "-v --shuffle --repeat=8 order | sed 's/ (.*//'")->output);
    CHECK_STR_EQ(tool(OUTCOMES "-v --shuffle --repeat=8 order | sed 's/ (.*//'")->output, first);
    CHECK_STR_EQ(
        tool("CUPEL_SEED=1 " TOOL_BIN "fixtures/outcomes -v --shuffle --repeat=8 order | sed 's/ (.*//'")->output,
        first);
    CHECK_STR_NE(tool(OUTCOMES "-v --repeat=8 -j1 order | sed 's/ (.*//'")->output, first);
    CHECK_STR_NE(tool(OUTCOMES "-v --shuffle --seed=2 --repeat=8 order | sed 's/ (.*//; s/seed 2/seed 1/'")->output,
                 first);
}

TEST(flags, shard_every_test_once, .tags = "slow") {
    const struct tool_run *run = tool("for i in 1 2 3; do " OUTCOMES "-l --shard=$i/3; done | sort >shards; " OUTCOMES
                                      "-l | sort >all; cmp shards all && wc -l <all");
    CHECK_INT_EQ(run->status, 0);
    run = tool("for i in 0 1 2; do GTEST_TOTAL_SHARDS=3 GTEST_SHARD_INDEX=$i GTEST_SHARD_STATUS_FILE=known " OUTCOMES
               "-l; done | sort >shards; " OUTCOMES "-l | sort >all; cmp shards all && ls known");
    CHECK_INT_EQ(run->status, 0);
    /* A shard may be empty. */
    run = tool("for i in 1 2; do " OUTCOMES "--shard=$i/2 --filter=pass.one || echo bad; done");
    CHECK_STR_CONTAINS(run->output, "1 passed");
    CHECK_STR_CONTAINS(run->output, "0 passed, 0 failed, 0 skipped\n");
    CHECK(strstr(run->output, "bad") == NULL);
}

TEST(flags, stop_early, .tags = "slow") {
    CHECK_STR_CONTAINS(tool(OUTCOMES "--fail-fast 'fail.*'")->output, "stopped after 1 test\n0 passed, 1 failed");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--max-fail=2 'fail.*'")->output, "stopped after 2 tests\n0 passed, 2 failed");
    CHECK_STR_CONTAINS(tool(OUTCOMES "-x --isolate=none 'fail.*'")->output, "0 passed, 1 failed");
}

TEST(flags, run_with_jobs, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "-j4 --repeat=20 --filter='pass.*:crash.abort'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "80 passed, 20 failed, 0 skipped\n");
}

TEST(flags, rerun_what_failed, .tags = "slow") {
    const struct tool_run *run =
        tool("cp " TOOL_BIN "fixtures/outcomes . && ./outcomes 'pass.*' fail.soft fail.fatal >/dev/null; "
             "./outcomes --rerun-failed -l; ./outcomes fail.prints >/dev/null; ./outcomes --rerun-failed -l; "
             "./outcomes --rerun-failed pass; echo $?");
    CHECK_STR_EQ(run->output, "fail.soft\nfail.fatal\nfail.soft\nfail.fatal\nfail.prints\n4\n");
    CHECK_STR_CONTAINS(run->errors, "no test is selected: nothing failed last time");
}

TEST(flags, speak_as_googletest_does, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--gtest_filter='pass.one:fail.soft:skip.declared' --gtest_color=no "
                                               "--gtest_output=xml:out.xml; grep -c '<testcase' out.xml");
    CHECK_STR_CONTAINS(run->output, "[ RUN      ] pass.one\n[       OK ] pass.one (");
    CHECK_STR_CONTAINS(run->output, "outcomes.c:");
    CHECK_STR_CONTAINS(run->output, ": Failure\n");
    CHECK_STR_CONTAINS(run->output, "[  FAILED  ] fail.soft");
    CHECK_STR_CONTAINS(run->output, "[  SKIPPED ] skip.declared");
    CHECK_STR_CONTAINS(run->output, "\n3\n");
    CHECK_INT_EQ(tool(OUTCOMES "--gtest_filter=skip.declared")->status, 0);
}

TEST(flags, help, .tags = "slow") {
    const struct tool_run *run = tool(TOOL_BIN "fixtures/outcomes --help");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "--rerun-failed");
    CHECK_STR_CONTAINS(run->output, "77 all were skipped");
}
