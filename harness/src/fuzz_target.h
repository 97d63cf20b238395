/* What an engine executable calls: one input into one property, and an abort where it fails. The same functions serve
 * libFuzzer, AFL++ in persistent mode and any other engine that calls LLVMFuzzerTestOneInput. */
#ifndef HARNESS_SRC_FUZZ_TARGET_H
#define HARNESS_SRC_FUZZ_TARGET_H

#include "harness/harness.h"

/* Once, before the first input. Reads CUPEL_FAULT: a plan under which every input then runs; a malformed one ends the
 * program with status 2. The arguments go through cupel__fuzz_limit(). Returns 0. */
int cupel__fuzz_initialize(const struct cupel_test *property, int *argc, char ***argv);

/* The first part of that. Where the property declares .longest and the engine is libFuzzer, its arguments get -max_len:
 * that, or the length of the longest input among the files and directories that they name, if it is longer; nothing
 * where they have -max_len. The arguments live as long as the process. Where --longest is the only one, prints
 * "longest" and what is declared (0: nothing) and ends the program: so that those who start other engines can tell
 * them. */
void cupel__fuzz_limit(const struct cupel_test *property, int *argc, char ***argv);

/* Runs the body on the input, under the plan of CUPEL_FAULT or of the input's own trailer. A failed check, a STARVED
 * that holds though no fault was injected, and blocks left behind print what failed and the input's draws, and abort.
 * Returns 0. Cost beside the body: some 20 ns, and 1 to 2 ns an allocation. */
int cupel__fuzz_one(const struct cupel_test *property, const uint8_t *data, size_t size);

#endif
