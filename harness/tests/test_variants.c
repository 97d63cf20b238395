/* Goal: --variants runs each built variant, and its matrix shows what fails only in one. Method: a tree of stand-ins:
 * this variant's tool, and for each variant a program that runs the same fixture in another way. */
#include "harness/tests/tool.h"

#include <stdlib.h>

#define OWN CUPEL_VARIANT_NAME
#define RUN "TMPDIR=\"$PWD\" " OWN "/bin/cupel-test --seed=1 "

static void make_program(const char *variant, const char *words) {
    char path[256];
    char text[1024];
    (void)snprintf(path, sizeof path, "%s/bin/tests/outcomes", variant);
    (void)snprintf(text, sizeof text, "#!/bin/sh\nexec " TOOL_BIN "fixtures/outcomes \"$@\" %s\n", words);
    tool_write(path, text);
}

/* The tool finds the trees beside the one that it lies in, which has its own variant's name. */
static void make_trees(void) {
    REQUIRE_INT_EQ(
        tool("for i in " OWN " one two empty; do mkdir -p $i/bin/tests; done; cp " TOOL_BIN "cupel-test " OWN "/bin/")
            ->status,
        0);
    make_program(OWN, "");
    make_program("one", "--fault=alloc:1");
    make_program("two", "--no-left-behind");
}

TEST(variants, print_one_matrix, .tags = "slow") {
    make_trees();
    const struct tool_run *run = tool(RUN "--variants --matrix=m.json "
                                          "--filter='pass.one:starved.is_silent:child.left*:skip.declared'");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    const char *columns = tool_line_after(run->output, "\ntest ");
    CHECK_STR_CONTAINS(columns, " one ");
    CHECK_STR_CONTAINS(columns, " two");
    CHECK_STR_CONTAINS(columns, " " OWN);
    CHECK(strstr(columns, "empty") == NULL);
    CHECK_STR_CONTAINS(run->output, "\nonly in one: starved.is_silent (swallowed)\n");
    CHECK(strstr(run->output, "only in one: pass.one") != NULL); /* the fault is not reached there */
    CHECK(strstr(run->output, "only in one: child") == NULL);
    CHECK_STR_CONTAINS(run->output, "\n" OWN ": 2 passed, 1 failed, 1 skipped\n");
    CHECK_STR_CONTAINS(run->output, "\ntwo: 3 passed, 0 failed, 1 skipped\n");
    CHECK_STR_CONTAINS(tool_line_after(run->output, "\nskip.declared"), " skipped ");
    run = tool("cat m.json");
    CHECK_STR_CONTAINS(run->output, "\"name\": \"two\"");
    CHECK_STR_CONTAINS(run->output, "\"test\": \"starved.is_silent\"");
    CHECK_STR_CONTAINS(run->output, "\"one\": \"swallowed\"");
    CHECK_STR_CONTAINS(run->output, "\"only\": \"one\"");
    CHECK_INT_EQ(tool("python3 -m json.tool m.json")->status, 0);
}

TEST(variants, are_all_good_together_only, .tags = "slow") {
    make_trees();
    const struct tool_run *run = tool(RUN "--variants=two," OWN " outcomes pass.one");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 0);
    CHECK(strstr(run->output, "pass.one") == NULL);
    CHECK_STR_CONTAINS(run->output, "two: 1 passed, 0 failed, 0 skipped\n");
}

TEST(variants, that_are_not_there_are_named, .tags = "slow") {
    make_trees();
    const struct tool_run *run = tool(RUN "--variants=one,none pass.one");
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_CONTAINS(run->errors, "--variants: 'none' is not built: make VARIANT=none");
    run = tool(RUN "--variants --junit=f pass.one");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--variants has one report, --matrix=FILE");
    CHECK_INT_EQ(tool(RUN "--variants=two no_such_test")->status, 4);
    CHECK_INT_EQ(tool(RUN "--variants=two --matrix=/dev/null/m pass.one")->status, 6);
}
