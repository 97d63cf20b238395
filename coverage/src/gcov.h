/* Running gcov and reading what it says. */
#ifndef COVERAGE_SRC_GCOV_H
#define COVERAGE_SRC_GCOV_H

#include "coverage/coverage.h"
#include "coverage/src/counters.h"
#include "coverage/src/paths.h"

#include <stdio.h>

/* Asks a gcov for its version. False where it cannot be run or says none (the text names it). */
bool cupel__gcov_version(const char *gcov, struct cupel__compiler *version, struct cupel_error *error);

/* Runs `gcov -j -t -b` on paths, in portions, with the JSON documents, one a line, appended to `out` and what it says
 * on standard error to `messages`. False where it cannot be run or fails. */
bool cupel__gcov_run(const char *gcov, const struct cupel__paths *paths, FILE *out, FILE *messages,
                     struct cupel_error *error);

/* Which sources a document may add to the model. */
struct cupel__sources {
    const char *root;            /* absolute and plain: paths below it are kept relative, others are left out */
    const char *const *excluded; /* shell patterns on relative paths */
    size_t excluded_count;
};

/* One document of gcov's JSON into the model, with its counts in one class or CUPEL_COVER_TOTAL. `number` becomes the
 * number in the name of the data file, "/folder/12.gcda". For each source of a document `found` is asked, with its path
 * relative to the root, whether to take it. False with a text; where the build has no jansson, always. */
bool cupel__gcov_read(struct cupel_coverage *coverage, const struct cupel__sources *sources, uint32_t variant,
                      unsigned class_id, const char *line, size_t length,
                      bool (*found)(void *user, size_t number, const char *path), void *user,
                      struct cupel_error *error);
/* Whether this build can read JSON. */
bool cupel__gcov_can_read(void);

#endif
