/* What the repeats of each test of a run came to, and what is to be said of it at the end: which tests failed in some
 * and passed in others, how often, and which perturbation that follows; and which ones leave more behind each time. */
#ifndef HARNESS_SRC_FLAKES_H
#define HARNESS_SRC_FLAKES_H

#include "harness/result.h"
#include "harness/src/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* Of one entry of the plan. */
struct cupel__tally {
    uint64_t runs, failures; /* those that were skipped are no runs */
    uint64_t first_repeat;   /* that failed: the lowest */
    uint32_t perturb;        /* the mask of the run */
    enum cupel_verdict verdict;
    int64_t longest_ns, shortest_ns;
    /* Of runs that passed, but for the first in each process, which may fill what is kept for good (growth.h). */
    uint64_t settled;
    int64_t bytes, descriptors;
    uint64_t grew_bytes, grew_descriptors; /* runs that left more than they found */
};

enum { CUPEL__GROWTH_SETTLED_MIN = 12 }; /* runs that growth is judged by */

/* Begins to count; does nothing in runs where nothing is repeated. The plan is borrowed. False when out of memory. */
bool cupel__flakes_begin(const struct cupel__plan *plan);
void cupel__flakes_note(const struct cupel_result *result);
/* Adds what one run left. */
void cupel__tally_growth(struct cupel__tally *tally, const struct cupel_result *result);
/* Hands a record of each flaky test (cupel_result_is_flake_summary) and of each that grows, which is a failure, to
 * `take`. Finds out what flakes follow by running them again, where the run wants that and was not interrupted. Frees
 * what was counted. */
void cupel__flakes_end(bool is_interrupted, void (*take)(const struct cupel_result *result));

/* bisect.c: runs the failing repeat again with parts of what was varied, and writes what the failure follows: the names
 * of dimensions, or why none can be named (see follows.h). As snprintf. */
int cupel__bisect(const struct cupel__plan *plan, uint32_t entry, const struct cupel__tally *tally, char *text,
                  size_t size);

/* growth_again.c: runs a test alone and unvaried in a fresh process, and replaces the tally by what it left there.
 * False where that failed, or could not be. */
bool cupel__growth_again(const struct cupel__plan *plan, uint32_t entry, struct cupel__tally *tally);

#endif
