/* What became of a test whose process ended before it did: a crash, a hang, or the end that it had announced. */
#ifndef HARNESS_SRC_OBITUARY_H
#define HARNESS_SRC_OBITUARY_H

#include "harness/result.h"
#include "harness/src/fault_note.h"
#include "harness/src/plan.h"

enum cupel__death_cause {
    CUPEL__DEATH_OWN,     /* by itself */
    CUPEL__DEATH_TIMEOUT, /* killed: too long */
    CUPEL__DEATH_OUTPUT,  /* killed: printed too much */
};

/* Completes the record of a test from its wait status, what it printed (`output`: capture file, or -1), and the fault
 * that it met. */
void cupel__obituary(const struct cupel__plan_item *item, int status, enum cupel__death_cause cause, int output,
                     const struct cupel__fault_note *fault_note, struct cupel_result *result);

/* Adds a line that says how a worker ended. */
void cupel__obituary_describe(int status, struct cupel_result *result);

#endif
