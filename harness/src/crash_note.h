/* The call stack of a fatal signal, noted by the process that dies of it. */
#ifndef HARNESS_SRC_CRASH_NOTE_H
#define HARNESS_SRC_CRASH_NOTE_H

#include "harness/src/fault_note.h"

/* From here on a signal that ends this process leaves its stack in note->death_frames (borrowed: shared memory, until
 * the process ends). Signals that something handles already, as sanitizers do, go on to that. For processes
 * that were forked to run what may crash; called again, further deaths are noted there. The handlers run on a stack of
 * their own; they take no lock with glibc 2.35 and later. */
void cupel__crash_note_begin(struct cupel__fault_note *note);

#endif
