/* Goal: test programs of other frameworks, and of none, are repeated and swept as they are; each planted defect is
 * found by name and its token replays it; what cannot be intercepted is an error and never green. Method: one small
 * library under cmocka, Check, Criterion and a plain main, clean and with defects, and a program that meets want of
 * memory in every way there is. */
#include "harness/tests/tool.h"

#include <stdlib.h>

#define FOREIGN TOOL_BIN "foreign/"
#define TEST_   TOOL_BIN "cupel-test --seed=1 "

/* Skips the test where its framework, or the static C library, was not there when this was built. */
static void need(const char *program) {
    char path[1024];
    struct stat status;
    (void)snprintf(path, sizeof path, FOREIGN "%s", program);
    if (stat(path, &status) != 0) {
        cupel_test_skip("what this program stands on is not installed");
    }
}

/* Each: the program, how many tests it has, what its planted sweep says of the one that crashes, and flags. */
struct framework {
    const char *program;
    const char *passes;
    const char *finding;
    const char *wrong;
    const char *flags;
};

static const struct framework frameworks[] = {
    {"plain", "6 passed", "FAILED plain_planted.main: crash", "FAILED plain.main: wrong", ""},
    {"of_cmocka", "18 passed", "FAILED of_cmocka_planted.joins_backwards: crash", "FAILED of_cmocka.is_right: wrong",
     ""},
    {"of_check", "18 passed", "FAILED of_check_planted.words.joins_backwards: crash",
     "FAILED of_check.words.is_right: wrong", "--points=60 "},
    {"of_criterion", "18 passed", "FAILED of_criterion_planted.words::joins_backwards: crash",
     "FAILED of_criterion.words::is_right: wrong", "--points=8 "},
};

TEST(exec, repeats_programs_of_others, TABLE(frameworks), .tags = "slow") {
    const struct framework *framework = test_row();
    need(framework->program);
    const struct tool_run *run = tool(TEST_ "--repeat=6 --exec " FOREIGN "%s", framework->program);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, framework->passes);
    run = tool("FOREIGN_WRONG=1 " TEST_ "--exec " FOREIGN "%s", framework->program);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, framework->wrong);
    CHECK_STR_CONTAINS(run->output, "again: cupel test --seed=1 --repeat-index=0 --exec /");
}

TEST(exec, sweeps_what_is_clean, TABLE(frameworks), .tags = "slow") {
    const struct framework *framework = test_row();
    need(framework->program);
    const struct tool_run *run = tool(TEST_ "--sweep %s--exec " FOREIGN "%s", framework->flags, framework->program);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "clean-error");
    CHECK_STR_CONTAINS(run->output, "\n1 passed, 0 failed, 0 skipped\n");
}

TEST(exec, finds_planted_defects_by_name, TABLE(frameworks), .tags = "slow") {
    const struct framework *framework = test_row();
    need(framework->program);
    char again[4096];
    const struct tool_run *run =
        tool(TEST_ "--sweep %s--exec " FOREIGN "%s_planted", framework->flags, framework->program);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, framework->finding);
    CHECK_STR_CONTAINS(run->output, "crash: signal 11");
    CHECK_STR_CONTAINS(run->output, "the request that was refused:\n    #0 list_add at ");
    CHECK_STR_CONTAINS(run->output, " list_join_backwards at ");
    const char *finding = strstr(run->output, framework->finding); /* findings come as they are found */
    REQUIRE(finding != NULL);
    (void)snprintf(again, sizeof again, "%s", tool_line_after(finding, "again: "));
    run = tool("PATH=" TOOL_BIN ":$PATH; %s", again);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, framework->finding);
    CHECK_STR_CONTAINS(run->output, again);
}

/* The other planted defect is borne by all tests but those that compare what is printed. */
TEST(exec, finds_output_that_is_wrong_in_silence, .tags = "slow") {
    const struct tool_run *run = tool(TEST_ "--sweep --exec " FOREIGN "plain_planted");
    CHECK_STR_CONTAINS(run->output, "FAILED plain_planted.main: wrong");
    CHECK_STR_CONTAINS(run->output, "silent-wrong-output: it ended with status 0\nthe request that was refused:\n"
                                    "    #0 list_join_backwards at ");
}

/* Each: what the program does, and the words of the sweep. */
struct policy {
    const char *how;
    const char *title; /* of the finding, or "" for none */
    const char *tally;
};

static const struct policy policies[] = {
    {"asserts", "policies.main: crash", "2 points: 2 assertion)"},
    {"gives_up", "policies.main: aborted", "2 points: 2 aborted)"},
    {"releases_twice", "policies.main: crash", "4 points: 2 tolerated, 2 corruption)"},
    {"waits", "policies.main: hang", "2 points: 1 tolerated, 1 hang)"},
    {"warns", "policies.main: swallowed", "2 points: 2 message-but-success)"},
    {"does_without", "", "2 points: 2 tolerated)"},
    {"says_nothing", "", "2 points: 2 silent-failure)"},
    {"grows_by_runs", "policies.sweep: nondeterministic", "1 finding\n0 passed, 1 failed, 0 skipped\n"},
};

TEST(exec, has_a_word_for_every_policy, TABLE(policies), .tags = "slow") {
    const struct policy *policy = test_row();
    const char *limit = strcmp(policy->how, "waits") == 0 ? "--timeout=3s " : ""; /* long for what does end */
    const struct tool_run *run = tool(TEST_ "-j1 --sweep %s--exec " FOREIGN "policies %s", limit, policy->how);
    CHECK_STR_CONTAINS(run->output, policy->tally);
    CHECK_INT_EQ(run->status, policy->title[0] == '\0' ? 0 : 1);
    CHECK_STR_CONTAINS(run->output, policy->title);
    const char *whole = strstr(policy->title, "policies.main: ");
    if (whole != NULL) { /* the sweep has failed where one of its faults has */
        char failed[64];
        (void)snprintf(failed, sizeof failed, "FAILED policies.sweep: %s ", whole + strlen("policies.main: "));
        CHECK_STR_CONTAINS(run->output, failed);
        CHECK_STR_CONTAINS(run->output, "\n1 finding\n0 passed, 1 failed, 0 skipped\n");
    }
}

/* A test written with assert() says so that it failed; that is the word of the test, and no defect. */
TEST(exec, takes_assertions_of_tests_for_their_word, .tags = "slow") {
    const struct tool_run *run = tool(TEST_ "--sweep --exec " FOREIGN "plain assert");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "clean-error)");
}

TEST(exec, numbers_requests_by_thread, .tags = "slow") {
    const struct tool_run *run = tool(TEST_ "-v --fault='alloc:1#2' --exec " FOREIGN "policies threads");
    CHECK_STR_CONTAINS(run->output, "(silent-failure)");
    run = tool(TEST_ "-v --fault='alloc:1#1' --exec " FOREIGN "policies threads");
    CHECK_STR_CONTAINS(run->output, "(tolerated)");
    run = tool(TEST_ "-v --fault='alloc:9' --exec " FOREIGN "policies threads");
    CHECK_STR_CONTAINS(run->output, "policies.main: not-reached");
    CHECK_INT_EQ(run->status, 1);
}

/* Each: what runs, and why it cannot be swept. */
struct blind {
    const char *words;
    const char *why;
};

static const struct blind blinds[] = {
    {"static does_without", "no library can be preloaded into it: it is linked statically"},
    {"own_malloc", "it brings a malloc of its own that stands before ours"},
    {"policies asks_for_nothing", "it never asked for memory"},
};

TEST(exec, is_never_green_where_nothing_is_intercepted, TABLE(blinds), .tags = "slow") {
    const struct blind *blind = test_row();
    char program[64];
    (void)snprintf(program, sizeof program, "%.*s", (int)strcspn(blind->words, " "), blind->words);
    need(program);
    const struct tool_run *run = tool(TEST_ "--sweep --exec " FOREIGN "%s", blind->words);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "nothing was intercepted: ");
    CHECK_STR_CONTAINS(run->output, blind->why);
    CHECK_INT_EQ(tool(TEST_ "--fault=alloc:1 --exec " FOREIGN "%s", blind->words)->status, 1);
    CHECK_INT_EQ(tool(TEST_ "--exec " FOREIGN "%s", blind->words)->status, 0); /* once, without faults: as it is */
}

/* Each: a program that relies on what it may not rely on, and what its flake follows. */
struct flake {
    const char *how;
    const char *follows;
};

static const struct flake flakes[] = {
    {"counts_hours", "follows: time-zone <+0545>-5:45\n"},
    {"adds_up", "follows: fresh-memory 0x4f\n"},
};

TEST(exec, perturbs_and_says_what_a_flake_follows, TABLE(flakes), .tags = "slow") {
    const struct flake *flake = test_row();
    CHECK_STR_CONTAINS(tool(TEST_ "--repeat=40 --exec " FOREIGN "policies %s", flake->how)->output, "40 passed");
    const struct tool_run *run = tool(TEST_ "--repeat=40 --perturb --exec " FOREIGN "policies %s", flake->how);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, " of 40 repeats, ");
    CHECK_STR_CONTAINS(run->output, flake->follows);
    char again[4096];
    (void)snprintf(again, sizeof again, "%s", tool_line_after(run->output, "again: "));
    CHECK_INT_EQ(tool("PATH=" TOOL_BIN ":$PATH; %s", again)->status, 1);
    run = tool(TEST_ "--repeat=2 --perturb=placement --exec " FOREIGN "policies %s", flake->how);
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "that can be varied in test programs of our own only");
}

TEST(exec, shards_its_points, .tags = "slow") {
    const struct tool_run *run = tool("for i in 1 2 3; do " TEST_ "--sweep --shard=$i/3 --exec " FOREIGN
                                      "plain; done | grep -o '[0-9]* points'");
    unsigned long sum = 0;
    unsigned lines = 0;
    for (const char *line = run->output; *line != '\0'; lines++) {
        sum += strtoul(line, NULL, 10);
        line += strcspn(line, "\n") + 1;
    }
    CHECK_UINT_EQ(lines, 3);
    const char *whole = tool(TEST_ "--sweep --exec " FOREIGN "plain | grep -o '[0-9]* points'")->output;
    CHECK_UINT_EQ(sum, strtoul(whole, NULL, 10));
    CHECK(sum > 10);
}

TEST(exec, hands_arguments_on_and_repeats_them, .tags = "slow") {
    const struct tool_run *run = tool(TEST_ "--exec " FOREIGN "policies writes \"it's --exec *\" --sweep");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "  | it's --exec *\n");
    CHECK_STR_CONTAINS(run->output, "policies writes 'it'\\''s --exec *' --sweep\n");
    run = tool(TEST_ "--exec " FOREIGN "policies skips");
    CHECK_STR_CONTAINS(run->output, "skipped policies.main: by itself (status 77)\n");
}

TEST(exec, writes_every_report, .tags = "slow") {
    const struct tool_run *run = tool(
        TEST_ "--results=lines --report=junit:out.xml,tap:out.tap --sweep --exec " FOREIGN "plain_planted >text; "
              "grep -c '\"fault\":\"alloc:' lines; grep -c 'type=\"crash\"' out.xml; grep -c '^finding: ' out.xml; "
              "grep -c '^not ok' out.tap");
    CHECK_STR_EQ(run->output, "2\n1\n2\n1\n"); /* one sweep failed, and two findings are in it */
}

/* It must not leave anything of the program behind, also what leads a session of its own. */
/* Says "alive" where the process still runs after a second: a killed one is shown for a moment, and as a zombie until
 * somebody waits for it. */
#define IS_CHILD_ALIVE                                                                                                 \
    "for i in $(seq 50); do grep -q '^State:.[RSDT]' /proc/$(cat child)/status 2>/dev/null || break; sleep 0.02; "     \
    "[ $i != 50 ] || echo alive; done; true"

TEST(exec, ends_whole_at_an_interrupt, .tags = "slow") {
    tool_write("spawns", "#!/bin/sh\nsetsid sleep 1000 &\necho $! >child\necho begun >ready\nsleep 1000\n");
    const struct tool_run *run = tool("mkfifo ready; " TEST_ "--exec ./spawns & tool=$!; read begun <ready; "
                                      "kill -INT $tool; wait $tool; echo status $?; " IS_CHILD_ALIVE);
    CHECK_STR_CONTAINS(run->output, "status 130\n");
    CHECK(strstr(run->output, "alive") == NULL);
    /* The same at its own end. */
    tool_write("leaves", "#!/bin/sh\nsetsid sleep 1000 &\necho $! >child\n");
    run = tool(TEST_ "--exec ./leaves; " IS_CHILD_ALIVE);
    CHECK_STR_CONTAINS(run->output, "1 passed");
    CHECK(strstr(run->output, "alive") == NULL);
}

/* What has no environment for the moment that it takes to execute a program (some of many that do nothing else), and
 * what never has one. */
TEST(exec, ends_what_shows_no_environment, .tags = "slow") {
    tool_write("spins", "#!/bin/sh\nexec ./spins\n");
    tool_write("leaves", "#!/bin/sh\nfor i in $(seq 40); do setsid ./spins & echo $! >>children; done\n");
    const struct tool_run *run = tool(
        "for i in 1 2 3; do rm -f children; " TEST_ "--exec ./leaves; sleep 0.1; "
        "for child in $(cat children); do ! grep '^State:.[RSDT]' /proc/$child/status 2>/dev/null || kill -9 $child; "
        "done; done");
    CHECK_STR_CONTAINS(run->output, "1 passed");
    CHECK(strstr(run->output, "State:") == NULL);
    tool_write("leaves", "#!/bin/sh\nenv -i setsid sleep 1000 &\necho $! >child\n"
                         "while [ -n \"$(tr -d '\\0' </proc/$!/environ)\" ]; do sleep 0.01; done\n");
    run = tool(TEST_ "--exec ./leaves; " IS_CHILD_ALIVE "; kill -9 $(cat child)");
    CHECK_STR_CONTAINS(run->output, "1 passed");
    CHECK(strstr(run->output, "alive") == NULL);
}

TEST(exec, refuses_what_is_no_program, .tags = "slow") {
    const struct tool_run *run = tool(TEST_ "--exec ./nowhere");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--exec: ./nowhere: no program is there");
    CHECK_INT_EQ(tool(TEST_ "--exec")->status, 2);
    CHECK_INT_EQ(tool(TEST_ "--exec=" FOREIGN "plain")->status, 2);
    CHECK_INT_EQ(tool(TEST_ "--fault=read:1=EINTR --exec " FOREIGN "plain")->status, 2);
    run = tool(TEST_ "--fault=alloc:1@nosuchfn --exec " FOREIGN "plain");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "no loaded module has a function \"nosuchfn\"");
    CHECK_STR_CONTAINS(tool(TEST_ "-v --fault=alloc:1@list_join_backwards --exec " FOREIGN "plain")->output,
                       "(clean-error)");
}

/* Each: words, the exit status, and what is said of a program that goes wrong by itself. */
static const struct by_itself {
    const char *words;
    int status;
    const char *says;
} by_themselves[] = {
    {"--exec ./no_format", 2, "/no_format: Exec format error"},
    {"--sweep --exec ./no_format", 2, "/no_format: Exec format error"},
    {"--sweep --exec ./fails", 1, "FAILED fails.main: wrong"},
    {"--repeat=5 -x -j1 --exec ./fails", 1, "stopped after 1 test\n0 passed, 1 failed"},
    {"--exec ./dies", 1, "it died by signal 9, Killed\n"},
    {"--output-limit=1000 --exec ./prints", 1, "it printed more than 1000 bytes\n"},
    {"-x -j1 --sweep --exec " FOREIGN "policies asserts", 1, "FAILED policies.main: crash"},
    {"--points=1 -x --sweep --exec " FOREIGN "policies gives_up", 1, "policies.main: aborted"},
};

TEST(exec, tells_programs_that_go_wrong_by_themselves, TABLE(by_themselves), .tags = "slow") {
    const struct by_itself *row = test_row();
    tool_write("no_format", "\001\002\003 no program at all");
    tool_write("fails", "#!/bin/sh\nprintf 'and no end of line'\nexit 1\n");
    tool_write("dies", "#!/bin/sh\nkill -9 $$\n");
    tool_write("prints", "#!/bin/sh\nexec yes\n");
    const struct tool_run *run = tool(TEST_ "%s 2>&1", row->words);
    cupel_note("%s", run->output);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->output, row->says);
}

TEST(exec, needs_its_library, .tags = "slow") {
    const struct tool_run *run =
        tool("mkdir bin; cp " TOOL_BIN "cupel-test bin; bin/cupel-test --results=r --sweep --exec "
             "/bin/true");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "libcupel-exec.so is not where this program expects it");
}

TEST(exec, ends_with_all_that_it_started, .tags = "slow") {
    tool_write("waits", "#!/bin/sh\necho $$ >ready\nexec sleep 1000\n");
    const struct tool_run *run =
        tool("mkfifo ready; " TEST_ "--results=r --exec ./waits & read pid <ready; kill -INT $!; "
             "wait $!; echo status $?; kill -0 $pid 2>/dev/null && echo alive; true");
    CHECK_STR_CONTAINS(run->output, "status 130\n");
    CHECK(strstr(run->output, "alive") == NULL);
}
