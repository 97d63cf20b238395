/* Goal: the program that runs, replays and sweeps a property also hands it to the engine that is linked in, and says
 * what to do where there is none. Method: the program of properties that fail in known ways, fuzzed for a fixed number
 * of runs from a fixed seed. */
#include "harness/tests/tool.h"

#define PROGRAM TOOL_BIN "tests/fixtures/inputs "
#define WORD    "inputs.do_not_know_the_word"

TEST(drivers, random_cases_do_not_find_what_an_engine_finds, .tags = "slow") {
    CHECK_INT_EQ(tool(PROGRAM "--seed=1 --filter=" WORD)->status, 0);
}

TEST(drivers, no_engine_is_told_with_the_command_that_mends_it, .tags = "slow") {
    if (HAS_ENGINE) {
        cupel_test_skip("an engine is here");
    }
    const struct tool_run *run = tool(PROGRAM "--fuzz=inputs.hold");
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_CONTAINS(run->errors, "inputs: no fuzzing engine is linked into this program");
    CHECK_STR_CONTAINS(run->errors, "-DCUPEL_ENGINE=-fsanitize=fuzzer");
    CHECK_STR_CONTAINS(run->errors, "build/fuzz/bin/tests/inputs --fuzz=inputs.hold");
}

TEST(drivers, wrong_words_are_refused, .tags = "slow") {
    const struct tool_run *run = tool(PROGRAM "--fuzz=inputs.no_such");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "no property 'inputs.no_such'");
    CHECK_INT_EQ(tool(PROGRAM "--fuzz=inputs.sum_stays_small_replayed")->status, 2); /* a test, no property */
    CHECK_INT_EQ(tool(PROGRAM "-- -runs=1")->status, 2);
    run = tool(TOOL_BIN "cupel-test --fuzz=inputs.hold");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--fuzz is for one program");
}

static void need_engine(void) {
    if (!HAS_ENGINE) {
        cupel_test_skip("no engine in this variant; asan has one");
    }
}

TEST(drivers, the_engine_finds_the_word_and_the_same_program_replays_it, .tags = "slow") {
    need_engine();
    const struct tool_run *run = tool(PROGRAM "--fuzz=" WORD " -- -runs=3000000 -seed=1");
    cupel_note("%s", run->errors);
    CHECK_INT_EQ(run->status, 1); /* and not the engine's 77 */
    CHECK_STR_CONTAINS(run->errors, "rest.data[3] != 'e'");
    CHECK_STR_CONTAINS(run->errors, "\"cupe");
    CHECK_INT_EQ(tool("ls build/fuzzing/inputs_do_not_know_the_word/inputs/* >/dev/null")->status, 0);
    run = tool(PROGRAM "--replay=" WORD " build/reports/failures/crash-*");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "rest.data[3] != 'e'");
}

TEST(drivers, what_holds_ends_with_nothing_found, .tags = "slow") {
    need_engine();
    const struct tool_run *run = tool(PROGRAM "--fuzz=inputs.hold -- -runs=500 -seed=1");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->errors, "Done 500 runs");
}

TEST(drivers, directories_named_are_the_corpora, .tags = "slow") {
    need_engine();
    const struct tool_run *run = tool("mkdir own; " PROGRAM "--fuzz=inputs.hold own -- -runs=500 -seed=1");
    CHECK_INT_EQ(run->status, 0);
    CHECK_INT_EQ(tool("ls own/* >/dev/null && test ! -e build/fuzzing")->status, 0);
}

TEST(drivers, the_engine_may_start_the_program_again, .tags = "slow") {
    need_engine();
    CHECK_INT_EQ(
        tool("mkdir to from; printf 1 >from/1; printf 1 >from/2; " PROGRAM "--fuzz=inputs.hold to from -- -merge=1")
            ->status,
        0);
    CHECK_INT_EQ(tool("test $(ls to | wc -l) = 1")->status, 0);
    CHECK_INT_EQ(
        tool(PROGRAM "--fuzz=inputs.hold to -- -runs=50 -jobs=1 -workers=1; grep -q 'Done 50' fuzz-0.log")->status, 0);
}

/* What holds with any engine: a stand-in for one prints the words that it is called with. */
#define DRIVEN "TMPDIR=\"$PWD\" " TOOL_BIN "tests/fixtures/driven "

TEST(drivers, an_engine_is_called_with_our_defaults, .tags = "slow") {
    const struct tool_run *run = tool(DRIVEN "--fuzz=inputs.hold -- -runs=5");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output, "word -error_exitcode=1\nword -timeout_exitcode=1\nword -timeout=10\n"
                              "word -artifact_prefix=build/reports/failures/\n"
                              "word build/fuzzing/inputs_hold/inputs\nword -runs=5\n");
    CHECK_INT_EQ(tool("test -d build/reports/failures && test -d build/fuzzing/inputs_hold/inputs")->status, 0);
    run = tool("mkdir -p fuzzroot/corpora/inputs_hold fuzzroot/dictionaries; touch "
               "fuzzroot/dictionaries/inputs_hold.dict; " DRIVEN "--fuzz=inputs.hold");
    CHECK_STR_CONTAINS(run->output, "word -dict=fuzzroot/dictionaries/inputs_hold.dict\n");
    CHECK_STR_CONTAINS(run->output, "word build/fuzzing/inputs_hold/inputs\nword fuzzroot/corpora/inputs_hold\n");
    CHECK_INT_EQ(tool(DRIVEN "--fuzz=inputs.hold -- -end=3")->status, 1); /* what an engine ends with is its own */
}

TEST(drivers, an_engine_is_told_how_long_an_input_may_be, .tags = "slow") {
    const struct tool_run *run = tool(DRIVEN "--fuzz=inputs.sum_stays_small -- -runs=5");
    CHECK_STR_CONTAINS(run->output, "word -runs=5\nword -max_len=200\n");
    run = tool(DRIVEN "--fuzz=inputs.sum_stays_small -- -max_len=7");
    CHECK_STR_CONTAINS(run->output, "word -max_len=7\n");
    CHECK(strstr(run->output, "-max_len=200") == NULL);
    /* What is longer already is not cut. */
    run = tool("mkdir -p own/more; head -c 1000 /dev/zero >own/more/long; " DRIVEN "--fuzz=inputs.sum_stays_small own");
    CHECK_STR_CONTAINS(run->output, "word own\nword -max_len=1000\n");
    run = tool(DRIVEN "--fuzz=inputs.hold -- -runs=5"); /* says nothing */
    CHECK(strstr(run->output, "-max_len") == NULL);
}

TEST(drivers, the_engine_keeps_to_what_it_is_told, .tags = "slow") {
    need_engine();
    const struct tool_run *run = tool(PROGRAM "--fuzz=" WORD " -- -runs=1 -seed=1");
    CHECK_INT_EQ(run->status, 0);
    CHECK(strstr(run->errors, "max_len is not provided") == NULL);
    run = tool(PROGRAM "--fuzz=inputs.hold -- -runs=1 -seed=1");
    CHECK_STR_CONTAINS(run->errors, "max_len is not provided"); /* what libFuzzer says where it is not told */
}

TEST(drivers, an_engine_gives_inputs_to_the_property, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf 'any thing' >good; printf '<\\001' >bad")->status, 0);
    const struct tool_run *run = tool(DRIVEN "--fuzz=inputs.sum_stays_small good");
    CHECK_INT_EQ(run->status, 128 + 6);
    run = tool(DRIVEN "--fuzz=inputs.hold good");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "word good\ngave 9 bytes: 0\n");
    CHECK(strstr(run->output, "build/fuzzing") == NULL);
    run = tool(DRIVEN "--fuzz=inputs.sum_stays_small bad");
    CHECK_INT_EQ(run->status, 128 + 6);
    CHECK_STR_CONTAINS(run->errors, "as bytes: \"<\\001\"\n");
}

TEST(drivers, a_program_that_an_engine_starts_again_is_the_engine, .tags = "slow") {
    REQUIRE_INT_EQ(tool("printf 'any thing' >good")->status, 0);
    const struct tool_run *run = tool("export CUPEL_FUZZ_PROPERTY=inputs.hold; " DRIVEN "-merge_inner=1 good");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output, "word -merge_inner=1\nword good\ngave 9 bytes: 0\n");
    run = tool("export CUPEL_FUZZ_PROPERTY=inputs.hold; " DRIVEN "--list --filter=inputs.hold");
    CHECK_STR_EQ(run->output, "inputs.hold\n");
}

TEST(drivers, what_an_engine_cannot_be_given_is_told, .tags = "slow") {
    const struct tool_run *run = tool(DRIVEN "--fuzz=inputs.hold -- $(seq 600)");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--fuzz: more than ");
    run = tool("touch build; " DRIVEN "--fuzz=inputs.hold");
    CHECK_INT_EQ(run->status, 6);
    CHECK_STR_CONTAINS(run->errors, "could not make directory 'build'");
}
