/* The running test of this process: what checks, the allocator of the test, properties and sweeps share. There is one;
 * its messages go to a result record that may lie in memory shared with a supervisor.
 *
 * Whoever runs bodies (execute.c, properties, sweeps, engine targets) does, for each run of a body:
 *
 *     cupel__run_layers(faults, tracking);               a fresh stack of allocator layers, counts at zero
 *     outcome = cupel__run_guarded(body, user);          runs it; REQUIRE, skip and STARVED come back here
 *     if (outcome != CUPEL__STOPPED) { cupel__run_balance(); }      a leak becomes a failure
 *
 * To run bodies silently (shrinking), point `result` at a scratch record and put it back. */
#ifndef HARNESS_SRC_RUN_H
#define HARNESS_SRC_RUN_H

#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/perturbing.h"
#include "alloc/tracking.h"
#include "harness/harness.h"
#include "harness/result.h"
#include "harness/src/fault_note.h"
#include "harness/src/plan.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum cupel__outcome {
    CUPEL__ENDED,   /* the body came to its end (soft checks may have failed) */
    CUPEL__STOPPED, /* a fatal check failed; what it held is lost, so it is not checked for leaks */
    CUPEL__SKIPPED, /* cupel_test_skip; the reason is in the record */
    CUPEL__STARVED, /* STARVED(true) where a fault had been injected: the right way out */
};

struct cupel__run {
    const struct cupel__plan_item *item; /* NULL outside a run (engine targets have none) */
    struct cupel_result *result;         /* where messages go; never NULL after the first run began */
    const struct cupel_result *shared;   /* the record that children of this process write into too; NULL: none */
    bool is_silent;                      /* nobody reads `result`: what is said is said again, or of no interest */
    unsigned failures;                   /* of this body; atomic access, checks may come from any thread */
    bool has_leaked;                     /* set by cupel__run_balance and cupel__case_run */
    bool is_guarded;                     /* `target` may be jumped to */
    pthread_t thread;                    /* that runs the body */
    pid_t process;                       /* that runs the body */
    jmp_buf target;
    /* The stack: counting -> [tracking] -> [failing] -> [perturbing] -> root, in this fixed storage. */
    struct cupel_allocator *allocator;
    struct cupel_allocator *root; /* NULL: the C library */
    struct cupel_counting counting;
    struct cupel_tracking tracking;
    struct cupel_failing failing;
    struct cupel_perturbing perturbing;
    struct cupel_perturbing_options memory; /* of a perturbed repeat; all zero: none */
    bool is_perturbing;
    struct cupel__fault_note *fault_note; /* of the run of a body that goes on, or that was last; never NULL */
    /* For the failing layer; NULL: none. Only those who sweep set it. */
    void (*on_request)(const struct cupel_failing *failing, const struct cupel_failing_event *event);
    bool is_swept;      /* the run is one of a sweep */
    bool looks_closely; /* at all that it may leave behind */
    bool is_tracking;
    enum cupel_verdict death; /* crash or hang, where a property's case ended its process; else ok */
    bool has_state_changed;   /* declared strong, and a call that starved changed the state */
    void (*on_failure)(void); /* called within each check that fails, before it goes on; NULL: none */
    bool is_failing;          /* a fault plan is armed: STARVED(true) is right once failing.injected is not 0 */
};

extern struct cupel__run cupel__run;

/* A fresh stack of layers. `faults` NULL: none are injected. */
void cupel__run_layers(const struct cupel_fault_plan *faults, bool tracking);
/* Calls body(user) and says how it ended. Failures are counted in cupel__run.failures, which it sets to 0 first. Does
 * not nest. */
enum cupel__outcome cupel__run_guarded(void (*body)(void *user), void *user);
/* Compares allocations with releases. Unbalanced: sets has_leaked, adds a message, returns false. */
bool cupel__run_balance(void);
/* After a second run with tracking: prints what was refused, and the blocks that are still live, unless
 * the refusals explain them. */
void cupel__run_print_leak(FILE *out);
/* Counts a failure; where `fatal` it does not come back. Called by cupel__fail after the message is in the record. */
void cupel__run_failed(bool fatal);
/* Adds a message to the record, after the notes that led to it; counts nothing. `file` NULL: no place. */
void cupel__run_say(const char *file, unsigned line, const char *format, va_list arguments);

#endif
