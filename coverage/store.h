/* cupel.json: all that is known, in one file. The format is described in coverage/doc/cupel-json.md. */
#ifndef COVERAGE_STORE_H
#define COVERAGE_STORE_H

#include "alloc/base/status.h"
#include "coverage/coverage.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_STORE_VERSION = 1, CUPEL_STORE_FILE_MAX = 1 << 30 };

/* Writes a finished model as JSON. Equal models give equal bytes. Write errors stay in the stream. */
void cupel_store_write(const struct cupel_coverage *coverage, FILE *stream);

/* Adds the model in a file, cupel.json or a tracefile as its first byte tells, and finishes. The root of a cupel.json
 * becomes the model's where it has none. CUPEL_OK; CUPEL_NOTHING where there is no such file; CUPEL_USAGE where it is
 * corrupt (with its line, where known); CUPEL_LACKING where it is JSON and this build has no jansson. */
enum cupel_status cupel_store_read(struct cupel_coverage *coverage, const char *path, struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
