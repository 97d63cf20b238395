/* How each line of the program was reached: the run's counters, sorted by evidence class.
 *
 * Real in a build with counters (the gcov variant), empty functions elsewhere, so that the runner calls them always.
 * The supervisor calls start before its first fork and finish after its last worker; whoever runs a test or a fault
 * calls begin and end around it, in its own process. What runs outside of begin and end counts as `unit`. A process
 * that dies between begin and end, however it dies, has its counts since begin kept, as class `crash`; a child forked
 * by the code under test counts with the class it was forked in. Nothing is counted twice.
 *
 * The counts end in $CUPEL_EVIDENCE/CLASS/ (default: evidence/VARIANT beside the build tree), one .gcda an object,
 * added to what is there. Not for signal handlers, but for
 * flush where it is the last thing that a process does; begin, end and finish on one thread of a process at a time. A
 * call costs one pass over the counters. */
#ifndef HARNESS_SRC_EVIDENCE_H
#define HARNESS_SRC_EVIDENCE_H

#include "harness/result.h"

/* Shares the counters with all processes forked from here on. Once, while the process has one thread. */
void cupel__evidence_start(void);
/* What runs from here on, in this process and in those it forks, has this class. */
void cupel__evidence_begin(enum cupel_evidence evidence);
/* Back to `unit`. */
void cupel__evidence_end(void);
/* Before this process leaves by a way on which nothing is written (abort, _exit): writes what it counted so far. A
 * forked child need not: its counters are shared. */
void cupel__evidence_flush(void);
/* Writes all classes. Workers must be gone; what still lives is counted up to here. */
void cupel__evidence_finish(void);

#endif
