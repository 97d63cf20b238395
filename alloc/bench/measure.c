/* Timing for benchmarks: see measure.h. */
#include "alloc/bench/measure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS_MAX = 501, CONTENDERS_MAX = 16 };

static double now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void measure(struct measure_contender *contenders, size_t count, size_t rounds) {
    static double times[CONTENDERS_MAX][ROUNDS_MAX];
    assert(count <= CONTENDERS_MAX);
    assert(rounds <= ROUNDS_MAX);
    for (size_t i = 0; i < count; i++) {
        contenders[i].run(contenders[i].user);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            double start = now_ns();
            contenders[i].run(contenders[i].user);
            times[i][round] = now_ns() - start;
        }
    }
    for (size_t i = 0; i < count; i++) {
        qsort(times[i], rounds, sizeof times[i][0], compare);
        contenders[i].median_ns = times[i][rounds / 2];
    }
}

void measure_row(const char *what, double ours, double rival, const char *unit, const char *budget) {
    printf("| %s | %.1f %s | %.1f %s | %.2f | %s |\n", what, ours, unit, rival, unit, ours / rival, budget);
}
