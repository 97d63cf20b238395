/* What a perturbed repeat costs beside a plain one, whole and by dimension, and what more workers gain: a thousand
 * trivial tests, repeated. CPU time of the runner and its workers, but for the row on workers, where one waits for wall
 * time; rounds of all contenders in turn, the median of each. */
#include "alloc/base/progress.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5, TESTS = 1000, REPEATS = 10 };

extern char **environ;

struct contender {
    const char *name; /* for the row; NULL: the plain one */
    const char *perturb;
    const char *jobs;
    double cpu_ms[ROUNDS];
    double wall_ms[ROUNDS];
};

static struct contender contenders[] = {
    {NULL, NULL, "--jobs=1", {0}, {0}},
    {"all dimensions", "--perturb", "--jobs=1", {0}, {0}},
    {"address space and environment size", "--perturb=address-space,environment-size", "--jobs=1", {0}, {0}},
    {"locale", "--perturb=locale", "--jobs=1", {0}, {0}},
    {"time zone", "--perturb=time-zone", "--jobs=1", {0}, {0}},
    {"descriptors", "--perturb=descriptors", "--jobs=1", {0}, {0}},
    {"memory", "--perturb=fresh-memory,freed-memory,placement", "--jobs=1", {0}, {0}},
    {NULL, NULL, "--jobs=0", {0}, {0}},
};
enum { CONTENDERS = sizeof contenders / sizeof contenders[0], PARALLEL = CONTENDERS - 1 };

static double children_ms(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void run(const struct contender *contender) {
    char repeat[32];
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    (void)snprintf(repeat, sizeof repeat, "--repeat=%d", REPEATS);
    const char *const words[] = {BENCH_RIVALS "/trivial", "--seed=1", "--style=none", repeat, contender->jobs,
                                 contender->perturb,      NULL};
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_repeat: %s failed\n", words[0]);
        exit(1);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
}

static int compare(const void *left, const void *right) {
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

int main(void) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            double cpu_ms = children_ms();
            int64_t start_ns = cupel_clock_ns();
            run(&contenders[i]);
            contenders[i].wall_ms[round] = (double)(cupel_clock_ns() - start_ns) / 1e6;
            contenders[i].cpu_ms[round] = children_ms() - cpu_ms;
        }
    }
    const double runs = (double)TESTS * REPEATS;
    double plain_us = median(contenders[0].cpu_ms) * 1e3 / runs;
    for (int i = 1; i < PARALLEL; i++) {
        double us = median(contenders[i].cpu_ms) * 1e3 / runs;
        printf("| a perturbed repeat of a trivial test (%s) over a plain one | %.2f us | %.2f us | %.2f | %+.1f us |\n",
               contenders[i].name, us, plain_us, us / plain_us, us - plain_us);
    }
    double one_ms = median(contenders[0].wall_ms);
    double all_ms = median(contenders[PARALLEL].wall_ms);
    printf(
        "| %d repeats of a thousand tests on %ld processors over one worker | %.0f ms | %.0f ms | %.2f | below 1 where "
        "there are two |\n",
        REPEATS, sysconf(_SC_NPROCESSORS_ONLN), all_ms, one_ms, all_ms / one_ms);
    return 0;
}
