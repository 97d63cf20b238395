/* One run of a property's body on one input, in this process, and what came of it. */
#ifndef HARNESS_SRC_CASE_H
#define HARNESS_SRC_CASE_H

#include "harness/harness.h"
#include "harness/src/run.h"

struct cupel__case {
    const struct cupel_test *property;
    const uint8_t *data;
    size_t length;
    const struct cupel_fault_plan *faults; /* NULL: those of the input's own trailer, if any */
    bool is_tracking;       /* know where each block comes from: slower, for the last run before a report */
    cupel_draw_trace trace; /* NULL: none */
    void *trace_user;
    /* What came of it. */
    enum cupel__outcome outcome;
    unsigned failures;
    bool has_leaked;
    bool has_left_behind;   /* something beside memory */
    bool has_state_changed; /* declared strong, and a call that starved changed the state */
    uint64_t calls;         /* requests that could have failed */
    uint64_t injected;      /* faults, benign ones not counted */
    uint64_t injected_benign;
    uint64_t moved;  /* blocks that a fault with `move` gave a new address */
    bool is_faulted; /* a plan was in force, and not an empty one */
};

/* Runs it. Messages go to cupel__run.result: to be silent, see cupel__case_silence. */
void cupel__case_run(struct cupel__case *one);
/* True where the case failed: checks, a leak, a state that changed. */
bool cupel__case_has_failed(const struct cupel__case *one);

/* The verdict of that case: ok, skipped, wrong, leak, state-changed, and with faults swallowed and not-reached. Adds
 * words for those of faults to cupel__run.result. */
enum cupel_verdict cupel__case_verdict(const struct cupel__case *one);

/* Points cupel__run.result at a scratch record until cupel__case_speak puts it back. Does not nest. */
void cupel__case_silence(void);
void cupel__case_speak(void);

/* In a child process: what the body prints is thrown away, and it leaves no core file. */
void cupel__child_silence(void);

#endif
