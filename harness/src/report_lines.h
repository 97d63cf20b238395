/* Lines that texts of both kinds share. */
#ifndef HARNESS_SRC_REPORT_LINES_H
#define HARNESS_SRC_REPORT_LINES_H

#include "harness/src/report.h"

#include <stdio.h>

/* Each line of the text behind the margin; lines without end are cut, and that is said. */
void cupel__print_indented(FILE *out, const struct cupel_text *text, const char *margin);
void cupel__print_lines(FILE *out, const char *text, const char *margin);
/* The same of what a failed test printed, where the middle of many lines is left out, with their number. */
void cupel__print_output(FILE *out, const struct cupel_text *text, const char *margin);
/* The last lines of a text: what had nothing to starve, and the totals in their one form. */
void cupel__print_last(FILE *out, const struct cupel__totals *totals);

#endif
