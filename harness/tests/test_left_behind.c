/* Goal: nothing that a run made outlives it, however its tests end. Method: a fixture program whose tests die, fail and
 * wait with their directories made, run with a TMPDIR that must be empty afterwards. */
#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

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

#define IN_TMP "TMPDIR=\"$PWD/tmp\" " TOOL_BIN "fixtures/rude --seed=1 "

/* The workers of the killed one end a moment after it. */
TEST(left_behind, a_later_run_removes_the_directory_of_one_that_was_killed, .tags = "slow") {
    const struct tool_run *run =
        tool("mkdir tmp; mkfifo ready; export CUPEL_READY=\"$PWD/ready\"; " IN_TMP
             "--filter=directory.of_a_test_that_waits & cat ready; kill -KILL $!; wait $!; "
             "stale=$(echo tmp/cupel-test-*/*); " IN_TMP
             "--filter=directory.of_a_test_that_waits & cat ready; touch -d '1 hour ago' tmp/cupel-test-*/*; "
             "for i in $(seq 200); do " IN_TMP "--filter=zz.passes >/dev/null; test -e $stale || break; sleep 0.05; "
             "done; test -e $stale || echo gone; echo $(ls tmp/cupel-test-* | wc -l) live; kill -INT $!; wait $!; "
             "echo left: $(ls tmp)");
    cupel_note("%s", run->errors);
    CHECK_STR_CONTAINS(run->output, "gone\n1 live\n");
    CHECK_STR_CONTAINS(run->output, "left:\n");
}

TEST(left_behind, what_is_locked_kept_or_young_is_no_stale_directory, .tags = "slow") {
    const struct tool_run *run =
        tool("d=tmp/cupel-test-$(id -u); mkdir -p -m 700 tmp $d; cd $d; "
             "mkdir 2147483641-locked 2147483642-kept 2147483643-young 2147483644-stale; "
             "echo x >2147483644-stale/file; touch -d '1 hour ago' *; touch 2147483643-young; chmod 1700 *kept; "
             "exec 9<2147483641-locked; flock 9; cd ../..; " IN_TMP "--filter=zz.passes; ls $d");
    cupel_note("%s", run->errors);
    CHECK_STR_CONTAINS(run->output, " skipped\n2147483641-locked\n2147483642-kept\n2147483643-young\n");
    CHECK(strstr(run->output, "stale") == NULL);
}

TEST(left_behind, retries_have_directories_too, .tags = "slow") {
    const struct tool_run *run = tool(RUDE "--retries=2 --filter=directory.of_a_test_that_fails");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "and is tried again");
    CHECK(strstr(run->output, "cannot make a directory") == NULL);
}

TEST(left_behind, replays_leave_no_directory, .tags = "slow") {
    const struct tool_run *run = tool("printf 1234567 >input; " RUDE
                                      "--replay=directory.of_a_case_that_dies input; status=$?; ls tmp; exit $status");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED input: died by signal 9");
    CHECK(strstr(run->output, "cupel-test-") == NULL);
}

/* Each: a test, and what must be told of it; "" where it passes. */
static const struct left {
    const char *name;
    const char *holds[3];
} left[] = {
    {"nothing", {NULL}},
    {"a_descriptor", {"a_descriptor: leak", "rude.c:", " is open: /dev/null\nagain: "}},
    {"many_descriptors", {" is open: /dev/null\n", ": left behind: and 12 more of these\nagain: "}},
    {"every_descriptor_in_use", {" is open: /dev/null\n", " more of these\nagain: "}},
    {"a_stream_closed", {": left behind: descriptor 2, standard error, is closed\nagain: "}},
    {"a_descriptor_on_purpose", {NULL}},
    {"more_than_it_may", {": left behind: the umask is 000, and was 0"}},
    {"a_child", {": left behind: a running child: process ", " (rude)\nagain: "}},
    {"a_child_that_ended", {": left behind: a child that ended and was not waited for: process "}},
    {"a_thread", {": left behind: a running thread: ", " (waiting)\nagain: "}},
    {"no_thread_that_was_joined", {NULL}},
    {"files", {": left behind: of_a_test, in the directory of temporary files\nagain: "}},
    {"a_directory", {": left behind: the working directory is /usr\nagain: "}},
    {"a_umask", {": left behind: the umask is 137, and was 0"}},
    {"limits",
     {": left behind: the limit of open files is 3, and was ",
      ": left behind: the limit of the size of a file is 512, and was unlimited\n",
      ": left behind: the limit of seconds of the processor is 1000, and was unlimited\nagain: "}},
    {"a_hard_limit", {": left behind: the limit of the size of a file is 0, and was unlimited\nagain: "}},
    {"a_nice_value", {": left behind: the nice value is 7, and was "}},
    {"limits_on_purpose", {NULL}},
    {"a_stream_led_elsewhere", {": left behind: standard output leads to /dev/zero, and led elsewhere\nagain: "}},
    {"a_signal_mask", {": left behind: signal 12 (SIGUSR2) is blocked\nagain: "}},
    {"signal_handlers",
     {": left behind: signal 10 (SIGUSR1) is handled by another function\n",
      ": left behind: signal 13 (SIGPIPE) is ignored\nagain: "}},
    {"a_timer", {": left behind: a timer (alarm) that goes off in 999."}},
    {"the_environment",
     {": left behind: the environment variable RUDE=yes\n",
      ": left behind: the environment variable PATH=/nowhere, changed\n",
      ": left behind: the environment variable TMPDIR is gone\nagain: "}},
    {"a_locale", {": left behind: the locale is C.UTF-8, and was C\nagain: "}},
};

TEST(left_behind, is_named, TABLE(left), .tags = "slow") {
    const struct left *row = test_row();
    bool passes = row->holds[0] == NULL;
    if (HAS_TSAN && strcmp(row->name, "a_thread") == 0) {
        cupel_test_skip("ThreadSanitizer has threads of its own, so that none are looked at");
    }
    const struct tool_run *run = tool(RUDE "--filter=leaves.%s:zz.finds_all_as_it_was", row->name);
    cupel_note("%s\n%s%s", row->name, run->output, run->errors);
    CHECK_INT_EQ(run->status, passes ? 0 : 1);
    for (size_t i = 0; i < 3 && row->holds[i] != NULL; i++) {
        CHECK_STR_CONTAINS(run->output, row->holds[i]);
    }
    /* The next test is none the worse for it. */
    CHECK_STR_CONTAINS(run->output, passes ? "2 passed, 0 failed" : "1 passed, 1 failed");
    CHECK_STR_CONTAINS(tool("rm -r tmp; " RUDE "--no-left-behind --filter=leaves.%s", row->name)->output, "1 passed");
}

TEST(left_behind, is_rightly_lost_by_a_fatal_failure, .tags = "slow") {
    const struct tool_run *run = tool(RUDE "--filter='leaves.a_descriptor_after*:zz.finds_all_as_it_was'");
    CHECK_STR_CONTAINS(run->output, "a_descriptor_after_a_fatal_failure: wrong");
    CHECK_STR_CONTAINS(run->output, "1 passed, 1 failed");
    CHECK(strstr(run->output, "left behind") == NULL);
}

TEST(left_behind, is_named_without_isolation, .tags = "slow") {
    const struct tool_run *run =
        tool(RUDE "--isolate=none "
                  "--filter='leaves.a_descriptor:leaves.a_directory:leaves.a_umask:leaves.a_timer'");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, " is open: /dev/null\n");
    CHECK_STR_CONTAINS(run->output, ": left behind: the working directory is /usr\n");
    CHECK_STR_CONTAINS(run->output, ": left behind: the umask is 137");
    CHECK_STR_CONTAINS(run->output, ": left behind: a timer (alarm) that goes off in 999.");
    CHECK_STR_CONTAINS(run->output, " 4 failed");
}

/* What a quick test left is found only at the end of the one behind it, which left something too. */
TEST(left_behind, two_tests_that_left_are_both_named, .tags = "slow") {
    const struct tool_run *run =
        tool(RUDE "--isolate=none --filter='leaves.a_descriptor:leaves.a_umask:leaves.a_timer_slowly'");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, "FAILED leaves.a_umask: leak (");
    CHECK_STR_CONTAINS(run->output, ": left behind: the umask is 137");
    CHECK_STR_CONTAINS(run->output, "FAILED leaves.a_timer_slowly: leak (");
    CHECK_STR_CONTAINS(run->output, ": left behind: a timer (alarm) that goes off in ");
}

/* Each: quick tests, one of which leaves something that is looked at for many of them at once; and what. */
static const struct quick {
    const char *suite;
    const char *what;
} quick[] = {
    {"quick", ": left behind: signal 10 (SIGUSR1) is handled by another function\nagain: "},
    {"quick_numbers", ": left behind: descriptor 300 is open: "},
};

TEST(left_behind, is_blamed_on_the_one_of_many_quick_tests_that_did_it, TABLE(quick), .tags = "slow") {
    static const char *const isolations[] = {"worker", "process", "none"};
    const struct quick *row = test_row();
    char again[4096];
    char title[64];
    (void)snprintf(title, sizeof title, "%s.rows/5: leak", row->suite);
    for (size_t i = 0; i < 3; i++) {
        const struct tool_run *run =
            tool("rm -rf tmp; " RUDE "--isolate=%s --filter='%s.*'", isolations[i], row->suite);
        cupel_note("%s%s", run->output, run->errors);
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, title);
        CHECK_STR_CONTAINS(run->output, row->what);
        CHECK_STR_CONTAINS(run->output, " passed, 1 failed, 0 skipped\n");
        (void)snprintf(again, sizeof again, "%s", tool_line_after(run->output, "again: "));
        CHECK_STR_CONTAINS(tool("%s", again)->output, title);
    }
}

TEST(left_behind, is_kept_on_purpose_behind_quick_tests, .tags = "slow") {
    static const char *const isolations[] = {"worker", "none"};
    for (size_t i = 0; i < 2; i++) {
        const struct tool_run *run =
            tool("rm -rf tmp; " RUDE "--isolate=%s --filter='quick_purposes.*'", isolations[i]);
        cupel_note("%s%s", run->output, run->errors);
        CHECK_INT_EQ(run->status, 0);
    }
}

/* One fails for it, or dies of it: that one passes in a process that is as it should be. */
TEST(left_behind, is_blamed_on_no_test_that_fails_for_it, .tags = "slow") {
    static const struct {
        const char *name, *told;
    } rows[] = {{"open_files", ": left behind: the limit of open files is 3, and was "},
                {"file_sizes", ": left behind: the limit of the size of a file is 0, and was unlimited\n"}};
    for (size_t i = 0; i < 2; i++) {
        const struct tool_run *run = tool("rm -rf tmp; " RUDE "--filter='limited.%s*'", rows[i].name);
        cupel_note("%s%s", run->output, run->errors);
        CHECK_INT_EQ(run->status, 1);
        CHECK_STR_CONTAINS(run->output, rows[i].told);
        CHECK_STR_CONTAINS(run->output, "/5: leak");
        CHECK_STR_CONTAINS(run->output, " passed, 1 failed, 0 skipped\n");
    }
}

TEST(left_behind, by_a_case_of_a_property_is_shrunk, .tags = "slow") {
    const struct tool_run *run = tool("" RUDE "--filter=leaves.descriptors_by_some_cases");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "descriptors_by_some_cases: leak");
    CHECK_STR_CONTAINS(run->output, ": left behind: descriptor ");
    CHECK_STR_CONTAINS(run->output, "number = 101");
}

TEST(left_behind, where_a_fault_struck, .tags = "slow") {
    const struct tool_run *run = tool(RUDE "--sweep --filter=leaves.a_descriptor_where_memory_lacks");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "a_descriptor_where_memory_lacks: leak");
    CHECK_STR_CONTAINS(run->output, ": left behind: descriptor ");
    CHECK_STR_CONTAINS(run->output, "--fault='alloc:1'");
}
