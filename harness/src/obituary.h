/* What became of a test whose process ended before it did: a crash, a hang, or the end that it had announced. */
#ifndef HARNESS_SRC_OBITUARY_H
#define HARNESS_SRC_OBITUARY_H

#include "harness/result.h"
#include "harness/src/fault_note.h"
#include "harness/src/last_words.h"
#include "harness/src/limits.h"
#include "harness/src/plan.h"

enum cupel__death_cause {
    CUPEL__DEATH_OWN,     /* by itself */
    CUPEL__DEATH_TIMEOUT, /* killed: too long */
    CUPEL__DEATH_OUTPUT,  /* killed: printed too much */
    CUPEL__DEATH_MEMORY,  /* killed: took too much */
    CUPEL__DEATH_STOPPED, /* killed: had stopped itself */
};

/* What is known of the death. */
struct cupel__death_facts {
    int status; /* as wait gives it */
    enum cupel__death_cause cause;
    const char *executed; /* name of the program that it had become; "": it had not */
    int stop_signal;      /* where the cause is CUPEL__DEATH_STOPPED */
    int64_t memory_bytes; /* where it is CUPEL__DEATH_MEMORY: by how much it grew */
    int output;           /* capture file, or -1 */
    const struct cupel__fault_note *fault_note;
    const struct cupel__last_words *last_words;
    const struct cupel__limits *limits;
};

/* Completes the record of a test whose process died. */
void cupel__obituary(const struct cupel__plan_item *item, const struct cupel__death_facts *facts,
                     struct cupel_result *result);

/* Adds a line that says how a worker ended. */
void cupel__obituary_describe(int status, struct cupel_result *result);

#endif
