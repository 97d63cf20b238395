/* What two values differ in, in words and pictures: for numbers the distance, for strings and memory the place. */
#ifndef HARNESS_SRC_DIFFERENCE_H
#define HARNESS_SRC_DIFFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* Each writes into `text` of `size` bytes, always terminated. */

/* A signed or unsigned number; with its hexadecimal form where it is large. */
void cupel__show_int(int64_t value, char *text, size_t size);
void cupel__show_uint(uint64_t value, char *text, size_t size);
/* Both strings around their first difference, escaped, with a mark below it. */
void cupel__show_strings(const char *actual, const char *expected, char *text, size_t size);
/* One string, escaped and quoted, cut where it is long; NULL is shown as such. */
void cupel__show_string(const char *value, char *text, size_t size);
/* Hex rows of both blocks around their first differing byte, and how many differ. */
void cupel__show_memory(const void *actual, const void *expected, size_t length, char *text, size_t size);

#endif
