/* What a process holds: live bytes of malloc, and open descriptors. Taken before and after each run of a repeated test,
 * the difference is what that run left; a test that leaves something every time grows without end, though each time it
 * is too little to be a leak of anybody's. */
#ifndef HARNESS_SRC_GROWTH_H
#define HARNESS_SRC_GROWTH_H

#include "harness/result.h"
#include "harness/src/plan.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__GROWTH_WARM_UP = 8 }; /* runs in a process that say nothing of growth */

struct cupel__growth {
    int64_t bytes;
    int64_t descriptors; /* or, with an older kernel, those among the lowest free ones and some above */
};

/* As it is now. About 1 us. */
struct cupel__growth cupel__growth_measure(void);
/* Whether what repeats leave is a suspicion only: where the order is shuffled, or memory and process vary, the caches
 * of malloc fill for long, and count as live. Whoever is suspected runs alone, unvaried, in a fresh process, and is
 * judged by that (flakes.c). */
bool cupel__growth_is_rough(const struct cupel__settings *settings, uint32_t perturb);
/* After a run of that test: fills what it left into the record, and whether that may be growth: where the test ran some
 * times in this process before, so that what it and malloc keep for good is there; where it is a suspicion, once. What
 * it left is what the process holds more than before the run; unless it is a suspicion, or than after the last run of
 * the same test if that is less: one test may take what the next gives back. */
void cupel__growth_note(const struct cupel__plan_item *item, struct cupel__growth before, struct cupel_result *result);

#endif
