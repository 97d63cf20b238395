/* A row of the benchmarks' table, with its budget and whether that was met: a rival that is not here is no budget met.
 */
#ifndef HARNESS_BENCH_ROW_H
#define HARNESS_BENCH_ROW_H

#include <stdio.h>

/* A figure may be at most `must`, and is aimed at `aim`; 0: there is none. */
struct bench_budget {
    double must, aim;
    const char *unit; /* "" for a ratio, " ms" */
};

static inline const char *bench_is_met(double value, double limit) {
    return value <= limit ? "met" : "MISSED";
}

static inline void bench_print_budget(double value, struct bench_budget budget) {
    if (budget.must == 0) {
        printf("reported |\n");
        return;
    }
    printf("%g%s: %s", budget.must, budget.unit, bench_is_met(value, budget.must));
    if (budget.aim != 0) {
        printf("; aim %g%s: %s", budget.aim, budget.unit, bench_is_met(value, budget.aim));
    }
    printf(" |\n");
}

/* Ours beside a rival's, which is 0 where it is not installed; the budget is of their ratio. */
static inline void bench_row(const char *what, double ours, double rival, const char *unit,
                             struct bench_budget budget) {
    if (rival <= 0) {
        printf("| %s | %.3f %s | not installed | - | %g: NOT MEASURED |\n", what, ours, unit, budget.must);
        return;
    }
    printf("| %s | %.3f %s | %.3f %s | %.4f | ", what, ours, unit, rival, unit, ours / rival);
    bench_print_budget(ours / rival, budget);
}

/* Ours alone; the budget is of the figure itself. */
static inline void bench_row_alone(const char *what, double ours, const char *unit, struct bench_budget budget) {
    printf("| %s | %.3f %s | - | - | ", what, ours, unit);
    bench_print_budget(ours, budget);
}

#endif
