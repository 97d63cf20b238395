/* The evidence of a run: which class each execution belongs to. Without instrumentation these do nothing. */
#ifndef HARNESS_SRC_EVIDENCE_H
#define HARNESS_SRC_EVIDENCE_H

#include "harness/result.h"

/* Once in the supervisor, before the first fork: shares the counters with the workers to come. */
void cupel__evidence_start(void);
/* Around each test or fault, in the process that runs it. */
void cupel__evidence_begin(enum cupel_evidence evidence);
void cupel__evidence_end(void);
/* Once in the supervisor, after the last worker is gone. */
void cupel__evidence_finish(void);

#endif
