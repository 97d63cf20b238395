/* Timing for benchmarks: rounds of both contenders in turn, so that a slow moment of the machine meets both, and the
 * median of each. */
#ifndef ALLOC_BENCH_MEASURE_H
#define ALLOC_BENCH_MEASURE_H

#include <stddef.h>

/* One round of work; `user` is the contender's. */
typedef void (*measure_round)(void *user);

struct measure_contender {
    measure_round run;
    void *user;
    double median_ns; /* of one round; the result */
};

/* Runs `rounds` (odd, at most 501) rounds of each contender in turn, after a round of each that is not counted. CPU
 * time of this thread, so that other processes disturb it little. */
void measure(struct measure_contender *contenders, size_t count, size_t rounds);

/* Prints "| what | ours | rival | ratio | budget |". */
void measure_row(const char *what, double ours, double rival, const char *unit, const char *budget);

/* Makes the compiler believe that the block is used. */
static inline void measure_keep(const void *block) {
    __asm__ volatile("" : : "r"(block) : "memory");
}

#endif
