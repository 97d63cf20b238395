/* The supervisor: single-threaded, it forks workers, reads their records, kills what hangs or prints without end, and
 * tells what became of those that died. */
#ifndef HARNESS_SRC_SUPERVISE_H
#define HARNESS_SRC_SUPERVISE_H

#include "alloc/base/message.h"
#include "harness/result.h"
#include "harness/src/execute.h"
#include "harness/src/plan.h"

#include <stdbool.h>

/* How a run ended, beside its records. */
struct cupel__run_end {
    bool is_interrupted;
    bool is_cut; /* stopped early: --fail-fast, --max-fail */
};

/* Runs the whole plan; every record goes to `take`, which returns false to stop the run. False and a text where the
 * machine does not give what is needed (processes, memory). */
bool cupel__supervise(struct cupel__plan *plan, bool (*take)(const struct cupel_result *result),
                      struct cupel__run_end *end, struct cupel_error *error);

#endif
