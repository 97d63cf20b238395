/* Goal: every report is computed from the same records, is well-formed, and is complete or not there; cupel test sums
 * programs up. Method: the fixture program's reports, read back by other tools where they are there. */
#include "harness/tests/tool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURE  TOOL_BIN "fixtures/outcomes"
#define OUTCOMES "TMPDIR=\"$PWD\" " FIXTURE " --seed=1 "
#define MIXED    "--filter='pass.one:pass.prints:fail.fatal:fail.prints:skip.declared:expected.failure' "

TEST(reports, write_tap, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--style=none --report=tap " MIXED);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output,
                       "TAP version 14\n# outcomes, seed 1\nok 1 - pass.one\nok 2 - pass.prints\n"
                       "not ok 3 - fail.fatal\n  ---\n  verdict: wrong\n  message: |\n    note: the value");
    CHECK_STR_CONTAINS(run->output, "ok 5 - skip.declared # SKIP not on this machine\n");
    /* lint: allow todo: it is the word of TAP for an expected failure */
    CHECK_STR_CONTAINS(run->output, "not ok 6 - expected.failure # TODO expected to fail: a known defect\n1..6\n");
}

TEST(reports, write_junit, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--report=junit:deep/er/out.xml " MIXED ">/dev/null; cat deep/er/out.xml");
    CHECK_STR_CONTAINS(run->output,
                       "<testsuites name=\"outcomes\" tests=\"6\" failures=\"2\" errors=\"0\" skipped=\"1\"");
    CHECK_STR_CONTAINS(run->output, "<testcase classname=\"pass\" name=\"one\" file=\"");
    CHECK_STR_CONTAINS(run->output, "<skipped message=\"not on this machine\"/>");
    CHECK_STR_CONTAINS(run->output, "&quot;one\\ntwo\\tthree&quot;");
    CHECK_STR_CONTAINS(run->output, "<system-out>printed on standard output\nprinted on standard error\n</system-out>");
    run = tool("python3 -c 'import xml.dom.minidom as m; print(len(m.parse(\"deep/er/out.xml\")"
               ".getElementsByTagName(\"testcase\")))'");
    if (run->status != 127) {
        CHECK_STR_EQ(run->output, "6\n");
    }
}

TEST(reports, write_json_lines, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--style=none --report=json " MIXED);
    CHECK_STR_CONTAINS(run->output, "{\"test\":\"pass.one\",\"verdict\":\"ok\",\"passed\":true,\"program\":\"");
    CHECK_STR_CONTAINS(run->output, "\"evidence\":\"unit\",\"seed\":1,\"repeat\":0,");
    CHECK_STR_CONTAINS(run->output, "\"messages\":\"note: the value was 42\\n");
    run = tool(OUTCOMES "--style=none --report=json:- " MIXED "; " OUTCOMES "--style=none --report=json " MIXED
                        " | python3 -c 'import json,sys; print([json.loads(l)[\"verdict\"] for l in sys.stdin])'");
    if (strstr(run->errors, "not found") == NULL) {
        CHECK_STR_CONTAINS(run->output, "['ok', 'ok', 'wrong', 'wrong', 'skipped', 'ok']\n");
    }
}

TEST(reports, annotate_for_github, .tags = "slow") {
    const char *output = tool(OUTCOMES "--style=none --report=github fail.soft")->output;
    CHECK_STR_CONTAINS(output, "::error file=");
    CHECK_STR_CONTAINS(output, ",title=fail.soft (wrong)::");
    /* The line is that of the first failed check, not that of the test. */
    const char *line = strstr(output, ",line=");
    const char *place = strstr(output, "outcomes.c:");
    REQUIRE(line != NULL && place != NULL);
    CHECK_INT_EQ(atoi(line + 6), atoi(place + 11));
    CHECK_STR_CONTAINS(output, "does not hold%0A  actual:   1%0A");
}

/* What reads a report reads nothing else: the text goes elsewhere. Annotations are for a log, where both stand. */
TEST(reports, have_standard_output_for_themselves, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--report=tap pass.one fail.soft");
    CHECK_INT_EQ(strncmp(run->output, "TAP version ", 12), 0);
    CHECK(strstr(run->output, "1 passed") == NULL);
    CHECK(strstr(run->output, "FAILED") == NULL);
    CHECK_STR_CONTAINS(run->errors, "FAILED fail.soft: wrong (");
    CHECK_STR_CONTAINS(run->errors, "\n1 passed, 1 failed, 0 skipped\n");
    run = tool(OUTCOMES "--report=junit:x,json pass.one --style=gtest");
    CHECK_INT_EQ(strncmp(run->output, "{\"test\":", 8), 0);
    CHECK_STR_CONTAINS(run->errors, "[  PASSED  ] 1 test.\n");
    run = tool(TOOL_BIN "cupel-test --results=r --report=tap " FIXTURE " pass.one");
    CHECK_INT_EQ(strncmp(run->output, "TAP version ", 12), 0);
    CHECK(strstr(run->output, "1 passed") == NULL);
    CHECK_STR_CONTAINS(run->errors, "\n1 passed, 0 failed, 0 skipped\n");
    run = tool(OUTCOMES "--report=tap pass.one 2>&-");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "\n1..1\n");
    run = tool(OUTCOMES "--report=json,github fail.soft");
    CHECK(strstr(run->output, "::error") == NULL);
    CHECK_STR_CONTAINS(run->errors, "::error file=");
    run = tool(OUTCOMES "--report=github,tap:t fail.soft");
    CHECK_STR_CONTAINS(run->output, "::error file=");
    CHECK_STR_CONTAINS(run->output, "\n0 passed, 1 failed, 0 skipped\n");
    CHECK_STR_EQ(run->errors, "");
}

/* Of what is printed without end the text has the two ends, and how much there is between; reports have more. */
TEST(reports, leave_out_the_middle_of_much_output, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "loud.line_by_line --report=tap:t; grep -c '^    line 41$' t");
    CHECK_STR_CONTAINS(run->output, "\nit printed:\n  | line 0\n  | line 1\n");
    CHECK_STR_CONTAINS(run->output, "\n  | line 39\n  | [");
    CHECK_STR_CONTAINS(run->output, "\n  | line 4880\n");
    CHECK_STR_CONTAINS(run->output, "\n  | line 4999\nagain: ");
    CHECK(strstr(run->output, "line 40\n") == NULL);
    CHECK(strstr(run->output, "line 4879\n") == NULL);
    const char *left = tool_line_after(run->output, "\n  | [");
    CHECK_INT_GT(strtol(left, NULL, 10), 1000);
    CHECK_STR_CONTAINS(left, " bytes more left out here]");
    CHECK_STR_CONTAINS(run->output, "\n0 passed, 1 failed, 0 skipped\n1\n");
    run = tool(OUTCOMES "pass.prints fail.prints");
    CHECK(strstr(run->output, "left out") == NULL);
}

TEST(reports, use_colours_when_asked, .tags = "slow") {
    CHECK(strchr(tool(OUTCOMES "fail.soft")->output, '\033') == NULL);
    CHECK_STR_CONTAINS(tool(OUTCOMES "--colour=yes fail.soft")->output, "\033[1;31mFAILED\033[0m fail.soft");
}

TEST(reports, say_what_cannot_be_written, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES "--report=junit:/proc/nowhere/out.xml pass.one");
    CHECK_INT_EQ(run->status, 6);
    CHECK_STR_CONTAINS(run->errors, "/proc/nowhere");
    run = tool(OUTCOMES "pass.one >/dev/full");
    CHECK_INT_EQ(run->status, 6);
    CHECK_STR_CONTAINS(run->errors, "standard output could not be written");
    CHECK_INT_EQ(tool(OUTCOMES "--list >/dev/full")->status, 6);
}

#define ALL TOOL_BIN "cupel-test --results=records.jsonl --seed=1 "

/* The sizes of what a program writes at a time, and whether each is whole lines: a pipe of packets keeps them apart. */
static void check_whole_lines(const char *command) {
    static char packet[65536];
    unsigned count = 0;
    int ends[2];
    REQUIRE_INT_EQ(pipe2(ends, O_DIRECT | O_NONBLOCK), 0);
    REQUIRE_INT_GE(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    CHECK_INT_EQ(tool("%s >&%d", command, ends[1])->status, 0);
    for (ssize_t got; (got = read(ends[0], packet, sizeof packet)) > 0; count++) {
        CHECK_INT_EQ(packet[got - 1], '\n');
    }
    CHECK_UINT_GT(count, 200);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

TEST(reports, are_lines_that_nothing_cuts, .tags = "slow") {
    check_whole_lines(OUTCOMES "-v --repeat=200 --filter=pass.one");
    check_whole_lines(OUTCOMES "--style=none --report=json --repeat=210 --filter=pass.one");
    check_whole_lines("TMPDIR=\"$PWD\" " TOOL_BIN "cupel-test --results=r -v --repeat=200 --filter=pass.one " FIXTURE);
}

TEST(cupel_test, sums_programs_up, .tags = "slow") {
    const struct tool_run *run =
        tool("cp " FIXTURE " one && cp " FIXTURE " two && TMPDIR=\"$PWD\" " ALL
             "-j 2 ./one ./two --report=tap:out.tap --junit out.xml " MIXED "; echo status $?; wc -l <records.jsonl; "
             "grep -c '^ok\\|^not ok' out.tap; grep -c '<testcase' out.xml");
    CHECK_STR_CONTAINS(run->output, "cupel test: 2 programs, seed 1\n");
    CHECK_STR_CONTAINS(run->output, "again: ./one --filter='fail.fatal' --seed=1 --isolate=worker\n");
    CHECK_STR_CONTAINS(run->output, "6 passed, 4 failed, 2 skipped\nstatus 1\n12\n12\n12\n");
    CHECK_STR_EQ(run->errors, "");
}

TEST(cupel_test, passes_words_and_flags_on, .tags = "slow") {
    const struct tool_run *run = tool("cp " FIXTURE " one && " ALL "./one -v --repeat 2 pass.one pass.two");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "ok pass.two");
    CHECK_STR_CONTAINS(run->output, "4 passed, 0 failed, 0 skipped\n");
    CHECK_STR_EQ(tool("cp " FIXTURE " one && " ALL "./one --list pass.one")->output, "pass.one\n");
    CHECK_INT_EQ(tool("cp " FIXTURE " one && " ALL "./one no_such_test")->status, 4);
    CHECK_INT_EQ(tool(ALL "./no_such_program")->status, 2);
    CHECK_INT_EQ(tool(ALL "--no-such-flag")->status, 2);
}

TEST(cupel_test, tells_of_a_program_that_dies, .tags = "slow") {
    tool_write("dies", "#!/bin/sh\nkill -9 $$\n");
    const struct tool_run *run = tool(ALL "./dies");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED program.dies: crash");
    CHECK_STR_CONTAINS(run->output, "the program itself died by signal 9");
}

TEST(cupel_test, puts_words_before_a_program, .tags = "slow") {
    const struct tool_run *run =
        tool("cp " FIXTURE " one && " ALL
             "--wrap \"env 'WORD=two words' sh -c 'echo \\\"\\$WORD\\\" >seen; exec \\\"\\$@\\\"' "
             "sh\" ./one pass.one && cat seen");
    CHECK_STR_CONTAINS(run->output, "1 passed, 0 failed, 0 skipped\n");
}

TEST(cupel_test, stops_early_and_at_an_interrupt, .tags = "slow") {
    const struct tool_run *run = tool("cp " FIXTURE " one && TMPDIR=\"$PWD\" " ALL "./one -x 'fail.*'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "0 passed, 1 failed, 0 skipped\n");
    run = tool("mkfifo ready; cp " FIXTURE " one; CUPEL_READY=\"$PWD/ready\" " ALL
               "./one --filter='pass.one:hang.says_that_it_began' & read pid <ready; kill -INT $!; wait $!; "
               "echo status $?; kill -0 $pid 2>/dev/null && echo alive; true");
    CHECK_STR_CONTAINS(run->output, "1 passed, 0 failed, 0 skipped\nstatus 130\n");
    CHECK(strstr(run->output, "alive") == NULL);
}
