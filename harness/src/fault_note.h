/* Where the request was that a fault refused: noted when it is refused, in memory that outlives the process, so that
 * those who tell of a crash have it too. */
#ifndef HARNESS_SRC_FAULT_NOTE_H
#define HARNESS_SRC_FAULT_NOTE_H

#include "alloc/failing.h"
#include "harness/result.h"

struct cupel__fault_note {
    unsigned frame_count; /* 0: no fault fired */
    const void *frames[CUPEL_FAULT_FRAMES_MAX];
};

/* The stack of the layer's first fault into cupel__run.fault_note: for cupel_failing.on_first. */
void cupel__fault_note_take(const struct cupel_failing *failing);
/* "the request that failed:" and the frames up to the test's own, below which is only the runner; "" where no fault
 * fired. Good in processes with the modules of the one that took it. Takes the loader's lock. */
void cupel__fault_note_text(const struct cupel__fault_note *note, char *text, size_t size);
void cupel__fault_note_add(const struct cupel__fault_note *note, struct cupel_text *messages);

#endif
