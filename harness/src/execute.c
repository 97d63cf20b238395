/* One item in this process: see execute.h. */
#include "harness/src/execute.h"
#include "harness/src/checker.h"
#include "harness/src/directory.h"
#include "harness/src/evidence.h"
#include "harness/src/growth.h"
#include "harness/src/last_words.h"
#include "harness/src/leak.h"
#include "harness/src/left_behind.h"
#include "harness/src/perturb.h"
#include "harness/src/run.h"
#include "harness/src/select.h"
#include "harness/src/strong.h"

#include "alloc/base/progress.h"

#include <stdio.h>
#include <string.h>

void cupel__execute_name(const struct cupel__plan_item *item, struct cupel_result *result) {
    cupel_result_clear(result);
    result->program = cupel__settings.program;
    result->suite = item->test->suite;
    result->name = item->test->name;
    result->file = item->test->file;
    result->line = item->test->line;
    result->kind = item->test->kind;
    result->row = item->row;
    result->isolation = item->isolation;
    result->seed = cupel__settings.seed;
    result->repeat = item->repeat;
    result->perturb = item->perturb;
    memcpy(result->flags, cupel__settings.flags, sizeof result->flags);
    result->evidence = item->test->kind == CUPEL_KIND_PROPERTY ? CUPEL_EVIDENCE_PROPERTY : CUPEL_EVIDENCE_UNIT;
}

static void call_setup(void *user) {
    const struct cupel_test *test = user;
    cupel__last_words_phase(CUPEL__PHASE_SETUP);
    test->options.setup();
}

static void call_test(void *user) {
    const struct cupel_test *test = user;
    if (test->options.setup != NULL) {
        call_setup(user);
    }
    cupel__strong_note();
    cupel__last_words_phase(CUPEL__PHASE_BODY);
    test->run();
}

static void call_teardown(void *user) {
    const struct cupel_test *test = user;
    cupel__last_words_phase(CUPEL__PHASE_TEARDOWN);
    test->options.teardown();
}

/* Setup, body and teardown. The worst of their outcomes; failures of all in *failures. */
static enum cupel__outcome run_phases(const struct cupel_test *test, const struct cupel_fault_plan *faults,
                                      unsigned *failures) {
    /* The body must not change what its own registration says. */
    void *user = (void *)(uintptr_t)test;
    enum cupel__outcome outcome = CUPEL__ENDED;
    bool has_leaked = false;
    *failures = 0;
    if (test->kind == CUPEL_KIND_TEST) {
        outcome = cupel__run_guarded(call_test, user);
    } else {
        if (test->options.setup != NULL) {
            outcome = cupel__run_guarded(call_setup, user);
            *failures = cupel__run.failures;
        }
        if (outcome == CUPEL__ENDED && *failures == 0) {
            cupel__last_words_phase(CUPEL__PHASE_BODY);
            outcome = cupel__property_run(faults);
            has_leaked = cupel__run.has_leaked;
        }
    }
    *failures += cupel__run.failures;
    if (test->options.teardown != NULL) {
        enum cupel__outcome last = cupel__run_guarded(call_teardown, user);
        *failures += cupel__run.failures;
        outcome = last == CUPEL__STOPPED ? last : outcome;
    }
    cupel__run.has_leaked = cupel__run.has_leaked || has_leaked;
    cupel__last_words_phase(CUPEL__PHASE_NONE);
    return outcome;
}

/* A second run of a test that left blocks behind, with every block remembered. */
struct second_run {
    const struct cupel__plan_item *item;
    const struct cupel_fault_plan *faults;
    char text[CUPEL_TEXT_MAX / 2]; /* where its blocks came from */
};

static void run_again(void *user) {
    struct second_run *second = user;
    unsigned failures;
    cupel__run_layers(second->faults, true);
    (void)run_phases(second->item->test, second->faults, &failures);
    FILE *stream = fmemopen(second->text, sizeof second->text, "w");
    if (stream != NULL) {
        cupel__run_print_leak(stream);
        (void)fclose(stream);
    }
}

/* At the end of a test that may be asked for its blocks: true where it leaked. `*text` is where they came from. */
static bool find_leak(const struct cupel__plan_item *item, const struct cupel_fault_plan *faults,
                      struct cupel_result *result, const char **text) {
    static struct second_run second;
    bool has_leaked = !cupel__run_balance();
    struct cupel__left left = cupel__left();
    if (!has_leaked && (left.blocks == 0 || result->failures != 0)) {
        return false;
    }
    second.item = item;
    second.faults = faults;
    bool has_grown = cupel__left_again(run_again, &second);
    if (!has_leaked && has_grown) {
        cupel__left_say_leak(&left, &result->messages);
    } else if (!has_leaked) {
        cupel__left_say_retained(&left, result);
    }
    second.text[sizeof second.text - 1] = '\0';
    *text = second.text;
    return has_leaked || has_grown;
}

static enum cupel_verdict judge(enum cupel__outcome outcome, const struct cupel_result *result, bool has_leaked,
                                const struct cupel_fault_plan *faults) {
    const struct cupel_failing *failing = &cupel__run.failing;
    if (cupel__run.death != CUPEL_VERDICT_OK) {
        return cupel__run.death;
    }
    if (result->failures != 0) {
        return CUPEL_VERDICT_WRONG;
    }
    if (outcome == CUPEL__SKIPPED) {
        return CUPEL_VERDICT_SKIPPED;
    }
    if (has_leaked) {
        return CUPEL_VERDICT_LEAK;
    }
    if (cupel__run.has_state_changed) {
        return CUPEL_VERDICT_STATE_CHANGED;
    }
    if (faults != NULL && failing->injected + failing->injected_benign + failing->moved == 0) {
        return CUPEL_VERDICT_NOT_REACHED;
    }
    return faults != NULL && outcome == CUPEL__ENDED && failing->injected != 0 ? CUPEL_VERDICT_SWALLOWED
                                                                               : CUPEL_VERDICT_OK;
}

/* A first run, of which nobody hears. */
static void run_unjudged(void *user) {
    const struct cupel__plan_item *item = user;
    unsigned failures;
    cupel__run_layers(NULL, false);
    (void)run_phases(item->test, NULL, &failures);
}

static void warm_up(struct cupel__plan_item item, struct cupel_result *result) {
    cupel__run.item = &item;
    cupel__run.result = result;
    (void)cupel__left_again(run_unjudged, &item);
}

void cupel__execute_once(const struct cupel__plan_item *item, const struct cupel_fault_plan *faults,
                         struct cupel_result *result) {
    cupel__run.item = item;
    cupel__run.result = result;
    cupel__run.death = CUPEL_VERDICT_OK;
    if (faults != NULL && faults->count != 0) { /* an empty plan only counts */
        (void)cupel_fault_plan_format(faults, result->fault, sizeof result->fault);
        result->evidence = CUPEL_EVIDENCE_FAULT;
    }
    cupel__left_behind_begin();
    cupel__checker_begin();
    cupel__evidence_begin(result->evidence);
    cupel__run_layers(faults, false);
    unsigned failures;
    enum cupel__outcome outcome = run_phases(item->test, faults, &failures);
    cupel__evidence_end();
    failures += !cupel__checker_end(&result->messages);
    /* A child of the test may have failed in memory that it shares with us: the record knows. */
    result->failures = result->failures > failures ? result->failures : failures;
    bool has_leaked = cupel__run.has_leaked;
    const char *blocks = "";
    bool may_tell = outcome != CUPEL__STOPPED && outcome != CUPEL__SKIPPED; /* else what it held is lost rightly */
    /* One that fails may do so for what one before it left. */
    bool looks_closely = cupel__run.looks_closely || result->failures != 0 || outcome == CUPEL__STOPPED;
    enum cupel__left_behind_depth depth = looks_closely ? CUPEL__LOOK_AT_ALL : CUPEL__LOOK_WHEN_DUE;
    bool has_left = !cupel__left_behind_end(item->test, depth, may_tell ? &result->messages : NULL) && may_tell;
    if (result->failures != 0 && item->isolation == CUPEL_ISOLATE_NONE && cupel__left_behind_was_misled()) {
        cupel_text_add(&result->messages, "a test before it had left this process another way, and is told of too\n");
    }
    if (may_tell && !item->test->options.allow_leak && item->test->kind == CUPEL_KIND_TEST) {
        has_leaked = find_leak(item, faults, result, &blocks);
    }
    result->verdict = judge(outcome, result, has_leaked || has_left, faults);
    if (result->verdict == CUPEL_VERDICT_SWALLOWED) {
        cupel_text_add(&result->messages, "the fault was injected, and the test came to its end without STARVED\n");
    } else if (result->verdict == CUPEL_VERDICT_NOT_REACHED) {
        cupel_text_add(&result->messages, "the fault never fired\n");
    }
    if (has_leaked) {
        cupel_text_add_n(&result->messages, blocks, strlen(blocks));
    }
    if (cupel__run.death != CUPEL_VERDICT_OK) {
        result->evidence = CUPEL_EVIDENCE_CRASH;
    }
}

static bool is_death_test(const struct cupel_test *test) {
    return test->options.expect_signal != 0 || test->options.expect_exit != 0;
}

/* Why --sweep leaves it out; NULL where it does not. */
static const char *no_sweep_of(const struct cupel_test *test) {
    return is_death_test(test) ? "it is to end its process" : test->options.no_sweep;
}

void cupel__execute_unswept(const struct cupel_test *test, struct cupel_result *result) {
    const char *no_sweep = no_sweep_of(test);
    if (cupel__settings.sweep && no_sweep != NULL && result->verdict == CUPEL_VERDICT_OK && result->reason[0] == '\0') {
        result->is_unswept = true;
        (void)snprintf(result->reason, sizeof result->reason, "%s", no_sweep);
    }
}

void cupel__execute_expect(const struct cupel_test *test, struct cupel_result *result) {
    const struct cupel_test_options *options = &test->options;
    if (options->expect_failure == NULL || result->verdict == CUPEL_VERDICT_SKIPPED) {
        return;
    }
    if (cupel_result_is_failure(result)) {
        result->verdict = CUPEL_VERDICT_OK;
        (void)snprintf(result->reason, sizeof result->reason, "expected to fail: %s", options->expect_failure);
        return;
    }
    result->verdict = CUPEL_VERDICT_WRONG;
    cupel_text_add(&result->messages, "%s:%u: expected to fail (%s), but it passed\n", test->file, test->line,
                   options->expect_failure);
}

bool cupel__execute_may_lose_memory(const struct cupel__plan_item *item, const struct cupel_result *result) {
    bool was_elsewhere = result->retained[0] != '\0' && result->fault[0] != '\0'; /* in its second run */
    return was_elsewhere || item->test->options.allow_leak || result->verdict != CUPEL_VERDICT_OK ||
           result->failures != 0;
}

/* What a sweep asks after its faults: whether the test, run once more without one, still does what it did. */
static void check_recovery(const struct cupel__plan_item *item, struct cupel_result *result) {
    static struct cupel_result again;
    cupel__execute_name(item, &again);
    cupel__run.fault_note->is_recovery = true;
    cupel__execute_once(item, NULL, &again);
    cupel__run.fault_note->is_recovery = false;
    cupel__run.result = result;
    if (cupel_result_is_failure(&again)) {
        result->verdict = CUPEL_VERDICT_NOT_RECOVERED;
        result->failures++;
        cupel_text_add(&result->messages, "a run without a fault, after this one, fails\n%s", again.messages.data);
    }
    cupel__directory_done(&again, false);
}

void cupel__execute(const struct cupel__plan_item *item, struct cupel_result *result) {
    const struct cupel_test *test = item->test;
    cupel__execute_name(item, result);
    const char *skip = test->options.skip;
    if (skip == NULL && cupel__is_disabled(test) && !cupel__settings.with_disabled) {
        skip = "disabled by its name";
    }
    if (skip != NULL) {
        result->verdict = CUPEL_VERDICT_SKIPPED;
        (void)snprintf(result->reason, sizeof result->reason, "%s", skip);
        return;
    }
    int64_t start_ns = cupel_clock_ns();
    cupel__run.fault_note->is_recovery = false;
    const struct cupel_fault_plan *faults = cupel__settings.fault_plan.count != 0 ? &cupel__settings.fault_plan : NULL;
    struct cupel__growth before = {0, 0};
    bool is_repeated = cupel__settings.repeat > 1 && !cupel__settings.sweep;
    struct cupel__perturbation perturbation = cupel__perturb_choose(item);
    cupel__perturb_begin(&perturbation); /* where nothing is varied: what the last item left taken is given back */
    if (is_repeated) {
        before = cupel__growth_measure();
    }
    if (cupel__settings.sweep && no_sweep_of(test) == NULL) {
        cupel__sweep_execute(item, result);
    } else {
        if (cupel__settings.warm_up && test->kind == CUPEL_KIND_TEST) {
            warm_up(*item, result);
        }
        cupel__execute_once(item, faults, result);
        if (faults != NULL && result->verdict == CUPEL_VERDICT_OK && test->kind == CUPEL_KIND_TEST &&
            test->options.no_sweep == NULL) {
            check_recovery(item, result);
        }
        if (cupel_result_is_failure(result)) {
            cupel__fault_note_add(cupel__run.fault_note, &result->messages);
        }
    }
    if (cupel__run.is_perturbing) { /* what the layer holds back goes now: it may have been the last test */
        cupel__run.memory = (struct cupel_perturbing_options){.placement = CUPEL_PLACEMENT_PARENT};
        cupel__run_layers(NULL, false);
    }
    if (is_repeated) {
        cupel__growth_note(item, before, result);
    }
    if (item->perturb != 0) {
        cupel__perturb_end();
        if (cupel_result_is_failure(result)) {
            cupel__perturb_note(item, &result->messages);
        }
    }
    result->duration_ns = cupel_clock_ns() - start_ns;
    if (is_death_test(test) && result->verdict == CUPEL_VERDICT_OK) {
        result->verdict = CUPEL_VERDICT_WRONG;
        cupel_text_add(&result->messages, "%s:%u: expected to end the process, but it came to its end\n", test->file,
                       test->line);
    }
    cupel__execute_expect(test, result);
    cupel__execute_unswept(test, result);
    cupel__directory_done(result, cupel_result_is_failure(result));
}
