/* Places that were not reached, and how they are printed: "file:line: words". */
#ifndef COVERAGE_SRC_PLACES_H
#define COVERAGE_SRC_PLACES_H

#include "coverage/coverage.h"

#include <stdio.h>

struct cupel__range {
    uint32_t first, last;
};

/* The next run of lines with code, all not excluded and none ever run; lines without code between them do not end it.
 * Start with a zeroed cursor. False at the end. */
bool cupel__next_uncovered(const struct cupel_cover_file *file, struct cupel_cover_cursor *cursor,
                           struct cupel__range *range);

void cupel__print_range(const struct cupel_cover_file *file, const struct cupel__range *range, FILE *out);
/* The branches of a row that were never taken; nothing where all were. */
void cupel__print_branches(const struct cupel_cover_file *file, const struct cupel_cover_row *row, FILE *out);
/* The functions that start within a range and were never called. */
void cupel__print_functions(const struct cupel_cover_file *file, const struct cupel__range *range, FILE *out);

#endif
