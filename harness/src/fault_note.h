/* Where the request was that a fault refused, and where its process then died: noted when it happens, in memory that
 * outlives the process, so that those who tell of a crash have it too. */
#ifndef HARNESS_SRC_FAULT_NOTE_H
#define HARNESS_SRC_FAULT_NOTE_H

#include "alloc/failing.h"
#include "harness/result.h"

/* Runs behind one that left blocks, each of which left more, until so many came to the same fault as the one before:
 * what is kept bit by bit, each refused once, comes to its end before; what is lost does not. */
enum { CUPEL__LEFT_RUNS_MAX = 64, CUPEL__LEFT_RUNS_ALIKE = 4 };

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
/* True where both runs came to the same first fault, or to none: a run that was refused something else is no repetition
 * of the one before it. */
bool cupel__fault_is_same(const struct cupel_failing *one, const struct cupel_failing *other);
/* "it ended here:" and "the request that failed:", each with its frames up to the test's own, below which is only the
 * runner; "" where neither is known. Good in processes with the modules of the one that took it. Takes the loader's
 * lock. */
void cupel__fault_note_text(const struct cupel__fault_note *note, char *text, size_t size);
void cupel__fault_note_add(const struct cupel__fault_note *note, struct cupel_text *messages);
/* A stack as lines; as snprintf. */
int cupel__fault_note_stack(const void *const frames[], unsigned count, char *text, size_t size);

#endif
