/* SHA-1 of a piece of memory, as 40 lower-case hexadecimal digits: the name of an input, the same that libFuzzer gives.
 * FIPS 180-4. A name, not a protection. */
#ifndef FUZZ_SRC_SHA1_H
#define FUZZ_SRC_SHA1_H

#include <stddef.h>

enum { CUPEL__SHA1_TEXT = 41 };

void cupel__sha1(const void *data, size_t length, char text[CUPEL__SHA1_TEXT]);

#endif
