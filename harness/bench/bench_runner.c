/* What isolation and the runner itself cost: a thousand trivial tests in workers against a thousand execs and against
 * Criterion, in process against cmocka; and how long the quick suite of a room takes in process. Rounds of all
 * contenders in turn, the median of each; wall time, since it is what one waits for, but CPU time where all is in one
 * process, which others on the machine disturb less. The start of a program is measured apart and taken off where tests
 * alone are compared. */
#include "alloc/base/progress.h"
#include "harness/bench/row.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 11, EXECS = 1000 };

extern char **environ;

static void run(const char *const words[]) {
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_runner: %s failed\n", words[0]);
        exit(1);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
}

static const char *const isolated[] = {BENCH_RIVALS "/trivial", "--seed=1", NULL};
static const char *const in_process[] = {BENCH_RIVALS "/trivial", "--isolate=none", "--seed=1", NULL};
static const char *const process[] = {BENCH_RIVALS "/trivial", "--isolate=process", "--seed=1", NULL};
static const char *const single[] = {BENCH_RIVALS "/trivial", "--isolate=none", "--seed=1", "--filter=trivial.passes/0",
                                     NULL};
static const char *const one_exec[] = {"/bin/true", NULL};
static const char *const cmocka[] = {BENCH_RIVALS "/rival_cmocka", NULL};
static const char *const repeated[] = {BENCH_RIVALS "/trivial", "--isolate=none", "--seed=1", "--repeat=40", NULL};
static const char *const cmocka_repeated[] = {BENCH_RIVALS "/rival_cmocka", "40", NULL};
static const char *const process_repeated[] = {BENCH_RIVALS "/trivial", "--isolate=process", "--seed=1", "--repeat=2",
                                               NULL};
static const char *const criterion[] = {BENCH_RIVALS "/rival_criterion", "-j1", NULL};

enum contender {
    ISOLATED,
    IN_PROCESS,
    PROCESS,
    SINGLE,
    EXEC,
    CMOCKA,
    REPEATED,
    CMOCKA_REPEATED,
    PROCESS_REPEATED,
    CRITERION,
    CONTENDERS
};

/* Criterion takes many seconds: one round tells enough. */
static int rounds_of(int contender) {
    return contender == CRITERION ? 1 : ROUNDS;
}

static const char *const *const commands[CONTENDERS] = {[ISOLATED] = isolated,
                                                        [IN_PROCESS] = in_process,
                                                        [PROCESS] = process,
                                                        [SINGLE] = single,
                                                        [EXEC] = one_exec,
                                                        [CMOCKA] = cmocka,
                                                        [REPEATED] = repeated,
                                                        [CMOCKA_REPEATED] = cmocka_repeated,
                                                        [PROCESS_REPEATED] = process_repeated,
                                                        [CRITERION] = criterion};

static int compare(const void *left, const void *right) {
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

/* The quick suite of a room is its tests that are not tagged slow. Properties of many cases each are left out. */
enum { REPEATS = 101, FILTER_MAX = 16384 };

/* Titles of tests that are not tagged slow, as a filter; how many. The program says one test a line. */
static unsigned filter_of(const char *program, char filter[FILTER_MAX]) {
    char line[4096];
    size_t length = (size_t)snprintf(filter, FILTER_MAX, "--filter=");
    unsigned count = 0;
    (void)snprintf(line, sizeof line, "%s --tag=-slow --list-json", program);
    FILE *list = popen(line, "r");
    while (list != NULL && fgets(line, sizeof line, list) != NULL) {
        static const char key[] = "\"test\":\"";
        const char *title = strstr(line, key);
        if (title == NULL || strstr(line, "\"kind\":\"test\"") == NULL) {
            continue;
        }
        title += sizeof key - 1;
        int written = snprintf(filter + length, FILTER_MAX - length, "%s%.*s", count == 0 ? "" : ":",
                               (int)strcspn(title, "\""), title);
        if (written < 0 || (size_t)written >= FILTER_MAX - length) {
            count = 0; /* a part of a suite would be a wrong figure */
            break;
        }
        length += (size_t)written;
        count++;
    }
    if (list == NULL || pclose(list) != 0 || count == 0) {
        fprintf(stderr, "bench_runner: cannot list the tests of %s\n", program);
        exit(1);
    }
    return count;
}

/* CPU time of all that this program started and waited for. */
static double children_ms(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void bench_suite(const char *name) {
    static char filter[FILTER_MAX];
    char program[512];
    char repeat[32];
    (void)snprintf(program, sizeof program, BENCH_TESTS "/%s", name);
    unsigned count = filter_of(program, filter);
    double times_ms[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
        double took_ms[2];
        for (int i = 0; i < 2; i++) { /* once, then often: the difference is without the program's start */
            (void)snprintf(repeat, sizeof repeat, "--repeat=%d", i == 0 ? 1 : REPEATS);
            const char *const words[] = {program, "--isolate=none", "--seed=1", repeat, filter, NULL};
            double start_ms = children_ms();
            run(words);
            took_ms[i] = children_ms() - start_ms;
        }
        times_ms[round < 0 ? 0 : round] = (took_ms[1] - took_ms[0]) / (REPEATS - 1) * 100 / count;
    }
    qsort(times_ms, ROUNDS, sizeof times_ms[0], compare);
    char what[256];
    (void)snprintf(what, sizeof what, "the %u quick tests of `%s` in process, CPU time of 100", count, name);
    bench_row_alone(what, times_ms[ROUNDS / 2], "ms", (struct bench_budget){1, 0.3, " ms"});
}

/* CPU time, where all is one process; the isolated ones share the processors, and are waited for. */
static bool is_in_process(int contender) {
    return contender == IN_PROCESS || contender == SINGLE || contender == CMOCKA || contender == REPEATED ||
           contender == CMOCKA_REPEATED;
}

static double measure_ms(int contender) {
    double cpu_ms = children_ms();
    int64_t start_ns = cupel_clock_ns();
    for (int j = 0; j < (contender == EXEC ? EXECS : 1); j++) {
        run(commands[contender]);
    }
    double wall_ms = (double)(cupel_clock_ns() - start_ns) / 1e6;
    return is_in_process(contender) ? children_ms() - cpu_ms : wall_ms;
}

int main(void) {
    static double times_ms[CONTENDERS][ROUNDS];
    double median_ms[CONTENDERS];
    for (int round = -1; round < ROUNDS; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            if (access(commands[i][0], X_OK) == 0 && round < rounds_of(i) && (round >= 0 || rounds_of(i) > 1)) {
                times_ms[i][round < 0 ? 0 : round] = measure_ms(i);
            }
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        qsort(times_ms[i], (size_t)rounds_of(i), sizeof times_ms[i][0], compare);
        median_ms[i] = times_ms[i][rounds_of(i) / 2];
    }
    static const struct bench_budget rivals = {1, 0, ""};
    bench_row("1000 isolated tests, to 1000 execs of true", median_ms[ISOLATED], median_ms[EXEC], "ms",
              (struct bench_budget){0.3, 0.05, ""});
    bench_row_alone("100 trivial tests in process, CPU time", (median_ms[IN_PROCESS] - median_ms[SINGLE]) / 10, "ms",
                    (struct bench_budget){1, 0.3, " ms"});
    bench_row("1000 tests in process, whole program, CPU time, to cmocka", median_ms[IN_PROCESS], median_ms[CMOCKA],
              "ms", rivals);
    bench_row("the same 40 times, CPU time, to cmocka's group run 40 times", median_ms[REPEATED],
              median_ms[CMOCKA_REPEATED], "ms", rivals);
    bench_row("1000 tests in a process each, to Criterion", median_ms[PROCESS], median_ms[CRITERION], "ms", rivals);
    bench_row("the same twice (`--repeat=2`), to Criterion run twice", median_ms[PROCESS_REPEATED],
              2 * median_ms[CRITERION], "ms", rivals);
    static const char *const programs[] = {"vm", "alloc_arena", "alloc_layers"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        bench_suite(programs[i]);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
