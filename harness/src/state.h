/* Which tests failed in the last run of this program: one title a line in a file beside the reports, for
 * --rerun-failed. */
#ifndef HARNESS_SRC_STATE_H
#define HARNESS_SRC_STATE_H

#include "alloc/base/message.h"
#include "harness/result.h"

#include <stdbool.h>

/* Reads the file, before anything else here. A missing file is none that failed. */
bool cupel__state_load(const char *program, struct cupel_error *error);
bool cupel__state_has_failed(const char *title);
/* Notes a record; of several with one title, a failure counts. */
void cupel__state_note(const struct cupel_result *result);
/* Writes the file: what failed, and what had failed and was not run now. */
bool cupel__state_save(const char *program, struct cupel_error *error);
void cupel__state_deinit(void);

#endif
