/* Capture: from the compiler's notes and a run's counters, through gcov, to the model.
 *
 * The notes (.gcno) lie in the build tree beside the objects; the counters (.gcda) in the evidence folder, one folder a
 * class, each below it at the absolute path of its object. Objects that never ran count with zeros. Everything is
 * checked before gcov sees it, because gcov goes on where its input does not fit together. */
#ifndef COVERAGE_CAPTURE_H
#define COVERAGE_CAPTURE_H

#include "alloc/base/status.h"
#include "coverage/coverage.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_capture_options {
    const char *root;            /* of the sources; what is outside is left out */
    const char *build;           /* where the notes are */
    const char *evidence;        /* where the classes' folders are */
    const char *variant;         /* its name in the model */
    const char *gcov;            /* program; NULL: gcov */
    const char *const *excluded; /* shell patterns on paths relative to the root */
    size_t excluded_count;
    bool allow_stale;  /* sources newer than their objects are marked, not refused */
    const char *stage; /* keep the files given to gcov in this folder, which must be new or empty; NULL: do not */
};

struct cupel_capture_result {
    size_t objects, objects_run, sources, stale_sources;
};

/* Adds a variant's coverage to the model and finishes it. CUPEL_OK; CUPEL_NOTHING where there are no notes or no
 * counters; CUPEL_USAGE where they are stale, corrupt, of another compiler, or do not belong together; CUPEL_LACKING
 * where gcov or jansson is missing; CUPEL_OUTPUT where the staging folder cannot be written. Else than CUPEL_OK the
 * text says what to do and begins with the file, where there is one. `result` may be NULL. Starts processes. */
enum cupel_status cupel_capture(struct cupel_coverage *coverage, const struct cupel_capture_options *options,
                                struct cupel_capture_result *result, struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
