/* The compiler's own files, as far as they must be understood before gcov is trusted with them: the heads of a notes
 * file
 * (.gcno) and a counter file (.gcda), and the sum of several counter files of one object. gcov goes on without a word,
 * or with one on standard error, where they do not belong together. */
#ifndef COVERAGE_SRC_COUNTERS_H
#define COVERAGE_SRC_COUNTERS_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A compiler's version as its files tell it: 12.2 is {12, 2}. */
struct cupel__compiler {
    unsigned major, minor;
};

struct cupel__head {
    uint32_t version; /* as it stands there */
    uint32_t stamp;   /* of the compilation: equal in a notes file and its counter files */
    struct cupel__compiler compiler;
};

/* Reads the head of a notes file. False and a text that begins with the path where it is none. */
bool cupel__notes_head(const char *path, struct cupel__head *head, struct cupel_error *error);
/* "12.2" or, for what clang writes, "4.8 (as clang writes)"; into `text`. */
void cupel__compiler_name(const struct cupel__compiler *compiler, char *text, size_t size);

/* Writes the sum of counter files of one object to a stream, checking each from first to last byte: that it belongs to
 * the notes file of that head, that it is whole, and that all have the same functions. False and a text that begins
 * with the path of the bad one and says what to do. `count` is 1 to CUPEL__COUNTERS_MAX. */
enum { CUPEL__COUNTERS_MAX = 8 };
bool cupel__counters_sum(struct cupel_allocator *allocator, const char *const paths[], size_t count,
                         const struct cupel__head *notes, FILE *out, struct cupel_error *error);

#endif
