/* Goal: whatever the program that is asked for files and lines says, and however it ends or hangs, what it said rightly
 * is understood and the process that asks goes on. Method: small scripts as that program, limits of some milliseconds,
 * and a kernel that refuses each call that is needed. */
#include "alloc/base/poison.h"
#include "alloc/src/symboliser.h"
#include "alloc/tests/refusing.h"
#include "alloc/trace.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define WITH_TAGS(words)                                                                                               \
    .isolate = CUPEL_ISOLATE_PROCESS,                                                                                  \
    .may_leave = CUPEL_LEFT_ENVIRONMENT | CUPEL_LEFT_SIGNAL_HANDLERS | CUPEL_LEFT_CHILDREN, .tags = (words),           \
    .no_sweep = "it needs an environment that it can change"
#define CHANGES_ENVIRONMENT WITH_TAGS("slow")

static char said[2048];
static const uintptr_t two_offsets[] = {0x10, 0x20};

static void note(void *user, unsigned which, const char *function, const char *place, bool is_inlined) {
    char line[256];
    (void)user;
    (void)snprintf(line, sizeof line, "%u %s %s%s\n", which, function, place, is_inlined ? " in" : "");
    strncat(said, line, sizeof said - 1 - strlen(said));
}

/* A script of that name in the test's directory. */
static const char *write_script(const char *name, const char *text) {
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    FILE *stream = fopen(path, "w");
    REQUIRE(stream != NULL);
    (void)fprintf(stream, "#!/bin/sh\n%s\n", text);
    REQUIRE(fclose(stream) == 0);
    REQUIRE(chmod(path, 0755) == 0);
    return path;
}

static bool ask(const char *program) {
    said[0] = '\0';
    REQUIRE(setenv("CUPEL_SYMBOLISER", program, 1) == 0);
    return cupel__symboliser_ask("/some/file", two_offsets, 2, note, NULL);
}

static bool ask_script(const char *text) {
    return ask(write_script("asked", text));
}

/* What a program prints when it is asked for two offsets, and what is understood. */
static const struct {
    const char *printed, *understood;
} answers[] = {
    {"0x10\\nf\\na.c:1\\n0x20\\ng\\nb.c:2\\n", "0 f a.c:1\n1 g b.c:2\n"},
    {"0x10\\nf\\na.c:1\\nh\\na.c:9\\n0x20\\ng\\nb.c:2\\n", "0 f a.c:1 in\n0 h a.c:9\n1 g b.c:2\n"},
    {"0x10\\nf\\na.c:1\\n\\n0x20\\ng\\nb.c:2\\n\\n", "0 f a.c:1\n1 g b.c:2\n"},
    {"0x10\\nf\\na.c:1 (discriminator 3)\\n0x20\\ng\\nb.c:2", "0 f a.c:1\n1 g b.c:2\n"},
    {"0x10\\nf\\n?\\?:0\\n0x20\\ng\\nb.c:2\\n", "1 g b.c:2\n"},
    {"0x10\\nf\\na.c:?\\n0x20\\ng\\nb.c:2\\n", "1 g b.c:2\n"},
    {"0x10\\nf\\na.c:0\\n0x20\\ng\\nb.c:2\\n", "1 g b.c:2\n"},
    {"0x10\\nf\\n:1\\n0x20\\ng\\nb.c:2\\n", "1 g b.c:2\n"},
    {"0x10\\n0x20\\ng\\nb.c:2\\n", ""},            /* an offset where a function should be: nothing more is believed */
    {"0x10\\nf\\na.c:1\\nh\\n", "0 f a.c:1 in\n"}, /* the end where a place should be */
    {"0x10\\nf\\n", ""},                           /* or the first place */
    {"0x10\\n", ""},                               /* or a function */
    {"", ""},                                      /* or anything */
    {"0x10\\nf\\na.c:1\\n", "0 f a.c:1\n"},        /* or the second offset */
    {"0x10\\nf\\na.c:1\\n\\n", "0 f a.c:1\n"},     /* with an empty line */
    {"0x10\\nf\\na.c:1\\n0x20\\ng\\nb.c:2\\n0x30\\nh\\nc.c:3\\n", "0 f a.c:1\n1 g b.c:2\n"}, /* more than was asked */
};

TEST(symboliser, understands_answers, CHANGES_ENVIRONMENT, CUPEL_TABLE(answers)) {
    char script[256];
    (void)snprintf(script, sizeof script, "printf '%s'", answers[test_row_index()].printed);
    CHECK(ask_script(script));
    CHECK_STR_EQ(said, answers[test_row_index()].understood);
}

TEST(symboliser, passes_words_and_variables, CHANGES_ENVIRONMENT) {
    char wanted[600];
    const char *script = "test \"$CUPEL_SYMBOLISER$LD_AUDIT$DEBUGINFOD_URLS$MALLOC_CHECK_\" = '' || exit 1\n"
                         "echo 0x10; echo \"$*\"; echo \"$0:1\"";
    REQUIRE(setenv("DEBUGINFOD_URLS", "http://localhost:1", 1) == 0);
    const char *program = write_script("asked", script);
    CHECK(ask(program));
    (void)snprintf(wanted, sizeof wanted, "0 -a -f -i -C -e /some/file 0x10 0x20 %s:1\n", program);
    CHECK_STR_EQ(said, wanted);
    program = write_script("llvm-symbolizer-of-a-kind", script);
    CHECK(ask(program));
    (void)snprintf(wanted, sizeof wanted, "0 --output-style=GNU -a -f -i -C -e /some/file 0x10 0x20 %s:1\n", program);
    CHECK_STR_EQ(said, wanted);
}

TEST(symboliser, is_looked_for_in_the_path, CHANGES_ENVIRONMENT) {
    static char folders[8192];
    const char *script = "echo 0x10; echo f; echo a.c:1";
    (void)write_script("addr2line", script);
    /* Before the folder a name that is too long, and one of no length. */
    memset(folders, 'a', 2000);
    (void)snprintf(folders + 2000, sizeof folders - 2000, "::/nonexistent:%s", test_directory());
    REQUIRE(setenv("PATH", folders, 1) == 0);
    CHECK(ask("")); /* as if it were not set */
    CHECK_STR_EQ(said, "0 f a.c:1\n");
    REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
    said[0] = '\0';
    CHECK(cupel__symboliser_ask("/some/file", two_offsets, 1, note, NULL));
    CHECK_STR_EQ(said, "0 f a.c:1\n");
    /* The one that is better goes first, but one that fails is not the last. */
    (void)write_script("cupel-symbolise", "echo 0x10; echo better; echo a.c:1");
    CHECK(ask(""));
    CHECK_STR_EQ(said, "0 better a.c:1\n");
    (void)write_script("cupel-symbolise", "exit 1");
    CHECK(ask(""));
    CHECK_STR_EQ(said, "0 f a.c:1\n");
    REQUIRE(setenv("PATH", "/nonexistent", 1) == 0);
    CHECK(!ask(""));
    REQUIRE(unsetenv("PATH") == 0);
    CHECK(!ask(""));
}

TEST(symboliser, takes_as_many_variables_as_it_has_room_for, CHANGES_ENVIRONMENT) {
    static char *none[] = {NULL};
    char **before = environ;
    const char *program = write_script("asked", "echo 0x10; echo $LAST; echo a.c:1");
    (void)ask(program);
    for (unsigned i = 0; i < 600; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "MANY_%u", i);
        REQUIRE(setenv(name, "", 1) == 0);
    }
    REQUIRE(setenv("LAST", "left_out", 1) == 0);
    CHECK(ask(program));
    CHECK_STR_EQ(said, "0  a.c:1\n");
    before = environ;
    environ = none; /* nobody is named then, and there is no path */
    CHECK(!cupel__symboliser_ask("/some/file", two_offsets, 2, note, NULL));
    environ = NULL;
    CHECK(!cupel__symboliser_ask("/some/file", two_offsets, 2, note, NULL));
    environ = before;
}

TEST(symboliser, does_without_programs_that_fail, CHANGES_ENVIRONMENT) {
    CHECK(!ask_script("echo 0x10; echo f; echo a.c:1; exit 1"));
    CHECK(!ask_script("echo 0x10; echo f; echo a.c:1; kill -KILL $$"));
    CHECK(!ask(test_directory())); /* which nobody can run */
    CHECK_STR_EQ(said, "");
    uintptr_t many[CUPEL__SYMBOLISER_ASKED_MAX + 1] = {0};
    CHECK(!cupel__symboliser_ask("/some/file", many, CUPEL__SYMBOLISER_ASKED_MAX + 1, note, NULL));
    CHECK(ask_script("echo 0x10; echo f; echo a.c:1"));
}

TEST(symboliser, ends_programs_that_do_not_end, CHANGES_ENVIRONMENT) {
    cupel__symboliser_limits.look_ms = 10;
    /* More than there is room for. */
    CHECK(!ask_script("while :; do echo 0123456789012345678901234567890123456789; done"));
    CHECK_STR_EQ(said, "");
    /* One that sleeps, for longer than is waited for. */
    int64_t wait_ms = cupel__symboliser_limits.wait_ms;
    cupel__symboliser_limits.wait_ms = 300;
    CHECK(!ask_script("exec sleep 1000"));
    cupel__symboliser_limits.wait_ms = wait_ms;
    /* One that works for longer than it may. */
    cupel__symboliser_limits.process_ms = 0;
    CHECK(!ask_script("while :; do :; done"));
    cupel__symboliser_limits.process_ms = 5000;
    CHECK(ask_script("echo 0x10; echo f; echo a.c:1"));
}

TEST(symboliser, asks_nobody_when_its_time_is_spent, CHANGES_ENVIRONMENT) {
    char script[600];
    (void)snprintf(script, sizeof script, "touch %s/was_here; echo 0x10; echo f; echo a.c:1", test_directory());
    int64_t all_ms = cupel__symboliser_limits.all_ms;
    cupel__symboliser_limits.all_ms = 0;
    CHECK(!ask_script(script));
    cupel__symboliser_limits.all_ms = all_ms;
    int64_t wait_ms = cupel__symboliser_limits.wait_ms;
    cupel__symboliser_limits.wait_ms = 0;
    CHECK(!ask_script(script));
    cupel__symboliser_limits.wait_ms = wait_ms;
    (void)snprintf(script, sizeof script, "%s/was_here", test_directory());
    CHECK(access(script, F_OK) != 0);
    (void)snprintf(script, sizeof script, "touch %s/was_here; echo 0x10; echo f; echo a.c:1", test_directory());
    cupel__symboliser_limits.all_ms = 4000; /* less than one question may take otherwise */
    CHECK(ask_script(script));
    (void)snprintf(script, sizeof script, "%s/was_here", test_directory());
    CHECK(access(script, F_OK) == 0);
}

static void do_nothing(int number) {
    (void)number;
}

/* Signals of a timer that interrupt the reading of the answer and the waiting for the end. */
TEST(symboliser, is_not_disturbed_by_signals, CHANGES_ENVIRONMENT) {
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    const char *program = write_script("asked", "sleep 0.1; echo 0x10; echo f; echo a.c:1; exec >&-; sleep 0.1");
    REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
    bool is_answered = ask(program);
    REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(is_answered);
    CHECK_STR_EQ(said, "0 f a.c:1\n");
}

static char text[8192];

static void put(void *user, const char *part, size_t length) {
    (void)user;
    strncat(text, part, length < sizeof text - 1 - strlen(text) ? length : 0);
}

static void print_with(const char *script, const void *frame) {
    const void *frames[] = {frame};
    REQUIRE(setenv("CUPEL_SYMBOLISER", write_script("asked", script), 1) == 0);
    text[0] = '\0';
    cupel_trace_print(cupel_trace_intern(frames, 1), false, put, NULL);
}

/* What is said of an address for which there is no symbol, or no file. */
TEST(symboliser, has_the_word_where_there_is_no_symbol, CHANGES_ENVIRONMENT) {
    Dl_info info;
    REQUIRE(dladdr((const void *)(uintptr_t)&strlen, &info) != 0);
    const char *nothing = (const char *)info.dli_fbase + 17;
    print_with("echo 0x10; echo named; echo a.c:1", nothing);
    CHECK_STR_CONTAINS(text, "    #0 named (/");
    CHECK_STR_CONTAINS(text, "+0x10) at a.c:1\n");
    print_with("echo 0x10; echo '?\?'; echo a.c:1", nothing);
    CHECK_STR_CONTAINS(text, "    #0 (/");
    CHECK_STR_CONTAINS(text, "+0x10) at a.c:1\n");
    print_with("echo 0x10; head -c 2000 /dev/zero | tr '\\0' f; echo; echo a.c:1", nothing);
    CHECK_STR_CONTAINS(text, "    #0 ffff");
    CHECK_UINT_LT(strlen(text), 1100); /* a line has an end */
    const char *kernels = (const char *)getauxval(AT_SYSINFO_EHDR);
    if (kernels != NULL) {
        print_with("echo 0x10; echo named; echo a.c:1", kernels + 17);
        CHECK(strstr(text, "named") == NULL); /* it has no file to ask for */
    }
}

#if defined(__x86_64__)
/* Each call without which nobody can be asked. */
static const struct refusal refusals[] = {
    {SYS_pipe2, EMFILE, 0, 0},           {SYS_clone, EAGAIN, 1, CLONE_VM | CLONE_VFORK},
    {SYS_openat, EMFILE, 3, O_RDWR}, /* of /dev/null */
    {SYS_dup2, EBUSY, 2, STDIN_FILENO},  {SYS_dup2, EBUSY, 2, STDERR_FILENO},
    {SYS_dup2, EBUSY, 2, STDOUT_FILENO}, {SYS_poll, ENOMEM, 0, 0},
#if !CUPEL__HAS_ASAN                    /* LeakSanitizer needs it at the end */
    {SYS_wait4, ECHILD, 3, 0x40000000}, /* __WALL */
#endif
};

/* The last may hang on: there is a way without these. */
static const struct refusal harmless[] = {
    {SYS_clock_getres, EINVAL, 0, 0}, /* its processor time is not known then */
};

TEST(symboliser, is_done_without_where_the_kernel_refuses, WITH_TAGS("slow crash"), CUPEL_TABLE(refusals)) {
    const char *program = write_script("asked", "echo 0x10; echo f; echo a.c:1");
    CHECK(ask(program));
    refuse(refusals[test_row_index()]);
    CHECK(!ask(program));
    CHECK_STR_EQ(said, "");
}

TEST(symboliser, needs_not_all_calls, WITH_TAGS("slow crash"), CUPEL_TABLE(harmless)) {
    refuse(harmless[test_row_index()]);
    CHECK(ask_script("echo 0x10; echo f; echo a.c:1"));
    CHECK_STR_EQ(said, "0 f a.c:1\n");
}
#endif
