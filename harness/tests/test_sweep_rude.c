/* Goal: in a sweep a fault that makes the code leave the process another way is told as it is alone, and the faults
 * after it are none the worse. Method: a program of such bodies; each fault of each sweep is run in a process of its
 * own. */
#include "harness/tests/tool.h"

#define UNTIDY TOOL_BIN "tests/fixtures/untidy --seed=1 --output-limit=1000000 "

/* The verdict of one fault in a process of its own. */
static const char *verdict_alone(const char *title, const char *token) {
    static char verdict[64];
    const struct tool_run *run = tool(UNTIDY "--fault='%s' --filter='%s'", token, title);
    char line[512];
    (void)snprintf(line, sizeof line, "FAILED %s: ", title);
    const char *told = strstr(run->output, line);
    told = told == NULL ? run->status == 0 ? "ok" : "none" : told + strlen(line);
    (void)snprintf(verdict, sizeof verdict, "%.*s", (int)strcspn(told, " \n"), told);
    return verdict;
}

/* Each: a test, what its fault comes to, and what is told of it. */
static const struct untidy {
    const char *name;
    const char *verdict;
    const char *told;
} untidy[] = {
    {"closes_its_streams", "leak", ": left behind: descriptor 0, standard input, is closed\n"},
    {"closes_all", "wrong", "the test closed the harness's own descriptor\n"},
    {"opens_many", "leak", " is open: /dev/null\n"},
    {"goes_away", "leak", ": left behind: the working directory is /usr\n"},
    {"masks_files", "leak", ": left behind: the umask is 137, and was "},
    {"blocks_signals", "leak", ": left behind: signal 12 (SIGUSR2) is blocked\n"},
    {"ignores_signals", "leak", ": left behind: signal 10 (SIGUSR1) is ignored\n"},
    {"sets_an_alarm", "leak", ": left behind: a timer (alarm) that goes off in 999."},
    {"sets_a_variable", "leak", ": left behind: the environment variable UNTIDY=yes\n"},
    {"dies_with_a_child", "crash", "died by signal 9"},
    {"stops_itself", "crash", "killed: it stopped itself by signal 19 (SIGSTOP)\n"},
    {"ends_its_group", "crash", "died by signal 15"},
    {"ends_its_runner", "wrong", "it sent the runner signal 15 (SIGTERM)\n"},
    {"prints_without_end", "crash", "killed: it printed more than 1000000 bytes (--output-limit)\n"},
};

TEST(sweep_rude, says_what_a_process_of_its_own_says, TABLE(untidy), .tags = "slow", .timeout_s = 600) {
    static char log[65536];
    char path[1024];
    char title[128];
    const struct untidy *row = test_row();
    unsigned points = 0;
    unsigned found = 0;
    (void)snprintf(title, sizeof title, "untidy.%s", row->name);
    const struct tool_run *run = tool(UNTIDY "--sweep-log=log --filter=%s", title);
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, row->told);
    CHECK_STR_CONTAINS(run->output, "fault alloc:2)\n");
    CHECK(strstr(run->output, "not-recovered") == NULL);
    (void)snprintf(path, sizeof path, "%s/log", test_directory());
    tool_read(path, log, sizeof log);
    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        char token[64];
        char verdict[64];
        (void)sscanf(strstr(line, "\"fault\":"), "\"fault\":\"%63[^\"]\",\"verdict\":\"%63[^\"]\"", token, verdict);
        cupel_note("%s", token);
        CHECK_STR_EQ(verdict_alone(title, token), verdict);
        CHECK(strcmp(verdict, "ok") == 0 || strcmp(verdict, row->verdict) == 0);
        points++;
        found += strcmp(verdict, "ok") != 0;
    }
    CHECK_UINT_GE(points, 9);
    CHECK_UINT_GE(found, 2);
}

/* What is dear to look at is looked at for many faults at once, and told of the one. */
TEST(sweep_rude, names_one_fault_of_many, .tags = "slow", .timeout_s = 600) {
    const struct tool_run *run = tool(UNTIDY "--sweep-modes=once --sweep --filter=untidy.masks_files_late");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_STR_CONTAINS(run->output, "untidy.masks_files_late (leak, fault alloc:81)\n");
    CHECK_STR_CONTAINS(run->output, "100 faults: 99 ok 1 leak;");
}

TEST(sweep_rude, the_limit_of_output_is_of_each_fault, .tags = "slow", .timeout_s = 600) {
    const struct tool_run *run = tool(UNTIDY "--sweep-modes=once --sweep --filter=untidy.prints_much");
    cupel_note("%s%s", run->output, run->errors);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "100 faults: 100 ok;");
}
