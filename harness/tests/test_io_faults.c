/* Goal: reads, writes, opens and clocks of the code under test fail where a plan or a sweep says so, and nowhere else;
 * what does not bear it is found under the right verdict with a token that replays it, and what does is clean. Method:
 * programs that copy files and look at the clock, right and wrong in known ways, swept and replayed as a user would. */
#include "harness/tests/tool.h"

#define PROGRAM "TMPDIR=\"$PWD\" " TOOL_BIN "tests/fixtures/faulty_io --seed=1 "

/* What is wrong in a program, found first by this fault. */
struct defect {
    const char *name;
    const char *verdict;
    const char *token;
};

static const struct defect defects[] = {
    {"forgets_short_writes", "wrong", "write:1=short"},
    {"takes_an_interrupt_for_the_end", "wrong", "read:1=EINTR"},
    {"writes_a_note_whatever_comes_of_it", "swallowed", "write:1=EIO"},
    {"believes_in_streams", "crash", "open:1=EACCES"},
    {"loses_a_buffer", "leak", "read:1=EINTR"},
    {"tries_for_ever", "hang", "open:1+=EMFILE"},
    {"gathers_pieces", "wrong", "write:1=short"},
    {"is_set_up_once", "wrong", "read:1=short"},
    {"counts_time_that_was_not", "wrong", "clock:2=back"},
    {"waits_by_the_clock_of_the_day", "hang", "clock:2=back"},
};

TEST(io_faults, each_defect_is_found_and_its_token_replays, TABLE(defects), .tags = "slow") {
    const struct defect *defect = test_row();
    char line[256];
    CHECK_INT_EQ(tool(PROGRAM "--filter=io.%s", defect->name)->status, 0); /* it shows under a fault alone */
    const struct tool_run *run = tool(PROGRAM "--sweep --filter=io.%s", defect->name);
    CHECK_INT_EQ(run->status, 1);
    (void)snprintf(line, sizeof line, "FAILED io.%s: %s (", defect->name, defect->verdict);
    CHECK_STR_CONTAINS(run->output, line);
    (void)snprintf(line, sizeof line, "--fault='%s'", defect->token);
    CHECK_STR_CONTAINS(run->output, line);
    if (strcmp(defect->verdict, "hang") != 0) { /* which costs its time limit */
        run = tool(PROGRAM "--filter=io.%s --fault='%s'", defect->name, defect->token);
        CHECK_INT_EQ(run->status, 1);
        (void)snprintf(line, sizeof line, "FAILED io.%s: %s (", defect->name, defect->verdict);
        CHECK_STR_CONTAINS(run->output, line);
    }
}

TEST(io_faults, what_bears_them_is_clean, .tags = "slow") {
    const struct tool_run *run = tool(PROGRAM "--sweep --filter=io.copies:io.measures_by_a_clock_that_nobody_sets");
    CHECK_INT_EQ(run->status, 0);
    /* 3 reads, of which 2 after the first; 2 writes; 2 opens: every one in each of its ways */
    CHECK_STR_CONTAINS(run->output, "21 faults: 21 ok");
    CHECK_STR_CONTAINS(run->output, "2 faults: 2 ok");
}

TEST(io_faults, only_what_a_test_declares_is_swept, .tags = "slow") {
    const struct tool_run *run = tool(PROGRAM "--sweep --filter=io.is_not_asked_about");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "nothing to starve");
    run = tool(PROGRAM "--filter=io.is_not_asked_about --fault=open:1");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "file != NULL does not hold");
    CHECK_STR_CONTAINS(run->output, "the request that failed (an open):");
    run = tool(PROGRAM "--sweep --filter=io.asks_for_faults_that_are_none");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, ".faults: 'sleep' is none of vm, read, write, open and clock");
}

TEST(io_faults, each_call_can_fail, .tags = "slow") {
    static const char *const calls[] = {"read", "write", "open", "clock"};
    static const char *const counts[] = {"8 passed", "9 passed", "8 passed", "3 passed"};
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct tool_run *run = tool(PROGRAM "'--filter=io.each_%s/*' --fault=%s:1=EPERM", calls[i], calls[i]);
        CHECK_INT_EQ(run->status, 0);
        cupel_note("%s", run->output);
        CHECK_STR_CONTAINS(run->output, counts[i]);
    }
}

TEST(io_faults, the_fault_is_of_the_call_that_the_plan_names, .tags = "slow") {
    CHECK_INT_EQ(tool(PROGRAM "--filter=io.copies --fault=read:2=EIO")->status, 0);
    const struct tool_run *run = tool(PROGRAM "--filter=io.copies --fault=read:4");
    CHECK_INT_EQ(run->status, 1); /* there are three */
    CHECK_STR_CONTAINS(run->output, "FAILED io.copies: not-reached");
    run = tool(PROGRAM "--filter=io.forgets_short_writes --fault=write:2=short");
    CHECK_STR_CONTAINS(run->output, "actual:   82"); /* 64 and half of the other 36 */
    CHECK_STR_CONTAINS(run->output, "the request that failed (a write of 36 bytes):");
}
