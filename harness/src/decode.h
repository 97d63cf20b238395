/* Shows an input of a property to people: as the values that it draws, as a string, as a ready C test. */
#ifndef HARNESS_SRC_DECODE_H
#define HARNESS_SRC_DECODE_H

#include "harness/harness.h"

#include <stdio.h>

/* Runs the body on the input and prints each draw as "label = value", sub-streams indented. The run is in a child
 * process with its output thrown away, so a body that crashes, hangs (cut after some seconds) or fails shows its draws
 * up to there; a last line then says so. */
void cupel__decode_draws(FILE *out, const struct cupel_test *property, const uint8_t *data, size_t length);

/* The input as one C string literal, octal escapes, no line end. */
void cupel__decode_literal(FILE *out, const uint8_t *data, size_t length);

/* The input as a C test, ready to paste into the file of the property or another. */
void cupel__decode_test(FILE *out, const struct cupel_test *property, const uint8_t *data, size_t length);

/* A name for an input: 16 hexadecimal digits of a hash of its bytes (FNV-1a). */
uint64_t cupel__decode_hash(const uint8_t *data, size_t length);

#endif
