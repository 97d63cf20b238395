/* What a process holds: live bytes of malloc, and open descriptors. Taken before and after each run of a repeated test,
 * the difference is what that run left; a test that leaves something every time grows without end, though each time it
 * is too little to be a leak of anybody's. */
#ifndef HARNESS_SRC_GROWTH_H
#define HARNESS_SRC_GROWTH_H

#include "harness/src/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct cupel__growth {
    int64_t bytes;
    int64_t descriptors; /* among the lowest free ones and some above: that is where what is left open is */
};

/* Whether that test ran some times in this process before, so that what it and malloc keep for good is there; never
 * where the repeats vary memory. Counts the call. */
bool cupel__growth_has_settled(const struct cupel__plan_item *item);
/* As it is now. Costs some microseconds. */
struct cupel__growth cupel__growth_measure(void);

#endif
