/* What an engine executable calls: one input into one property, and an abort where it fails. */
#ifndef HARNESS_SRC_FUZZ_TARGET_H
#define HARNESS_SRC_FUZZ_TARGET_H

#include "harness/harness.h"

int cupel__fuzz_initialize(const struct cupel_test *property, int *argc, char ***argv);
/* Runs the body on the input. A failed check, a leak or an unbalanced count prints what failed and aborts. Returns 0.
 */
int cupel__fuzz_one(const struct cupel_test *property, const uint8_t *data, size_t size);

#endif
