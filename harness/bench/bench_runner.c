/* What isolation and the runner itself cost: a thousand trivial tests in workers against a thousand execs and against
 * Criterion, in process against cmocka. Rounds of all contenders in turn, the median of each; wall time, since it is
 * what one waits for. The start of a program is measured apart and taken off where tests alone are compared. */
#include "alloc/base/progress.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 11, EXECS = 1000, CONTENDERS = 7 };

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
static const char *const criterion[] = {BENCH_RIVALS "/rival_criterion", "-j1", NULL};

enum contender { ISOLATED, IN_PROCESS, PROCESS, SINGLE, EXEC, CMOCKA, CRITERION };

/* Criterion takes many seconds: one round tells enough. */
static int rounds_of(int contender) {
    return contender == CRITERION ? 1 : ROUNDS;
}

static const char *const *const commands[CONTENDERS] = {
    [ISOLATED] = isolated, [IN_PROCESS] = in_process, [PROCESS] = process,    [SINGLE] = single,
    [EXEC] = one_exec,     [CMOCKA] = cmocka,         [CRITERION] = criterion};

static int compare(const void *left, const void *right) {
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

static void row(const char *what, double ours_ms, double rival_ms, const char *budget) {
    printf("| %s | %.3f ms | %.3f ms | %.3f | %s |\n", what, ours_ms, rival_ms, ours_ms / rival_ms, budget);
}

int main(void) {
    static double times_ms[CONTENDERS][ROUNDS];
    double median_ms[CONTENDERS];
    for (int round = -1; round < ROUNDS; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            if (access(commands[i][0], X_OK) != 0 || round >= rounds_of(i) || (round < 0 && rounds_of(i) == 1)) {
                continue;
            }
            int64_t start_ns = cupel_clock_ns();
            for (int j = 0; j < (i == EXEC ? EXECS : 1); j++) {
                run(commands[i]);
            }
            times_ms[i][round < 0 ? 0 : round] = (double)(cupel_clock_ns() - start_ns) / 1e6;
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        qsort(times_ms[i], (size_t)rounds_of(i), sizeof times_ms[i][0], compare);
        median_ms[i] = times_ms[i][rounds_of(i) / 2];
    }
    double here_ms = (median_ms[IN_PROCESS] - median_ms[SINGLE]) / 10; /* of 1000 */
    row("1000 isolated tests, to 1000 execs of true", median_ms[ISOLATED], median_ms[EXEC], "0.3, aim 0.05");
    printf("| 100 tests in process | %.3f ms | - | - | 1 ms, aim 0.3 ms |\n", here_ms);
    if (median_ms[CMOCKA] > 0) {
        row("1000 tests in process, whole program, to cmocka", median_ms[IN_PROCESS], median_ms[CMOCKA], "1");
    }
    if (median_ms[CRITERION] > 0) {
        row("1000 tests in a process each, to Criterion", median_ms[PROCESS], median_ms[CRITERION], "1");
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
