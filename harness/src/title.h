/* The name under which a test is selected, listed and told: suite.name, or suite.name/row. */
#ifndef HARNESS_SRC_TITLE_H
#define HARNESS_SRC_TITLE_H

#include <stddef.h>
#include <stdint.h>

/* Writes it, cut where `size` bytes are not enough; returns its whole length, as snprintf, at a tenth of the cost.
 * `row` CUPEL_NO_ROW: none. */
int cupel__title(const char *suite, const char *name, uint32_t row, char *text, size_t size);

#endif
