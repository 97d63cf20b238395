/* Goal: `cupel test` finds its programs wherever it lies, and each word, program and file that it cannot use is told by
 * name and by its exit status. Method: copies of the tool in small trees beside stand-ins for test programs. */
#include "harness/tests/tool.h"

#define TEST_    TOOL_BIN "cupel-test --results=r --seed=1 "
#define OUTCOMES TOOL_BIN "fixtures/outcomes"
#define STARVED_ TOOL_BIN "tests/fixtures/starved"

/* A test program of that name in that directory, which must be there. */
static void make_program(const char *path) {
    tool_write(path, "#!/bin/sh\nexec " OUTCOMES " \"$@\"\n");
}

TEST(cupel_test, that_is_installed_looks_in_the_project_it_stands_in, .tags = "slow") {
    REQUIRE_INT_EQ(
        tool("mkdir -p usr/bin build/dev/bin/tests build/other/bin/tests; cp " TOOL_BIN "cupel-test usr/bin")->status,
        0);
    make_program("build/dev/bin/tests/one");
    make_program("build/other/bin/tests/two");
    make_program("build/other/bin/tests/also");
    const struct tool_run *run = tool("usr/bin/cupel-test --seed=1 pass.one -v; cat build/evidence/dev/results.jsonl");
    CHECK_STR_CONTAINS(run->output, "cupel test: 1 program, seed 1\n");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, "{\"test\":\"pass.one\"");
    CHECK_STR_CONTAINS(tool("usr/bin/cupel-test --variant=other --seed=1 pass.one")->output,
                       "cupel test: 2 programs, seed 1\n");
    run = tool("usr/bin/cupel-test --variant=none --seed=1 pass.one");
    CHECK_INT_EQ(run->status, 4);
    CHECK_STR_CONTAINS(run->errors, "build/none/bin/tests: No such file or directory");
}

TEST(cupel_test, runs_what_lies_beside_it, .tags = "slow") {
    REQUIRE_INT_EQ(tool("mkdir -p tree/bin/tests; cp " TOOL_BIN "cupel-test tree/bin")->status, 0);
    make_program("tree/bin/tests/one");
    const struct tool_run *run = tool("tree/bin/cupel-test --seed=1 one pass.one; ls tree/evidence");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 0 failed, 0 skipped\n");
    CHECK_STR_CONTAINS(run->output, "results.jsonl\n");
    run = tool("tree/bin/cupel-test --seed=1 --variant=asan pass.one");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "/tree is not the build tree of a variant");
}

/* Each: words, the exit status, and what is said. */
static const struct bad_words {
    const char *words;
    int status;
    const char *says;
} bad_words[] = {
    {TEST_ "$(seq 600)", 2, "cupel test: too many words"},
    {TEST_ "--wrap=\"$(seq 100 | tr '\\n' ' ')\" " OUTCOMES, 2, "--wrap: more than 64 words"},
    {TEST_ "--wrap=\"$(printf '%070000d' 0)\" " OUTCOMES, 2, "--wrap: too long"},
    {TEST_ "--wrap=/nowhere/tool " OUTCOMES " pass.one", 5, "cupel test: /nowhere/tool: No such file or directory"},
    {TEST_ "$(for i in $(seq 64); do echo --report=tap; done) " OUTCOMES, 2, "too many reports"},
    {TEST_ "$(for i in $(seq 40); do echo --report=tap; done) " OUTCOMES, 2, "more than "},
    {TEST_ "--report=tap:$(printf '%05000d' 0) " OUTCOMES, 2, "--report: the file's name is too long"},
    {TEST_ "--report=junit:/proc/nowhere/out " OUTCOMES, 6, "/proc/nowhere"},
    {TEST_ OUTCOMES " pass.one >/dev/full", 6, "standard output could not be written: No space left on device"},
    {TEST_ "--help >/dev/full", 6, ""},
    {TEST_ "--sites=/proc/nowhere/s " OUTCOMES " pass.one", 6, "/proc/nowhere"},
    {TOOL_BIN "cupel-test --seed=1 --variants " OUTCOMES, 2,
     "/fixtures/outcomes: with --variants a program is given by its name"},
    {TOOL_BIN "cupel-test --seed=1 --variants=nowhere", 5, "--variants: 'nowhere' is not built"},
    {TEST_ "--list --fault=alloc:x " OUTCOMES, 2, "column"},
    {TEST_ "--sweep-shard=3/2 " OUTCOMES, 2, "--sweep-shard: '3/2' is not I/N with 1 <= I <= N"},
    {TEST_ "--sweep-modes=once,never " OUTCOMES, 2, "--sweep-modes: 'never' is none of first-run, once, from"},
    {OUTCOMES " --sweep-shard=1/2", 2, "--sweep-shard: the shards need one seed; give --seed"},
    {OUTCOMES " --help >/dev/full", 6, ""},
    {OUTCOMES " --list >&-", 6, ""},
};

TEST(cupel_test, says_what_is_wrong, TABLE(bad_words), .tags = "slow") {
    const struct bad_words *row = test_row();
    const struct tool_run *run = tool("unset CUPEL_SEED; %s", row->words);
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->errors, row->says);
}

/* Each: a program that is no test program, the exit status of the run, and what is said. */
static const struct stand_in {
    const char *script;
    int status;
    const char *says;
} stand_ins[] = {
    {"exit 9", 1, "the program itself ended with status 9, which none of its tests explains"},
    {"exit 2", 2, ""},
    {"exit 5", 5, ""},
    {"for word; do case $word in --report=records:*) eval \"yes nothing | head -c 100000 >&${word##*:}\";; esac; done",
     1, "what the program sent is no stream of result records"},
    {"for word; do case $word in --sites=*) echo '{\"asked\":' >\"${word#*=}\";; esac; done", 4, "no test is selected"},
};

TEST(cupel_test, bears_programs_that_are_none, TABLE(stand_ins), .tags = "slow") {
    const struct stand_in *row = test_row();
    char script[1024];
    (void)snprintf(script, sizeof script, "#!/bin/sh\n%s\n", row->script);
    tool_write("stand_in", script);
    const struct tool_run *run = tool(TEST_ "--sites=s ./stand_in 2>&1");
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->output, row->says);
    CHECK_INT_EQ(tool("ls s.*.part")->status, 2);
}

TEST(cupel_test, lists_by_each_program_in_turn, .tags = "slow") {
    tool_write("refuses", "#!/bin/sh\nexit 2\n");
    make_program("one");
    const struct tool_run *run = tool(TEST_ "--list ./one ./refuses pass.one");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_EQ(run->output, "pass.one\n");
    CHECK_INT_EQ(tool(TEST_ "--list --wrap=/nowhere/tool ./one")->status, 5);
}

TEST(cupel_test, names_the_sites_that_never_failed, .tags = "slow") {
    const struct tool_run *run =
        tool(TEST_ "--sites=s --sweep-max=1 --sweep-modes=once -v " STARVED_ " --filter=starved.needs_two");
    CHECK_STR_CONTAINS(run->output, "sites: 2 asked, 1 failed at least once\nnever failed: ");
    CHECK_STR_CONTAINS(tool_line_after(run->output, "never failed: "), "/starved.c:");
}

TEST(flags, of_a_sweep_are_repeated, .tags = "slow") {
    const struct tool_run *run = tool(OUTCOMES " --seed=1 --sweep-modes=once,from --sweep-per-stack=2 --sweep-max=5 "
                                               "--sweep-shard=1/1 --sweep-for=1m starved.is_silent");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "swallowed");
}

TEST(here, an_interrupt_waits_for_the_test_and_a_second_does_not, .tags = "slow") {
    const struct tool_run *run =
        tool("mkfifo ready said; exec 3<>said; TMPDIR=\"$PWD\" CUPEL_READY=\"$PWD/ready\" " OUTCOMES
             " --seed=1 --isolate=none --filter=hang.says_that_it_began 2>said & read pid <ready; kill -INT $!; "
             "read line <&3; echo \"$line\"; kill -INT $!; wait $!; echo status $?");
    CHECK_STR_EQ(run->output, "outcomes: 1 test, seed 1\n"
                              "interrupted: waiting for the running test; once more leaves at once\nstatus 130\n");
}

TEST(here, a_time_limit_ends_the_run, .tags = "slow") {
    const struct tool_run *run =
        tool("TMPDIR=\"$PWD\" " OUTCOMES " --seed=1 --isolate=none --timeout=20ms hang.without_a_limit_of_its_own");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->errors, "the time limit is over in hang.without_a_limit_of_its_own, which runs in the "
                                    "runner's own process: the run ends here\n");
    /* Also one that began after others: the timer is not set for each. */
    run = tool("TMPDIR=\"$PWD\" " OUTCOMES " --seed=1 --isolate=none --timeout=2s pass hang.without_a_limit_of");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->errors, "the time limit is over in hang.without_a_limit_of_its_own, which runs");
}

TEST(here, an_alarm_of_the_test_is_told_apart_from_the_limit, .tags = "slow") {
    for (unsigned row = 1; row <= 2; row++) { /* the second has a timer, as the limit is one */
        char words[128];
        const struct tool_run *run =
            tool("TMPDIR=\"$PWD\" " TOOL_BIN "fixtures/rude --seed=1 --isolate=none --filter='alarm.goes_off/%u'", row);
        CHECK_INT_EQ(run->status, 1);
        (void)snprintf(words, sizeof words,
                       "an alarm that nothing handles went off in alarm.goes_off/%u, which runs in the runner's own "
                       "process: the run ends here\n",
                       row);
        CHECK_STR_CONTAINS(run->errors, words);
    }
}

#define INPUTS "TMPDIR=\"$PWD\" " TOOL_BIN "tests/fixtures/inputs --seed=1 "

TEST(replay, tells_each_input, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf 'any thing' >one; printf x >two; printf 'y\\000\\001\\000CF\\372\\027' >three")->status,
                   0);
    const struct tool_run *run = tool(INPUTS "-v --replay=inputs.hold one two");
    CHECK_STR_EQ(run->output, "ok one\nok two\n2 inputs ok, 0 failed\n");
    CHECK_STR_CONTAINS(tool(INPUTS "--isolate=none --replay=inputs.are_skipped one")->output, "1 input ok, 0 failed\n");
    run = tool(INPUTS "--fault=alloc:1 --replay=inputs.swallow_a_fault one");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output,
                       "FAILED one: swallowed\nthe fault was injected, and the body came to its end without "
                       "STARVED\n");
    CHECK_INT_EQ(tool(INPUTS "--replay=inputs.swallow_a_fault three")->status, 0); /* an engine puts faults anywhere */
    CHECK_STR_CONTAINS(tool(INPUTS "--decode=inputs.bear_faults three")->output, "    (fault) = alloc:1\n");
    run = tool(INPUTS "--replay=inputs.lose_a_block one");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED one: leak\n");
    run = tool(INPUTS "--replay=inputs.hold one >/dev/full");
    CHECK_INT_EQ(run->status, 6);
    CHECK_STR_CONTAINS(run->errors, "standard output could not be written");
}

TEST(flags, list_rows_as_json, .tags = "slow") {
    const struct tool_run *run =
        tool(OUTCOMES " --gtest_list_tests --gtest_filter=table.* --gtest_output=json:list >text; "
                      "python3 -c 'import json\n"
                      "print([(t[\"name\"], t[\"value_param\"]) for s in json.load(open(\"list\"))"
                      "[\"testsuites\"] for t in s[\"testsuite\"]])'");
    CHECK_STR_EQ(run->output, "[('sums/0', '0'), ('sums/1', '1'), ('sums/2', '2')]\n");
}

/* Each: a command over the fixture's copy in the test's directory, the exit status, and what is said. */
static const struct bad_words surroundings[] = {
    {"GTEST_FILTER=$(printf '%0100000d' 0) ./outcomes", 2, "GTEST_FILTER: the value is too long"},
    {"TEST_PREMATURE_EXIT_FILE=/nowhere/file ./outcomes pass.one", 0,
     "TEST_PREMATURE_EXIT_FILE: cannot write /nowhere/file"},
    {"./outcomes pass.one >&-", 6, "standard output is closed: Bad file descriptor"},
    {"touch cupel-reports; ./outcomes --rerun-failed pass.one", 2, "/cupel-reports/outcomes.failed: Not a directory"},
    {"touch cupel-reports; ./outcomes pass.one", 0, ""},
    {"TMPDIR=/nowhere ./outcomes directory.removed 1>&2", 1,
     "test_directory: cannot make a directory under /nowhere: No such"},
    {"mkdir -p x/bin/tests; cp outcomes x/bin/tests; x/bin/tests/outcomes fail.soft; cat x/reports/outcomes.failed >&2",
     0, "fail.soft\n"},
    {"./outcomes --gtest_break_on_failure --isolate=none fail.soft", 128 + 5, ""},
    {"printf '#!/bin/sh\\necho \"$@\" >&2\\n' >gdb; chmod +x gdb; unset CUPEL_DEBUGGER; PATH=.:$PATH ./outcomes "
     "--debugger "
     "--fault=alloc:1 starved.is_silent",
     0, "break cupel_fault_break"},
    {"./outcomes --debugger $(seq 1200)", 2, "--debugger: too many words"},
};

TEST(flags, meet_bad_surroundings, TABLE(surroundings), .tags = "slow") {
    const struct bad_words *row = test_row();
    const struct tool_run *run = tool("export TMPDIR=\"$PWD\"; cp " OUTCOMES " . && %s", row->words);
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->errors, row->says);
}
