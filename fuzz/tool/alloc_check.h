/* cupel alloc check: what anybody's malloc promises, tried out. Each check runs in a process of its own, so that one
 * that crashes or hangs is a row of the report and not the end of it. */
#ifndef FUZZ_TOOL_ALLOC_CHECK_H
#define FUZZ_TOOL_ALLOC_CHECK_H

#include "fuzz/foreign.h"

#include <stdint.h>

enum check_result {
    CHECK_OK,     /* keeps the promise */
    CHECK_NOTE,   /* the standard leaves it open: what this library does */
    CHECK_FAILED, /* breaks it */
    CHECK_LACKS,  /* the library has no such function */
};

/* What a check says; goes back to the tool through a pipe. */
struct check_report {
    enum check_result result;
    char text[240];
};

struct check {
    const char *name;
    const char *sentence; /* what it should do */
    void (*run)(struct cupel_foreign *foreign, struct check_report *report);
};

/* Set the result; the first failure stays. */
void check_fail(struct check_report *report, const char *format, ...) CUPEL_PRINTF(2, 3);
void check_note(struct check_report *report, const char *format, ...) CUPEL_PRINTF(2, 3);
void check_lacks(struct check_report *report, const char *function);

/* The tables, ended by a NULL name. */
extern const struct check checks_of_conformance[];
extern const struct check checks_of_failure[];

struct fuzz_options {
    uint64_t seed;
    uint64_t runs; /* 0: until the time is over */
    int64_t time_ms;
    bool is_traced; /* prints every draw */
};

/* What a fuzzing process tells of itself, also when it died. */
struct fuzz_report {
    struct check_report check;
    uint64_t seed; /* of the run that is under way, or failed */
    uint64_t runs, operations, succeeded, refused;
    unsigned errno_findings;
};

/* Runs one check in a process of its own, at most timeout_ms. */
void check_isolated(const struct check *check, struct cupel_foreign *foreign, int64_t timeout_ms,
                    struct check_report *report);
/* Runs the operations fuzzer in a process of its own. */
void fuzz_isolated(struct cupel_foreign *foreign, const struct fuzz_options *options, struct fuzz_report *report);

#endif
