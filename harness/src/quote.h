/* Words as a shell takes them. */
#ifndef HARNESS_SRC_QUOTE_H
#define HARNESS_SRC_QUOTE_H

#include <stddef.h>

/* Writes the word as it stands where no shell would read it otherwise, else in single quotes; at most `size` bytes with
 * the final NUL, cut where it does not fit. Returns `text`. */
const char *cupel__quote(const char *word, char *text, size_t size);

#endif
