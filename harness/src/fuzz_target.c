/* One input into one body, as fast as a hand-written target: see fuzz_target.h. Nothing is allocated and nothing large
 * is cleared for an input; all that is slow waits until something failed. */
#include "harness/src/fuzz_target.h"

#include "harness/src/case.h"
#include "harness/src/decode.h"
#include "harness/src/directory.h"
#include "harness/src/evidence.h"
#include "harness/src/meter.h"
#include "harness/src/steady.h"

#include "alloc/base/message.h"
#include "alloc/base/status.h"
#include "alloc/libc.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The input that runs, for the report. */
static struct {
    const struct cupel_test *property;
    const uint8_t *data;
    size_t length;
} current;

static struct cupel_fault_plan environment_plan;
static struct cupel__meter meter;
static struct cupel_allocator *root; /* NULL: the C library */

/* Children of a fork server are other processes than the one that was initialised. */
static void note_process(void) {
    cupel__run.process = getpid();
}

/* LCOV_EXCL_START(in the fork server of an engine, which no variant with counters has) */
/* A fork server's child stops itself between inputs; where the server is killed it would stay so for ever. */
static void note_child(void) {
    note_process();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}
/* LCOV_EXCL_STOP */

/* Prints what failed and the draws of the input, and ends the process where the engine sees it. Called within the check
 * that failed, so that the stack of the abort is that of the failure. */
static _Noreturn void give_up(void) {
    static bool has_begun; /* a check on another thread may fail too: told once */
    if (__atomic_exchange_n(&has_begun, true, __ATOMIC_RELAXED)) {
        for (;;) {
            (void)pause();
        }
    }
    cupel__run.on_failure = NULL;
    const struct cupel_text *messages = &cupel__run.result->messages;
    fprintf(stderr, "%.*s%zu bytes of input, drawn as\n", (int)messages->length, messages->data, current.length);
    cupel__decode_draws(stderr, current.property, current.data, current.length);
    fputs("as bytes: ", stderr);
    cupel__decode_literal(stderr, current.data, current.length);
    char token[256] = "";
    (void)cupel_fault_plan_format(&environment_plan, token, sizeof token);
    fprintf(stderr, "\nrun it again: a test program of this property with --replay=%s.%s%s%s%s FILE\n",
            current.property->suite, current.property->name, token[0] != '\0' ? " --fault='" : "", token,
            token[0] != '\0' ? "'" : "");
    fflush(NULL);
    cupel__directory_end_run();
    cupel__evidence_flush();
    abort();
}

/* The input left blocks behind: again, to say where they are from. */
static _Noreturn void tell_leak(void) {
    struct cupel__case one = {.property = current.property, .data = current.data, .length = current.length};
    one.faults = environment_plan.count != 0 ? &environment_plan : NULL;
    one.is_tracking = true;
    cupel__run.on_failure = NULL;
    cupel__case_run(&one);
    fputs("leak: the body came to its end, and blocks were not released\n", stderr);
    cupel__run_print_leak(stderr);
    give_up();
}

/* What layers find out about the process and its thread at first use is found out before the first input: to an engine
 * it would look like a path of that input. */
static void warm_up_layers(void) {
    struct cupel_tracking tracking;
    struct cupel_failing failing;
    struct cupel_allocator *top =
        cupel_failing_init(&failing, cupel_tracking_init(&tracking, cupel_libc()), "alloc:2", NULL);
    void *block = cupel_alloc(top, 100, 8);
    void *refused = cupel_alloc(top, 100, 8);
    cupel_free(top, refused, 100, 8);
    cupel_free(top, block, 100, 8);
    cupel_tracking_deinit(&tracking);
}

int cupel__fuzz_initialize(const struct cupel_test *property, int *argc, char ***argv) {
    struct cupel_error error = {.line = 0};
    current.property = property;
    cupel__fuzz_limit(property, argc, argv);
    if (*argc > 0) {
        cupel__settings.program = (*argv)[0];
    }
    if (!cupel_fault_plan_from_environment(&environment_plan, &error) ||
        !cupel_fault_plan_resolve(&environment_plan, &error)) {
        cupel_message("%s", error.text);
        exit(CUPEL_USAGE);
    }
    note_process();
    (void)pthread_atfork(NULL, NULL, note_child);
    warm_up_layers();
    if (property->options.setup != NULL) { /* once, as in a test run: not part of the body */
        property->options.setup();
    }
    if (cupel__steady_is_wanted()) { /* behind the setup, whose blocks stay from input to input */
        root = cupel__run.root = cupel__steady();
    }
    return 0;
}

/* With a plan the slower layers do the work. */
__attribute__((noinline)) static void run_with_faults(const struct cupel_fault_plan *plan) {
    struct cupel__case one = {.property = current.property, .data = current.data, .length = current.length};
    one.faults = plan;
    cupel__case_run(&one);
    if (one.has_leaked) {
        tell_leak();
    }
}

static inline void run_plainly(struct cupel_bytes *bytes) {
    struct cupel__run *run = &cupel__run;
    run->allocator = cupel__meter_init(&meter, root);
    run->is_failing = false;
    run->thread = pthread_self();
    run->is_guarded = true;
    int jumped = _setjmp(run->target);
    if (jumped == 0) {
        current.property->body(bytes, run->allocator);
    }
    run->is_guarded = false;
    /* A body that was skipped may hold blocks; one that failed never comes here. */
    if (jumped == 0 && !current.property->options.allow_leak && !cupel__meter_is_balanced(&meter)) {
        tell_leak();
    }
}

int cupel__fuzz_one(const struct cupel_test *property, const uint8_t *data, size_t size) {
    struct cupel_bytes bytes;
    struct cupel_fault_plan *plan = NULL;
    static struct cupel_fault_plan trailer;
    current.property = property;
    current.data = data;
    current.length = size;
    cupel__run.on_failure = give_up;
    cupel__run.result->messages.length = 0;
    cupel__run.result->notes.length = 0;
    if (root != NULL) {
        cupel__steady_reset();
    }
    cupel_bytes_init(&bytes, data, size);
    if (environment_plan.count != 0) {
        plan = &environment_plan;
    } else if (cupel_bytes_fault_plan(&bytes, &trailer)) {
        plan = &trailer;
    }
    if (plan != NULL) {
        run_with_faults(plan);
    } else {
        run_plainly(&bytes);
    }
    return 0;
}
