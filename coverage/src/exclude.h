/* Lines that the author of a source excluded from coverage, by lcov's markers with an optional reason. */
#ifndef COVERAGE_SRC_EXCLUDE_H
#define COVERAGE_SRC_EXCLUDE_H

#include "coverage/coverage.h"

/* Reads the source text and adds its exclusions to the file. False, with the line, where a marked region never stops.
 */
bool cupel__exclusions_read(struct cupel_coverage *coverage, struct cupel_cover_file *file, const char *text,
                            size_t length, struct cupel_error *error);

#endif
