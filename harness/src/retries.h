/* Tests that failed, once more: held back from the reports until it is known whether they pass. */
#ifndef HARNESS_SRC_RETRIES_H
#define HARNESS_SRC_RETRIES_H

#include "harness/result.h"
#include "harness/src/plan.h"

#include <stdbool.h>

/* Keeps a copy of a failure that is to be retried; false where this one is not, or where too many are kept. */
bool cupel__retries_hold(const struct cupel__plan *plan, const struct cupel_result *result);
/* Runs what is kept, up to the run's number of retries each, and hands a record of each to `take`: where it passed,
 * that of a test that passed, with what its tries came to and what its first failure said; else that failure. */
void cupel__retries_run(const struct cupel__plan *plan, bool is_interrupted,
                        void (*take)(const struct cupel_result *result));

#endif
