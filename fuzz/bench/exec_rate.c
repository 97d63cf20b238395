/* How many inputs a second the body alloc_ops runs, against the same work written by hand: both in one process, as
 * libFuzzer would call them, over the same inputs, in turns. Built with the flags of the fuzz variant; the by-hand code
 * is left uninstrumented as the body's own core is, which is the stricter rival. */
#include "fuzz/bench/by_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The executable of alloc_ops, but for the engine. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* As engines have it: an impossible request gives NULL. */
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

enum { INPUTS = 500, LENGTH = 256, ROUNDS = 25, PASSES = 4 };

static uint8_t inputs[INPUTS][LENGTH];

/* Of this process alone, so that what else runs on the machine disturbs less. */
static int64_t cpu_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nanoseconds of processor time an input. */
static double measure(int (*run)(const uint8_t *, size_t)) {
    int64_t start_ns = cpu_ns();
    for (unsigned pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < INPUTS; i++) {
            (void)run(inputs[i], LENGTH);
        }
    }
    return (double)(cpu_ns() - start_ns) / (PASSES * INPUTS);
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof values[0], compare);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv) {
    double ours[ROUNDS];
    double rival[ROUNDS];
    double ratio[ROUNDS];
    uint64_t state = 1;
    for (size_t i = 0; i < INPUTS; i++) {
        for (size_t j = 0; j < LENGTH; j++) {
            state = state * 6364136223846793005 + 1442695040888963407;
            inputs[i][j] = j + 3 < LENGTH ? (uint8_t)(state >> 56) : 0;
        }
    }
    (void)LLVMFuzzerInitialize(&argc, &argv);
    (void)measure(LLVMFuzzerTestOneInput);
    (void)measure(cupel__by_hand);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = measure(LLVMFuzzerTestOneInput);
        rival[i] = measure(cupel__by_hand);
        ratio[i] = rival[i] / ours[i];
    }
    (void)printf("| alloc_ops, executions a second, against the same by hand | %.0f/s | %.0f/s | %.0f %% | 97 %% |\n",
                 1e9 / median(ours), 1e9 / median(rival), 100 * median(ratio));
    return 0;
}
