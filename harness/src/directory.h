/* The directory of the running test: made when first asked for, removed with all that is in it. */
#ifndef HARNESS_SRC_DIRECTORY_H
#define HARNESS_SRC_DIRECTORY_H

#include "harness/result.h"

/* Removes the directory that the record names, or, where `keep`, says in its messages where it is. The record names
 * none afterwards unless it is kept. Also for a supervisor, after its worker died. */
void cupel__directory_done(struct cupel_result *result, bool keep);

#endif
