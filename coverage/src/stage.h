/* The folder in which gcov finds what it is to read: numbered pairs of notes and counters, side by side, because gcov
 * looks for both under one name. */
#ifndef COVERAGE_SRC_STAGE_H
#define COVERAGE_SRC_STAGE_H

#include "alloc/base/status.h"
#include "coverage/coverage.h"
#include "coverage/src/counters.h"
#include "coverage/src/paths.h"

/* One object of the build. */
struct cupel__object {
    char *notes; /* absolute path */
    struct cupel__head head;
    char *counters[CUPEL_COVER_CLASSES]; /* of each class; NULL where it has none */
};

struct cupel__stage {
    struct cupel_allocator *allocator;
    struct cupel__object *objects; /* sorted by path of the notes */
    size_t count;
    char folder[CUPEL__PATH_MAX / 2]; /* "": none yet */
    bool is_kept;
};

/* Finds the notes below a build folder and their counters below an evidence folder, and checks each head against the
 * version of gcov. The same statuses as cupel_capture. */
enum cupel_status cupel__stage_find(struct cupel__stage *stage, const char *build, const char *evidence,
                                    const struct cupel__compiler *gcov, struct cupel_error *error);
/* Makes the folder (`kept`, or a temporary one where NULL) with the notes. */
enum cupel_status cupel__stage_open(struct cupel__stage *stage, const char *kept, struct cupel_error *error);
/* Puts the counters there: the sum over all classes, or those of one. `paths` gets the names to give to gcov: of all
 * objects for the sum, of those that ran for a class. */
enum cupel_status cupel__stage_fill(struct cupel__stage *stage, unsigned class_id, struct cupel__paths *paths,
                                    struct cupel_error *error);
/* Removes the folder, unless it is kept, and frees. A zeroed struct is allowed. */
void cupel__stage_deinit(struct cupel__stage *stage);

#endif
