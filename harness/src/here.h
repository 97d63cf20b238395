/* Running tests in the runner's own process, for --isolate=none and tests that ask for it. Nothing protects the runner
 * here: a crash is the run's end, and a time limit can only end it with a message. */
#ifndef HARNESS_SRC_HERE_H
#define HARNESS_SRC_HERE_H

#include "harness/result.h"
#include "harness/src/plan.h"

/* Standard output and error go to the capture file (-1: stay) between these. */
void cupel__here_begin(int output);
void cupel__here_end(void);
/* Runs one item, output included in the record where it is to be shown. */
void cupel__here_run(const struct cupel__plan_item *item, struct cupel_result *result);
/* True once the user asked to stop. */
bool cupel__here_is_interrupted(void);

/* True once a test failed, or was allowed to leak, in this process. */
bool cupel__here_has_lost_memory(void);

#endif
