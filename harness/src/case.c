/* One run of a body on one input: see case.h. */
#include "harness/src/case.h"

#include "harness/property.h"
#include "harness/src/checker.h"
#include "harness/src/child.h"
#include "harness/src/directory.h"
#include "harness/src/leak.h"
#include "harness/src/left_behind.h"
#include "harness/src/strong.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct cupel_result *spoken; /* the record that speaks, while silenced */
static struct cupel_result scratch;

void cupel__case_silence(void) {
    spoken = cupel__run.result;
    cupel_result_clear(&scratch);
    memcpy(scratch.directory, spoken->directory, sizeof scratch.directory); /* a setup may have made it */
    cupel__run.result = &scratch;
    cupel__run.is_silent = true;
}

void cupel__case_speak(void) {
    cupel__run.result = spoken;
    cupel__run.is_silent = false;
}

void cupel__child_silence(void) {
    cupel__child_begin();
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)close(nowhere);
    }
}

/* The body with its stream, as cupel__run_guarded wants it. */
struct call {
    const struct cupel_test *property;
    struct cupel_bytes bytes;
};

static void call_body(void *user) {
    struct call *call = user;
    cupel__strong_note();
    call->property->body(&call->bytes, cupel__run.allocator);
}

/* The same case on the same input. */
struct again {
    const struct cupel__case *one;
    const struct cupel_fault_plan *faults;
};

static void run_again(void *user) {
    const struct again *again = user;
    struct call call = {.property = again->one->property};
    struct cupel_fault_plan trailer;
    cupel_bytes_init(&call.bytes, again->one->data, again->one->length);
    (void)cupel_bytes_fault_plan(&call.bytes, &trailer); /* takes it off */
    cupel__run_layers(again->faults, again->one->is_tracking);
    (void)cupel__run_guarded(call_body, &call);
    (void)cupel__left_behind_end(again->one->property, CUPEL__LOOK_AT_ALL, NULL);
}

/* A leak, or more and more blocks of plain malloc. */
static bool find_leak(const struct cupel__case *one, const struct cupel_fault_plan *faults) {
    struct again again = {one, faults};
    if (!cupel__run_balance()) {
        return true;
    }
    struct cupel__left left = cupel__left();
    if (left.blocks == 0 || cupel__run.failures != 0 || !cupel__left_again(run_again, &again)) {
        return false;
    }
    cupel__left_say_leak(&left, &cupel__run.result->messages);
    return true;
}

/* --warm-up: the first case of a process runs once before, without a fault and without a verdict. */
static void warm_up(const struct cupel__case *one) {
    static bool is_warm;
    static const struct cupel_fault_plan no_faults;
    struct again again = {one, &no_faults};
    if (cupel__settings.warm_up && !is_warm) {
        is_warm = true;
        (void)cupel__left_again(run_again, &again);
    }
}

void cupel__case_run(struct cupel__case *one) {
    warm_up(one);
    struct call call = {.property = one->property};
    struct cupel_fault_plan trailer;
    cupel_bytes_init(&call.bytes, one->data, one->length);
    bool has_trailer = cupel_bytes_fault_plan(&call.bytes, &trailer);
    call.bytes.trace = one->trace;
    call.bytes.trace_user = one->trace_user;
    const struct cupel_fault_plan *faults = one->faults != NULL ? one->faults : has_trailer ? &trailer : NULL;
    bool has_directory = cupel__run.result->directory[0] != '\0';
    cupel__left_behind_begin();
    cupel__checker_begin();
    cupel__run_layers(faults, one->is_tracking);
    one->outcome = cupel__run_guarded(call_body, &call);
    if (!cupel__checker_end(&cupel__run.result->messages)) {
        cupel__run.failures++;
        cupel__run.result->failures++;
    }
    bool may_tell = one->outcome != CUPEL__STOPPED && one->outcome != CUPEL__SKIPPED;
    one->has_left_behind =
        !cupel__left_behind_end(one->property, CUPEL__LOOK_AT_ALL, may_tell ? &cupel__run.result->messages : NULL) &&
        may_tell;
    one->has_leaked = may_tell && !one->property->options.allow_leak && find_leak(one, faults);
    cupel__run.has_leaked = one->has_leaked || one->has_left_behind;
    one->has_state_changed = cupel__run.has_state_changed;
    one->failures = cupel__run.failures;
    one->calls = cupel__run.failing.calls;
    one->injected = faults != NULL ? cupel__run.failing.injected : 0;
    one->injected_benign = faults != NULL ? cupel__run.failing.injected_benign : 0;
    one->moved = faults != NULL ? cupel__run.failing.moved : 0;
    one->is_faulted = faults != NULL && faults->count != 0;
    if (cupel__run.is_silent && !has_directory) { /* one of many: each finds its directory empty */
        cupel__directory_done(cupel__run.result, false);
    }
}

bool cupel__case_has_failed(const struct cupel__case *one) {
    return one->failures != 0 || one->has_leaked || one->has_left_behind || one->has_state_changed ||
           one->outcome == CUPEL__STOPPED;
}

enum cupel_verdict cupel__case_verdict(const struct cupel__case *one) {
    struct cupel_text *messages = &cupel__run.result->messages;
    if (one->failures != 0 || one->outcome == CUPEL__STOPPED) {
        return CUPEL_VERDICT_WRONG;
    }
    if (one->outcome == CUPEL__SKIPPED) {
        return CUPEL_VERDICT_SKIPPED;
    }
    if (one->has_leaked || one->has_left_behind) {
        return CUPEL_VERDICT_LEAK;
    }
    if (one->has_state_changed) {
        return CUPEL_VERDICT_STATE_CHANGED;
    }
    if (one->is_faulted && one->injected + one->injected_benign + one->moved == 0) {
        cupel_text_add(messages, "the fault never fired\n");
        return CUPEL_VERDICT_NOT_REACHED;
    }
    if (one->outcome == CUPEL__ENDED && one->injected != 0) {
        cupel_text_add(messages, "the fault was injected, and the body came to its end without STARVED\n");
        return CUPEL_VERDICT_SWALLOWED;
    }
    return CUPEL_VERDICT_OK;
}

void cupel_property_replay(const struct cupel_test *property, const void *data, size_t length) {
    struct cupel_bytes bytes;
    struct cupel_fault_plan plan;
    cupel_bytes_init(&bytes, data, length);
    if (cupel_bytes_fault_plan(&bytes, &plan)) {
        cupel__run_layers(&plan, false);
    }
    cupel__strong_note();
    property->body(&bytes, test_allocator());
}
