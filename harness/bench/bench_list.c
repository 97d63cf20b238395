/* How long it takes to select from and list a program of 8000 tests: alone, in GoogleTest's form, by a filter of
 * thousands of whole titles, and through cupel test. The median of many starts, wall time: it is what an editor waits
 * for. */
#include "alloc/base/progress.h"
#include "harness/bench/row.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 21, TITLES = 3000, FILTER_MAX = 120000 };

extern char **environ;

static double run_ms(const char *const words[]) {
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    int64_t start_ns = cupel_clock_ns();
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_list: %s failed\n", words[0]);
        exit(1);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return (double)(cupel_clock_ns() - start_ns) / 1e6;
}

static int compare(const void *left, const void *right) {
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

/* How many tests a command lists: else it would not be the work that is measured. */
static void check_list(const char *command, int wanted) {
    char line[512];
    int count = 0;
    FILE *list = popen(command, "re");
    while (list != NULL && fgets(line, sizeof line, list) != NULL) {
        count += strstr(line, "reads_a_record") != NULL || strstr(line, "refuses_a_word") != NULL;
    }
    if (list == NULL || pclose(list) != 0 || count != wanted) {
        fprintf(stderr, "bench_list: '%s' lists %d tests, not %d\n", command, count, wanted);
        exit(1);
    }
}

static double median_ms(double times_ms[ROUNDS]) {
    qsort(times_ms, ROUNDS, sizeof times_ms[0], compare);
    return times_ms[ROUNDS / 2];
}

static void row(const char *what, const char *const words[]) {
    double times_ms[ROUNDS];
    char text[128];
    for (int i = 0; i < ROUNDS; i++) {
        times_ms[i] = run_ms(words);
    }
    (void)snprintf(text, sizeof text, "8000 tests, %s", what);
    bench_row_alone(text, median_ms(times_ms), "ms", (struct bench_budget){50, 0, " ms"});
}

/* Rounds in turn. */
static void row_beside_criterion(void) {
    static const char *const ours[] = {BENCH_RIVALS "/many", "--list", NULL};
    static const char *const rival[] = {BENCH_RIVALS "/rival_criterion_many", "--list", NULL};
    double ours_ms[ROUNDS];
    double rival_ms[ROUNDS] = {0};
    bool has_rival = access(rival[0], X_OK) == 0;
    if (has_rival) {
        check_list(BENCH_RIVALS "/rival_criterion_many --list 2>&1", 8000);
    }
    for (int i = 0; i < ROUNDS; i++) {
        ours_ms[i] = run_ms(ours);
        rival_ms[i] = has_rival ? run_ms(rival) : 0;
    }
    bench_row("8000 tests listed, to Criterion", median_ms(ours_ms), median_ms(rival_ms), "ms",
              (struct bench_budget){1, 0, ""});
}

/* The first titles of the program as one filter. */
static void read_titles(char filter[FILTER_MAX]) {
    char line[512];
    size_t length = (size_t)snprintf(filter, FILTER_MAX, "--filter=");
    FILE *list = popen(BENCH_RIVALS "/many --list", "re");
    for (int i = 0; list != NULL && i < TITLES && fgets(line, sizeof line, list) != NULL; i++) {
        line[strcspn(line, "\n")] = ':';
        length += (size_t)snprintf(filter + length, FILTER_MAX - length, "%s", line);
        if (length >= FILTER_MAX) {
            fprintf(stderr, "bench_list: the filter is too long\n");
            exit(1);
        }
    }
    while (list != NULL && fgets(line, sizeof line, list) != NULL) { /* it must not die of a closed pipe */
    }
    if (list == NULL || pclose(list) != 0) {
        fprintf(stderr, "bench_list: no list\n");
        exit(1);
    }
}

int main(void) {
    static char filter[FILTER_MAX];
    static const char program[] = BENCH_RIVALS "/many";
    read_titles(filter);
    check_list(BENCH_RIVALS "/many --list", 8000);
    row("`PROGRAM --list`", (const char *const[]){program, "--list", NULL});
    row("`PROGRAM --gtest_list_tests`", (const char *const[]){program, "--gtest_list_tests", NULL});
    row("`--list` by a filter of 3000 titles", (const char *const[]){program, "--list", filter, NULL});
    row("`cupel test --list`", (const char *const[]){BENCH_BIN "/cupel", "test", "--list", program, NULL});
    row_beside_criterion();
    return fflush(stdout) == 0 ? 0 : 1;
}
