/* Tracefiles, the text that lcov and nearly every editor plugin speak.
 *
 * Read: the dialects of lcov 1.x (FN, FNDA, BRDA, DA) and 2.x (FN with an end line, FNL, FNA, BRDA with flags, MCDC,
 * VER, comments). Records that the model does not hold (TN, VER, MCDC, checksums, the sums LF to BRH) are checked and
 * dropped. Written: 1.x by default, because plugins read 2.x silently wrong or not at all; one section a source,
 * sorted, sums always there. Equal models give equal bytes. */
#ifndef COVERAGE_TRACEFILE_H
#define COVERAGE_TRACEFILE_H

#include "coverage/coverage.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits on what is read; beyond them is an error. A text may have up to SIZE_MAX / 2 bytes. */
enum {
    CUPEL_TRACEFILE_LINE_MAX = 1 << 20,            /* bytes of one line */
    CUPEL_TRACEFILE_SOURCE_LINES_MAX = 0x7fffffff, /* a line number of a source */
    CUPEL_TRACEFILE_FILE_MAX = 1 << 30,            /* bytes of a file */
};

/* Adds what a tracefile of `length` bytes says to the model (class total, variant ""). Paths below the model's root,
 * where that is set, become relative. Negative counts, which old tools wrote on overflow, become 0. False where the
 * text is no tracefile or ends within a section, with line and column, and where memory runs out (line 0): the model
 * then holds a part and is good for nothing but deinit. Call cupel_cover_finish afterwards. Time and memory are linear
 * in the length. */
bool cupel_tracefile_read(struct cupel_coverage *coverage, const char *text, size_t length, struct cupel_error *error);

/* The same from a file; "-" is not special. An unreadable file is an error without a line. */
bool cupel_tracefile_read_file(struct cupel_coverage *coverage, const char *path, struct cupel_error *error);

struct cupel_tracefile_options {
    int dialect;      /* 1 or 2; 0 is 1 */
    const char *root; /* put before relative paths; NULL: paths are written as they are */
    int class_id;     /* only what this class reached; 0 is everything, else CUPEL_COVER_UNIT + 1 and so on */
};

/* Writes a finished model. Write errors stay in the stream. */
void cupel_tracefile_write(const struct cupel_coverage *coverage, const struct cupel_tracefile_options *options,
                           FILE *stream);

#ifdef __cplusplus
}
#endif

#endif
