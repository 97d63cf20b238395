/* The directory of a run, and in it those of its tests: made when first asked for, removed with all that is in them.
 * The run's own is what makes sure of that: a process that died could not remove what it had made, and so the runner
 * removes, at its end, all that is not marked as kept. */
#ifndef HARNESS_SRC_DIRECTORY_H
#define HARNESS_SRC_DIRECTORY_H

#include "harness/result.h"

/* Makes the directory of the run, under TMPDIR (default: /tmp), unless it is made already. Where that cannot be, the
 * tests that ask for directories say so. Not thread-safe, as all here. */
void cupel__directory_begin_run(void);
/* Its path, for workers that execute the program anew, and what they do with it; "" where there is none. */
const char *cupel__directory_of_run(void);
void cupel__directory_adopt(const char *path);
/* Removes it but for what is kept; a no-op in processes that only inherited it. */
void cupel__directory_end_run(void);

/* In a worker: the directory of temporary files that is its own, empty; TMPDIR names it from now on. The worker before
 * it in this slot may have left one. NULL: there is none. */
const char *cupel__directory_of_worker(unsigned slot);

/* Removes the directory that the record names, or, where `keep`, says in its messages where it is. The record names
 * none afterwards unless it is kept. Also for a supervisor, after its worker died. */
void cupel__directory_done(struct cupel_result *result, bool keep);

#endif
