/* Goal: what a property fails on stays as a regression and as a test in C, and what tests are given becomes seeds; each
 * once. Method: the program of properties that fail in known ways, with its fuzz folder in the test's directory. (That
 * the written tests compile and fail is shown in drivers.sh.) */
#include "harness/tests/tool.h"

#define PROGRAM TOOL_BIN "tests/fixtures/inputs --seed=1 "

/* The SHA-1 of the least failing input of inputs.sum_stays_small, from sha1sum. */
#define LEAST "$(printf '<\\001' | sha1sum | cut -c1-40)"

TEST(keep, a_failing_input_becomes_a_regression, .tags = "slow") {
    const struct tool_run *run = tool(PROGRAM "--filter=inputs.sum_stays_small --write-regressions");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "the regression is kept: fuzzroot/regressions/inputs_sum_stays_small/");
    CHECK_INT_EQ(tool("test $(cd fuzzroot/regressions/inputs_sum_stays_small && ls) = " LEAST)->status, 0);
    run = tool(PROGRAM "--filter=inputs.sum_stays_small --write-regressions");
    CHECK_STR_CONTAINS(run->output, "shrunk from 2 (fuzzroot/regressions/inputs_sum_stays_small/");
    CHECK_STR_CONTAINS(run->output, "the regression is kept already: ");
    CHECK_INT_EQ(tool("test $(ls fuzzroot/regressions/* | wc -l) = 1")->status, 0);
}

/* As the plain run has no plan, what is kept must. The plan of the first row has a short form, the other has not. */
static const char *const plans[] = {"alloc:3", "alloc:3=ENOMEM"};

TEST(keep, what_fails_under_a_plan_fails_again_without_it, TABLE(plans), .tags = "slow") {
    static char text[16384];
    const char *plan = *(const char *const *)test_row();
    char path[1024];
    CHECK_INT_EQ(tool(PROGRAM "--filter=inputs.bear_faults")->status, 0);
    const struct tool_run *run =
        tool(PROGRAM "--filter=inputs.bear_faults --fault='%s' --write-regressions --write-test=found.c", plan);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "failing input: 0 bytes, shrunk from ");
    CHECK_STR_CONTAINS(run->output, "bytes that say its faults\n");
    CHECK_STR_CONTAINS(tool_line_after(run->output, "    (fault) = "), plan);
    CHECK_INT_EQ(tool(PROGRAM "--replay=inputs.bear_faults fuzzroot/regressions/inputs_bear_faults")->status, 1);
    run = tool(PROGRAM "--filter=inputs.bear_faults");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "taken != 2 does not hold");
    CHECK_STR_CONTAINS(run->output, " (fuzzroot/regressions/inputs_bear_faults/");
    run = tool(PROGRAM "--filter=inputs.bear_faults --fault='%s' --write-regressions", plan);
    CHECK_STR_CONTAINS(run->output, "the regression is kept already: ");
    (void)snprintf(path, sizeof path, "%s/found.c", test_directory());
    tool_read(path, text, sizeof text);
    CHECK_STR_CONTAINS(text, test_row_index() == 0 ? "\"\\000\\003\\000CF\\372\\027\";"
                                                   : "\"alloc:3=ENOMEM 0\\020CT\\372\\027\";");
}

TEST(keep, nothing_is_kept_unasked, .tags = "slow") {
    CHECK_INT_EQ(tool(PROGRAM "--filter=inputs.sum_stays_small:inputs.give_seeds")->status, 1);
    CHECK_INT_EQ(tool("test ! -e fuzzroot")->status, 0);
}

TEST(keep, a_failing_input_becomes_a_test_in_c, .tags = "slow") {
    static char text[16384];
    char path[1024];
    const struct tool_run *run = tool(PROGRAM "--filter=inputs.sum_stays_small --write-test=found.c");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "the test in C is in found.c");
    CHECK_INT_EQ(tool("cp found.c first.c; " PROGRAM "--filter=inputs.sum_stays_small --write-test=found.c")->status,
                 1);
    CHECK_INT_EQ(tool("cmp found.c first.c")->status, 0);
    CHECK_INT_EQ(tool(PROGRAM "--filter=inputs.do_not_crash --write-test=found.c")->status, 1);
    (void)snprintf(path, sizeof path, "%s/found.c", test_directory());
    tool_read(path, text, sizeof text);
    CHECK_STR_CONTAINS(text, "#include \"harness/property.h\"\n");
    CHECK_STR_CONTAINS(text, " *     element = yes\n *     value = 60\n");
    CHECK_STR_CONTAINS(text, "\nTEST(inputs, sum_stays_small_input_");
    CHECK_STR_CONTAINS(text, "static const char input[] = \"<\\001\";\n");
    CHECK_STR_CONTAINS(text, "\nTEST(inputs, do_not_crash_input_");
}

TEST(keep, a_test_in_c_has_a_file_of_its_own, .tags = "slow") {
    const struct tool_run *run = tool(PROGRAM "--filter=inputs.sum_stays_small --write-test");
    CHECK_STR_CONTAINS(run->output, "the test in C is in build/reports/failures/inputs_sum_stays_small-");
    CHECK_INT_EQ(tool("grep -q '^TEST(inputs, sum_stays_small_input_' build/reports/failures/*.c")->status, 0);
}

TEST(keep, what_cannot_be_written_is_told, .tags = "slow") {
    const struct tool_run *run = tool(
        ": >fuzzroot; " PROGRAM "--filter=inputs.sum_stays_small --write-regressions --write-test=fuzzroot/found.c");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "the regression could not be kept: ");
    CHECK_STR_CONTAINS(run->output, "the test in C could not be written: fuzzroot/found.c: ");
    run = tool(PROGRAM "--filter=inputs.give_seeds --write-seeds");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "the seed could not be stored: ");
}

TEST(keep, inputs_of_tests_become_seeds_once, .tags = "slow") {
    CHECK_INT_EQ(tool("mkdir -p fuzzroot/corpora/elsewhere_known")->status, 0);
    CHECK_INT_EQ(tool(PROGRAM "--filter=inputs.give_seeds --write-seeds --repeat=3")->status, 0);
    CHECK_INT_EQ(tool("test $(ls fuzzroot/corpora/inputs_hold | wc -l) = 2")->status, 0);
    CHECK_INT_EQ(tool("test -s fuzzroot/corpora/inputs_hold/$(printf '\\005' | sha1sum | cut -c1-40)")->status, 0);
    CHECK_INT_EQ(tool("test $(ls fuzzroot/corpora/elsewhere_known | wc -l) = 1")->status, 0);
    const struct tool_run *run = tool(PROGRAM "--filter=inputs.give_a_seed_to_nobody --write-seeds");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output,
                       "no property 'inputs.nobody', and there is no corpus fuzzroot/corpora/inputs_nobody");
    CHECK_INT_EQ(tool(PROGRAM "--filter=inputs.give_a_seed_to_nobody")->status, 0);
}
