/* Text made without the C library's formatting: for signal handlers and for inside malloc. */
#ifndef ALLOC_SRC_TEXT_H
#define ALLOC_SRC_TEXT_H

#include "alloc/trace.h"

/* Where text goes; see cupel_trace_put. */
struct cupel__text {
    cupel_trace_put put;
    void *user;
};

/* True where the string is the word of that length. */
bool cupel__text_is(const char *string, const char *word, size_t length);
void cupel__text_string(const struct cupel__text *text, const char *string);
void cupel__text_decimal(const struct cupel__text *text, uint64_t number);
/* With a sign, "-3" or "5". */
void cupel__text_signed(const struct cupel__text *text, int64_t number);
/* "0x1f". */
void cupel__text_hex(const struct cupel__text *text, uint64_t number);
/* "1 byte", "2 bytes". */
void cupel__text_count(const struct cupel__text *text, uint64_t number, const char *unit);
/* A string of JSON, in quotes; bytes that are no printable ASCII are written as numbers. */
void cupel__text_json(const struct cupel__text *text, const char *string);

#endif
