/* Goal: tools that know nothing of cupel read what its programs write: GoogleTest's readers, JUnit's, TAP's, GitHub.
 * Method: the fixture program under each of their flags and variables; its files against the shapes that they document,
 * by xmllint, prove, gdb and small strict readers. */
#include "harness/tests/tap.h"
#include "harness/tests/tool.h"

#include <stdlib.h>

#define FIXTURE  TOOL_BIN "fixtures/outcomes"
#define OUTCOMES "TMPDIR=\"$PWD\" " FIXTURE " "
#define MIXED    "'pass.one:fail.soft:skip.declared:skip.DISABLED_by_name:table.sums*:crash.abort'"
#define DOC      CUPEL_TEST_SOURCE_DIR "/harness/doc/"

/* Skips the test where a tool of others is not there. */
static void need(const char *tool_name) {
    if (tool("command -v %s", tool_name)->status != 0) {
        char reason[64];
        (void)snprintf(reason, sizeof reason, "%s is not installed", tool_name);
        cupel_test_skip(reason);
    }
}

TEST(gtest, lists_into_a_file_too, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--gtest_list_tests --gtest_filter='order.a:table.*' --gtest_output=xml:list.xml "
                      ">list; cat list.xml | sed 's/ file=\"[^\"]*\"//; s/ line=\"[0-9]*\"//'");
    CHECK_STR_EQ(run->output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                              "<testsuites tests=\"4\" name=\"AllTests\">\n"
                              "  <testsuite name=\"table\" tests=\"3\">\n"
                              "    <testcase name=\"sums/0\" value_param=\"0\" />\n"
                              "    <testcase name=\"sums/1\" value_param=\"1\" />\n"
                              "    <testcase name=\"sums/2\" value_param=\"2\" />\n"
                              "  </testsuite>\n"
                              "  <testsuite name=\"order\" tests=\"1\">\n"
                              "    <testcase name=\"a\" />\n"
                              "  </testsuite>\n"
                              "</testsuites>\n");
    CHECK_STR_CONTAINS(tool(OUTCOMES "--gtest_list_tests --gtest_filter=order.a --gtest_output=json:list.json >list; "
                                     "tr -d ' \\n' <list.json")
                           ->output,
                       "{\"tests\":1,\"name\":\"AllTests\",\"testsuites\":[{\"name\":\"order\",\"tests\":1,"
                       "\"testsuite\":[{\"name\":\"a\",\"file\":\"");
    /* What CMake's discovery asks of a program without tests. */
    CHECK_INT_EQ(tool(OUTCOMES "--gtest_list_tests --gtest_filter=none")->status, 0);
}

/* Each key at its place, as GoogleTest 1.12 writes them. */
TEST(gtest, writes_json, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--gtest_filter=" MIXED " --gtest_output=json:out.json >text; "
                      "python3 -c 'import json\n"
                      "r = json.load(open(\"out.json\"))\n"
                      "print(*[k for k in r]); print(r[\"tests\"], r[\"failures\"], r[\"disabled\"], r[\"errors\"])\n"
                      "for s in r[\"testsuites\"]:\n"
                      "  print(*[k for k in s]); print(s[\"name\"], s[\"tests\"], s[\"failures\"], s[\"disabled\"])\n"
                      "  for c in s[\"testsuite\"]:\n"
                      "    print(*[k for k in c]); print(c[\"name\"], c[\"status\"], c[\"result\"], c[\"classname\"])\n"
                      "'");
    static const char counts[] = "tests failures disabled errors timestamp time";
    static const char keys[] = "file line status result timestamp time classname";
    char expected[4096];
    (void)snprintf(expected, sizeof expected,
                   "%s name testsuites\n8 3 1 0\n"
                   "name %s testsuite\npass 1 0 0\nname %s\none RUN COMPLETED pass\n"
                   "name %s testsuite\nfail 1 1 0\nname %s failures\nsoft RUN COMPLETED fail\n"
                   "name %s testsuite\ncrash 1 1 0\nname %s failures\nabort RUN COMPLETED crash\n"
                   "name %s testsuite\nskip 2 0 1\nname %s\ndeclared RUN SKIPPED skip\n"
                   "name %s\nDISABLED_by_name NOTRUN SUPPRESSED skip\n"
                   "name %s testsuite\ntable 3 1 0\nname value_param %s\nsums/0 RUN COMPLETED table\n"
                   "name value_param %s failures\nsums/1 RUN COMPLETED table\n"
                   "name value_param %s\nsums/2 RUN COMPLETED table\n",
                   counts, counts, keys, counts, keys, counts, keys, counts, keys, keys, counts, keys, keys, keys);
    CHECK_STR_EQ(run->output, expected);
}

TEST(gtest, writes_xml, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--gtest_filter=" MIXED " --gtest_output=xml:deep/ >text; ls deep; "
                      "sed 's/ \\(time\\|timestamp\\|file\\|line\\)=\"[^\"]*\"//g' deep/outcomes.xml | grep '<test'");
    CHECK_STR_EQ(
        run->output,
        "outcomes.xml\n"
        "<testsuites tests=\"8\" failures=\"3\" disabled=\"1\" errors=\"0\" name=\"AllTests\">\n"
        "  <testsuite name=\"pass\" tests=\"1\" failures=\"0\" disabled=\"0\" skipped=\"0\" errors=\"0\">\n"
        "    <testcase name=\"one\" status=\"run\" result=\"completed\" classname=\"pass\" />\n"
        "  <testsuite name=\"fail\" tests=\"1\" failures=\"1\" disabled=\"0\" skipped=\"0\" errors=\"0\">\n"
        "    <testcase name=\"soft\" status=\"run\" result=\"completed\" classname=\"fail\">\n"
        "  <testsuite name=\"crash\" tests=\"1\" failures=\"1\" disabled=\"0\" skipped=\"0\" errors=\"0\">\n"
        "    <testcase name=\"abort\" status=\"run\" result=\"completed\" classname=\"crash\">\n"
        "  <testsuite name=\"skip\" tests=\"2\" failures=\"0\" disabled=\"1\" skipped=\"1\" errors=\"0\">\n"
        "    <testcase name=\"declared\" status=\"run\" result=\"skipped\" classname=\"skip\">\n"
        "    <testcase name=\"DISABLED_by_name\" status=\"notrun\" result=\"suppressed\" classname=\"skip\" />\n"
        "  <testsuite name=\"table\" tests=\"3\" failures=\"1\" disabled=\"0\" skipped=\"0\" errors=\"0\">\n"
        "    <testcase name=\"sums/0\" value_param=\"0\" status=\"run\" result=\"completed\" classname=\"table\" />\n"
        "    <testcase name=\"sums/1\" value_param=\"1\" status=\"run\" result=\"completed\" classname=\"table\">\n"
        "    <testcase name=\"sums/2\" value_param=\"2\" status=\"run\" result=\"completed\" classname=\"table\" />\n");
    /* A second run has a file of its own in that directory; without a name it is test_detail. */
    CHECK_STR_EQ(tool(OUTCOMES "--gtest_filter=pass.one --gtest_output=xml:deep/ >text; " OUTCOMES
                               "--gtest_filter=pass.one --gtest_output=xml >text; ls deep test_detail.xml")
                     ->output,
                 "test_detail.xml\n\ndeep:\noutcomes.xml\noutcomes_1.xml\n");
    CHECK_INT_EQ(tool(OUTCOMES "--gtest_output=yaml:x")->status, 2);
}

TEST(gtest, prints_its_lines, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--gtest_print_time=0 --gtest_random_seed=7 --gtest_filter='pass.*-pass.prints:skip.*:table.*' | "
                      "grep -v '^/\\|^  actual\\|^  expected\\|^again'");
    CHECK_STR_EQ(run->output, "Note: seed 7 (--seed=7 runs the same again).\n"
                              "[==========] Running 3 tests from 1 test suite.\n"
                              "[----------] 3 tests from pass\n"
                              "[ RUN      ] pass.one\n[       OK ] pass.one\n"
                              "[ RUN      ] pass.two\n[       OK ] pass.two\n"
                              "[ RUN      ] pass.three\n[       OK ] pass.three\n"
                              "[----------] 3 tests from pass\n\n"
                              "[==========] 3 tests from 1 test suite ran.\n"
                              "[  PASSED  ] 3 tests.\n"
                              "3 passed, 0 failed, 0 skipped\n");
    const char *output = tool(OUTCOMES "--gtest_filter=" MIXED)->output;
    CHECK_STR_CONTAINS(output, "[----------] 3 tests from table\n[ RUN      ] table.sums/0\n");
    CHECK_STR_CONTAINS(output, "[  FAILED  ] table.sums/1, where GetParam() = 1 (");
    CHECK_STR_CONTAINS(output, "[ DISABLED ] skip.DISABLED_by_name\n");
    CHECK_STR_CONTAINS(output, "[  FAILED  ] 3 tests, listed below:\n[  FAILED  ] fail.soft\n");
    CHECK_STR_CONTAINS(output, "\n 3 FAILED TESTS\n\n  YOU HAVE 1 DISABLED TEST\n");
    output = tool(OUTCOMES "--gtest_brief=1 --gtest_filter=" MIXED)->output;
    CHECK_STR_CONTAINS(output, "[  FAILED  ] fail.soft (");
    CHECK(strstr(output, "[ RUN ") == NULL && strstr(output, "[       OK ]") == NULL);
    output = tool(OUTCOMES "--gtest_repeat=2 --gtest_filter=order.a")->output;
    CHECK_STR_CONTAINS(output, "\nRepeating all tests (iteration 2) . . .\n");
    CHECK_STR_CONTAINS(output, "2 passed, 0 failed");
}

/* Each: variables or flags, and what the run comes to. */
struct word {
    const char *variables;
    const char *flags;
    int status;
    const char *holds;
};

static const struct word words[] = {
    {"GTEST_FILTER='pass.one:pass.two'", "", 0, "2 passed, 0 failed, 0 skipped"},
    {"GTEST_FILTER=pass.one", "--gtest_filter=pass.*", 0, "4 passed, 0 failed, 0 skipped"},
    {"GTEST_REPEAT=3", "pass.one", 0, "3 passed, 0 failed, 0 skipped"},
    {"GTEST_ALSO_RUN_DISABLED_TESTS=1", "skip.DISABLED_by_name", 0, "1 passed, 0 failed, 0 skipped"},
    {"GTEST_FAIL_FAST=1", "'fail.*'", 1, "0 passed, 1 failed, 0 skipped"},
    {"GTEST_RANDOM_SEED=9", "pass.one", 0, "seed 9\n"},
    {"GTEST_BRIEF=maybe", "pass.one", 2, "is neither yes (1) nor no (0)"},
    {"TESTBRIDGE_TEST_ONLY=pass.one", "", 0, "1 passed, 0 failed, 0 skipped"},
    {"TESTBRIDGE_TEST_ONLY=elsewhere.*", "", 0, "0 passed, 0 failed, 0 skipped"},
    {"TESTBRIDGE_TEST_ONLY=pass.two", "--gtest_filter=pass.*", 0, "4 passed"},
    {"TESTBRIDGE_TEST_RUNNER_FAIL_FAST=1", "'fail.*'", 1, "0 passed, 1 failed"},
    {"A=1", "--gtest_filter=none", 4, "no test is selected"},
    {"A=1", "--gtest_filter=none --gtest_fail_if_no_test_selected=0", 0, "0 passed, 0 failed, 0 skipped"},
    {"A=1", "--gtest_throw_on_failure 'fail.*'", 1, "0 passed, 1 failed"},
    {"A=1", "--gtest_death_test_style=fast --gtest_print_utf8=0 pass.one", 0, "1 passed"},
    {"A=1", "--gtest_catch_exceptions=0 crash.abort || kill -l $?", 0, "ABRT"},
    {"A=1", "--gtest_shuffle --gtest_random_seed=3 pass.o*", 0, "seed 3 "},
};

TEST(gtest, words_have_their_effect, TABLE(words), .tags = "slow") {
    const struct word *word = test_row();
    const struct tool_run *run = tool("export %s; " OUTCOMES "%s", word->variables, word->flags);
    CHECK_INT_EQ(run->status, word->status);
    CHECK_STR_CONTAINS(word->status == 0 || word->status == 1 ? run->output : run->errors, word->holds);
}

TEST(gtest, output_may_be_named_by_the_environment, .tags = "slow") {
    CHECK_INT_EQ(tool("GTEST_OUTPUT=json:a.json " OUTCOMES "pass.one && XML_OUTPUT_FILE=b.xml " OUTCOMES
                      "pass.one && grep -q '\"tests\":1,' a.json && grep -q '<testsuites tests=.1.' b.xml")
                     ->status,
                 0);
    /* cupel test writes one for all programs, and the programs none. */
    CHECK_STR_EQ(tool("cp " FIXTURE " one; cp one two; GTEST_OUTPUT=xml:sum/ " TOOL_BIN
                      "cupel-test --results=r ./one ./two pass.one >text; ls sum; grep -c '<testcase' sum/*")
                     ->output,
                 "cupel test.xml\n2\n");
}

TEST(gtest, shards_as_bazel_says_them, .tags = "slow") {
    const struct tool_run *run =
        tool("for i in 0 1; do TEST_TOTAL_SHARDS=2 TEST_SHARD_INDEX=$i TEST_SHARD_STATUS_FILE=known " OUTCOMES
             "-l; done | sort >shards; " OUTCOMES "-l | sort >all; cmp shards all && ls known; "
             "GTEST_TOTAL_SHARDS=3 GTEST_SHARD_INDEX=0 " OUTCOMES "--gtest_list_tests | wc -l; " OUTCOMES
             "--gtest_list_tests | wc -l");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(tool_line_after(run->output, "known\n"), tool_line_after(run->output, "known\n"));
    const char *first = strstr(run->output, "\n");
    REQUIRE(first != NULL);
    int sharded = atoi(first + 1);
    const char *second = strstr(first + 1, "\n");
    REQUIRE(second != NULL);
    CHECK_INT_EQ(sharded, atoi(second + 1));
    CHECK_INT_EQ(tool("GTEST_TOTAL_SHARDS=-1 GTEST_SHARD_INDEX=0 " OUTCOMES "-l")->status, 2);
}

TEST(gtest, leaves_a_file_where_it_ends_too_early, .tags = "slow") {
    const struct tool_run *run =
        tool("export TEST_PREMATURE_EXIT_FILE=early; " OUTCOMES "pass.one fail.soft >text; ls early 2>&1; " OUTCOMES
             "--isolate=none --filter=crash.underscore_exit >text; ls early");
    CHECK_STR_CONTAINS(run->output, "cannot access 'early'");
    CHECK_STR_CONTAINS(run->output, "\nearly\n");
}

/* What an IDE does for "debug this test". */
TEST(gtest, runs_in_the_process_that_a_debugger_started, .tags = "slow") {
    need("gdb");
    const struct tool_run *run =
        tool("gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break cupel__test_pass_one' -ex run -ex 'info "
             "breakpoints' --args " FIXTURE " --gtest_filter=pass.one 2>&1");
    if (strstr(run->output, "ptrace") != NULL) {
        cupel_test_skip("no process may be traced here");
    }
    CHECK_STR_CONTAINS(run->output, "breakpoint already hit 1 time");
}

TEST(junit, fits_its_schema, .tags = "slow") {
    need("xmllint");
    const struct tool_run *run =
        tool(OUTCOMES "--report=junit:out.xml --filter='-hang.*:loud.*:closes.*' "
                      "--repeat=2 --repeat-slow >text; xmllint --noout --schema " DOC "junit.xsd out.xml "
                      "&& sed 's/classname/class/' out.xml >bad.xml; "
                      "xmllint --noout --schema " DOC "junit.xsd bad.xml");
    CHECK_STR_CONTAINS(run->errors, "out.xml validates\n");
    CHECK_STR_CONTAINS(run->errors, "The attribute 'class' is not allowed.");
    CHECK_INT_EQ(run->status, 3);
}

TEST(junit, tells_errors_from_failures, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES "--report=junit:out.xml --filter=" MIXED " >text; sed -n 's/ time=.*//; 2,3p' out.xml; "
                      "grep -o '<\\(error\\|failure\\) type=\"[a-z]*\"' out.xml");
    CHECK_STR_EQ(run->output, "<testsuites name=\"outcomes\" tests=\"8\" failures=\"2\" errors=\"1\" skipped=\"2\"\n"
                              "  <testsuite name=\"outcomes\" tests=\"8\" failures=\"2\" errors=\"1\" skipped=\"2\"\n"
                              "<failure type=\"wrong\"\n<error type=\"crash\"\n<failure type=\"wrong\"\n");
}

TEST(junit, has_a_suite_for_each_program, .tags = "slow") {
    CHECK_STR_EQ(tool("cp " FIXTURE " one; cp one two; " TOOL_BIN
                      "cupel-test --results=r --junit=out.xml ./one ./two 'pass.*' >text; "
                      "grep -o '<testsuite name=\"[a-z]*\" tests=\"[0-9]*\"' out.xml")
                     ->output,
                 "<testsuite name=\"one\" tests=\"4\"\n<testsuite name=\"two\" tests=\"4\"\n");
}

TEST(tap, is_read_by_a_strict_reader, .tags = "slow") {
    static char text[sizeof(struct tool_run)];
    struct tap tap;
    tool_write("run", "exec " FIXTURE " --style=none --report=tap --filter=" MIXED ":expected.*:fail.*\n");
    (void)snprintf(text, sizeof text, "%s", tool("TMPDIR=\"$PWD\" sh ./run")->output);
    (void)tap_read(&tap, text);
    CHECK_STR_EQ(tap.error, "");
    CHECK_UINT_EQ(tap.points, 14);
    CHECK_UINT_EQ(tap.failed, 7);
    CHECK_UINT_EQ(tap.skipped, 2);
    CHECK_UINT_EQ(tap.todo, 2);
    /* The reader is one that refuses. */
    char swapped[] = "TAP version 14\nok 2 - a\n1..1\n";
    CHECK(!tap_read(&tap, swapped));
    char short_plan[] = "TAP version 14\nok 1 - a\n1..2\n";
    CHECK(!tap_read(&tap, short_plan));
    char open_block[] = "TAP version 14\nnot ok 1 - a\n  ---\n  verdict: wrong\n1..1\n";
    CHECK(!tap_read(&tap, open_block));
}

TEST(tap, is_read_by_prove, .tags = "slow") {
    need("prove");
    const struct tool_run *run = tool("touch pass.one skip.declared expected.failure fail.fatal; "
                                      "prove --exec '" FIXTURE " --style=none --report=tap' pass.one skip.declared; "
                                      "echo status $?; "
                                      "prove --exec '" FIXTURE " --style=none --report=tap' fail.fatal");
    CHECK_STR_CONTAINS(run->output, "All tests successful.\n");
    CHECK_STR_CONTAINS(run->output, "Result: PASS\nstatus 0\n");
    CHECK_STR_CONTAINS(run->output, "Failed test:  1\n");
    CHECK(strstr(run->output, "Parse errors") == NULL);
    /* A file that was written before anybody knew who would read it. */
    run = tool("env -u HARNESS_ACTIVE " FIXTURE " --style=none --report=tap13:out.tap,tap:new.tap --filter=" MIXED
               "; prove --exec cat out.tap; echo status $?; head -n1 new.tap");
    CHECK_STR_CONTAINS(run->output, "Failed tests:");
    CHECK_STR_CONTAINS(run->output, "status 1\nTAP version 14\n");
    CHECK(strstr(run->output, "Parse errors") == NULL);
}

TEST(json_lines, fit_their_schema, .tags = "slow") {
    need("python3");
    const struct tool_run *run = tool(
        OUTCOMES "--style=none --report=json --filter=" MIXED ":directory.*:fail.*:exit.*:starved.* >lines; " OUTCOMES
                 "--style=none --report=json -j1 --repeat=4 flaky >>lines; grep -q '^.\"flaky' lines && "
                 "python3 " CUPEL_TEST_SOURCE_DIR "/harness/tests/schema.py " DOC "results.schema.json <lines; "
                 "echo status $?; sed 's/\"line\":/\"row_of_text\":/' lines | "
                 "python3 " CUPEL_TEST_SOURCE_DIR "/harness/tests/schema.py " DOC "results.schema.json");
    CHECK_STR_CONTAINS(run->output, " lines, 0 faults\nstatus 0\n");
    CHECK_STR_CONTAINS(run->output, "line 1: the record has no line\n");
    CHECK_STR_CONTAINS(run->output, "has 'row_of_text', which the schema does not name\n");
}

TEST(github, escapes_what_would_end_a_property, .tags = "slow") {
    const struct tool_run *run = tool(
        "mkdir 'a,b' && cp " FIXTURE " 'a,b/c' && " OUTCOMES "--style=none --report=github "
        "fail.soft; GITHUB_WORKSPACE=" CUPEL_TEST_SOURCE_DIR " " OUTCOMES "--style=none --report=github fail.soft");
    const char *second = strstr(run->output, "\n");
    REQUIRE(second != NULL);
    CHECK_STR_CONTAINS(run->output, "::error file=/");
    CHECK_STR_CONTAINS(second, "\n::error file=harness/tests/fixtures/outcomes.c,line=");
    CHECK_STR_CONTAINS(second, "%0Aagain: ");
}
