/* What outlives a run, where the run was asked for it: failing inputs as regressions and as tests in C, and the inputs
 * of tests as seeds of a corpus. */
#ifndef HARNESS_SRC_KEEP_H
#define HARNESS_SRC_KEEP_H

#include "harness/harness.h"
#include "harness/src/property.h"

/* --write-regressions and --write-test: keeps the failing input in both forms, as far as the run was asked to, and says
 * in `messages` where; or why it could not. */
void cupel__keep_failing_input(const struct cupel__failing_input *input, struct cupel_text *messages);

#endif
