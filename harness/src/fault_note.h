/* Where the request was that a fault refused, and where its process then died: noted when it happens, in memory that
 * outlives the process, so that those who tell of a crash have it too. */
#ifndef HARNESS_SRC_FAULT_NOTE_H
#define HARNESS_SRC_FAULT_NOTE_H

#include "alloc/failing.h"
#include "harness/result.h"

struct cupel__fault_note {
    unsigned frame_count; /* 0: no fault fired */
    const void *frames[CUPEL_FAULT_FRAMES_MAX];
    unsigned calls; /* of the request: see struct cupel_failing_event */
    size_t size, new_size, align;
    bool is_recovery;           /* the fault is over: its test runs once more without one */
    unsigned death_frame_count; /* 0: it did not die by a signal, or nobody looked */
    const void *death_frames[CUPEL_FAULT_FRAMES_MAX];
};

/* The layer's first fault. */
void cupel__fault_note_take(struct cupel__fault_note *note, const struct cupel_failing *failing);
/* "it ended here:" and "the request that failed:", each with its frames up to the test's own, below which is only the
 * runner; "" where neither is known. Good in processes with the modules of the one that took it. Takes the loader's
 * lock. */
void cupel__fault_note_text(const struct cupel__fault_note *note, char *text, size_t size);
void cupel__fault_note_add(const struct cupel__fault_note *note, struct cupel_text *messages);
/* A stack as lines; as snprintf. */
int cupel__fault_note_stack(const void *const frames[], unsigned count, char *text, size_t size);

#endif
