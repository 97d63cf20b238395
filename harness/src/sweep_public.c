/* The sweep as a function: see harness/sweep.h. Owns the layers; the engine is the one of --sweep. */
#include "harness/src/route.h"
#include "harness/src/sites.h"
#include "harness/src/sweep_engine.h"

#include "alloc/counting.h"
#include "alloc/libc.h"

#include <stdlib.h>
#include <string.h>

/* One call of cupel_sweep. */
struct subject {
    enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user);
    void *user;
    struct cupel_allocator *parent;
    uint64_t (*strong)(void *user);
    bool has_plain_malloc;
    struct cupel_counting counting;
    struct cupel_failing failing;
};

/* How a run came to its end. */
struct outcome {
    enum cupel_sweep_end end;
    bool has_changed;            /* the hash of the state */
    struct cupel_counts counts;  /* of the allocator it was given */
    struct cupel__routed routed; /* of plain malloc */
    bool has_leaked;             /* plain malloc left blocks, and more in a second run */
};

static void judge(const struct subject *subject, struct cupel__sweep_run *run, const struct outcome *outcome) {
    const struct cupel_counts *counts = &outcome->counts;
    if (outcome->end == CUPEL_SWEEP_WRONG) {
        run->verdict = CUPEL_VERDICT_WRONG;
    } else if (!cupel_counts_are_balanced(counts)) {
        run->verdict = CUPEL_VERDICT_LEAK;
        (void)snprintf(run->text, sizeof run->text, "%llu of %llu blocks, %llu bytes, were not released\n",
                       (unsigned long long)counts->live_blocks, (unsigned long long)counts->acquired,
                       (unsigned long long)counts->live_bytes);
    } else if (outcome->has_leaked) {
        run->verdict = CUPEL_VERDICT_LEAK;
        (void)snprintf(run->text, sizeof run->text,
                       "%llu of %llu blocks of malloc, %llu bytes, left behind, and more by a second run\n",
                       (unsigned long long)outcome->routed.live_blocks, (unsigned long long)outcome->routed.acquired,
                       (unsigned long long)outcome->routed.live_bytes);
    } else if (outcome->end == CUPEL_SWEEP_STARVED &&
               subject->failing.injected + subject->failing.injected_benign == 0) {
        run->verdict = CUPEL_VERDICT_WRONG;
        (void)snprintf(run->text, sizeof run->text, "it reported a failure, and no fault was injected\n");
    } else if (outcome->end == CUPEL_SWEEP_STARVED && outcome->has_changed) {
        run->verdict = CUPEL_VERDICT_STATE_CHANGED;
        (void)snprintf(run->text, sizeof run->text, "the call failed, and the hash of the state is another\n");
    } else if (outcome->end == CUPEL_SWEEP_DONE && subject->failing.injected != 0) {
        run->verdict = CUPEL_VERDICT_SWALLOWED;
        (void)snprintf(run->text, sizeof run->text, "a fault was injected, and it came to its end without a word\n");
    }
}

/* A frame of its own, by whose name stacks are cut off: what lies outwards of it is only the sweep. */
__attribute__((noinline)) static enum cupel_sweep_end cupel__sweep_call(const struct subject *subject,
                                                                        struct cupel_allocator *a) {
    enum cupel_sweep_end end = subject->function(a, subject->user);
    __asm__ volatile("" : "+r"(end)); /* no tail call */
    return end;
}

static struct cupel__fault_note *refused; /* of the run that goes on */

static void take_fault(const struct cupel_failing *failing) {
    cupel__fault_note_take(refused, failing);
    cupel__sites_first(failing);
}

/* One run of the function. */
static struct outcome run_function(struct subject *subject, const struct cupel_fault_plan *plan) {
    struct cupel_failing *failing = &subject->failing;
    struct outcome outcome = {.has_leaked = false};
    cupel_failing_set(failing, plan);
    struct cupel_allocator *a = cupel_counting_init(&subject->counting, &failing->base);
    if (subject->has_plain_malloc) {
        a = cupel__route_begin(a, CUPEL_PLACEMENT_PARENT);
    }
    uint64_t before = subject->strong != NULL ? subject->strong(subject->user) : 0;
    if (subject->has_plain_malloc) {
        cupel__route_arm(true);
    }
    outcome.end = cupel__sweep_call(subject, a);
    if (subject->has_plain_malloc) {
        cupel__route_arm(false);
        outcome.routed = cupel__route_counts();
    }
    uint64_t after = subject->strong != NULL ? subject->strong(subject->user) : 0;
    outcome.has_changed = before != after;
    outcome.counts = cupel__routed_apart(&subject->counting.counts, &outcome.routed);
    return outcome;
}

/* As cupel__left_again. */
static bool leaves_more(struct subject *subject, const struct cupel_fault_plan *plan) {
    static struct cupel_failing first, before; /* large */
    bool has_grown = true;
    first = subject->failing;
    unsigned alike = first.frame_count == 0 ? CUPEL__LEFT_RUNS_ALIKE - 1 : 0;
    for (unsigned i = 0; has_grown && alike < CUPEL__LEFT_RUNS_ALIKE && i < CUPEL__LEFT_RUNS_MAX; i++) {
        before = subject->failing;
        cupel__route_mark_left();
        subject->failing.on_first = NULL;
        subject->failing.on_request = NULL;
        (void)run_function(subject, plan);
        has_grown = cupel__route_left_grew();
        alike += cupel__fault_is_same(&before, &subject->failing);
    }
    subject->failing = first;
    return has_grown;
}

static void run_subject(void *user, struct cupel__sweep_run *run) {
    struct subject *subject = user;
    struct cupel_failing *failing = &subject->failing;
    if (subject->has_plain_malloc && !cupel__route_push()) {
        abort(); /* sweeps within sweeps within a test */
    }
    refused = run->refused;
    if (run->plan == NULL) { /* counts from nothing, injects nothing */
        (void)cupel_failing_init(failing, subject->parent, NULL, NULL);
    }
    failing->on_first = take_fault;
    failing->on_request = run->on_request;
    struct outcome outcome = run_function(subject, run->plan);
    outcome.has_leaked = outcome.routed.live_blocks != 0 && leaves_more(subject, run->plan);
    run->calls = failing->calls;
    run->injected = failing->injected + failing->injected_benign + failing->moved;
    judge(subject, run, &outcome);
    if (subject->has_plain_malloc) {
        cupel__route_pop();
    }
}

/* The finding of a fault that was tried alone, or none. */
static void tell_alone(const struct cupel_sweep_options *options, const char *token,
                       const struct cupel__sweep_run *run) {
    struct cupel_sweep_finding finding = {
        .verdict = run->verdict, .token = token, .text = run->text, .is_behind_first_run = options->warm_up};
    if (options->report != NULL) {
        fprintf(options->report, "%s at %s\n%s", cupel_verdict_name(run->verdict), token, run->text);
    }
    if (options->on_finding != NULL && run->verdict != CUPEL_VERDICT_OK) {
        options->on_finding(options->sink, &finding);
    }
    if (options->on_point != NULL) {
        finding.text = "";
        options->on_point(options->sink, &finding);
    }
}

/* One fault, then a run without it, as the sweep does; before it another, where that is asked for. A death is this
 * process's own. */
static struct cupel_sweep_summary try_alone(struct subject *subject, const struct cupel_sweep_options *options,
                                            const char *token) {
    static struct cupel_fault_plan plan; /* large, as are these */
    static struct cupel__fault_note note;
    static struct cupel__sweep_run run, again;
    struct cupel_error error;
    struct cupel_sweep_summary summary = {.points = 1};
    run = (struct cupel__sweep_run){.plan = &plan, .refused = &note};
    again = (struct cupel__sweep_run){.refused = &note};
    if (!cupel_fault_plan_parse(&plan, token, &error)) {
        run.verdict = CUPEL_VERDICT_NOT_REACHED;
        (void)snprintf(run.text, sizeof run.text, "%s\n", error.text);
    } else {
        if (options->warm_up) {
            run_subject(subject, &again);
            again = (struct cupel__sweep_run){.refused = &note};
        }
        run_subject(subject, &run);
        summary.allocations = run.calls;
        if (run.injected == 0) {
            run.verdict = CUPEL_VERDICT_NOT_REACHED;
            (void)snprintf(run.text, sizeof run.text, "the fault never fired\n");
        } else if (run.verdict == CUPEL_VERDICT_OK) {
            run_subject(subject, &again);
            run.verdict = again.verdict == CUPEL_VERDICT_OK ? CUPEL_VERDICT_OK : CUPEL_VERDICT_NOT_RECOVERED;
            memcpy(run.text, again.text, sizeof run.text);
        }
    }
    tell_alone(options, token, &run);
    summary.worst = run.verdict;
    summary.verdicts[run.verdict] = 1;
    return summary;
}

/* The whole sweep, with the sites of it where they are wanted. */
static struct cupel_sweep_summary sweep_all(struct cupel__sweep *sweep) {
    const struct cupel_sweep_options *options = &sweep->options;
    bool has_begun = options->sites != NULL && !cupel__sites_are_on() && cupel__sites_begin();
    struct cupel_sweep_summary summary = cupel__sweep_all(sweep);
    struct cupel_error error;
    cupel__sweep_end(sweep);
    if (options->sites != NULL && !cupel__sites_write(options->sites, &error)) {
        cupel_message("cupel_sweep: %s", error.text);
        summary.has_no_sites = true;
    }
    if (has_begun) {
        cupel__sites_end();
    }
    return summary;
}

/* One fault or all of them. In a test that is swept itself, what the function asks for is the concern of this sweep
 * alone, in this process as in a child, which is never routed. */
static struct cupel_sweep_summary sweep_or_try(struct cupel__sweep *sweep, struct subject *subject, const char *fault) {
    void (*on_progress)(const char *, uint64_t, uint64_t, unsigned) = cupel__sweep_on_progress;
    bool is_routed = cupel__route_disarm();
    bool is_alone = fault != NULL && fault[0] != '\0';
    cupel__sweep_on_progress = NULL;
    cupel__sweep_record_push();
    struct cupel_sweep_summary summary = is_alone ? try_alone(subject, &sweep->options, fault) : sweep_all(sweep);
    cupel__sweep_record_pop();
    cupel__sweep_on_progress = on_progress;
    if (is_routed) {
        cupel__route_arm(true);
    }
    return summary;
}

struct cupel_sweep_summary cupel_sweep(enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user),
                                       void *user, const struct cupel_sweep_options *options) {
    static struct cupel__sweep sweep;
    static struct subject subject;
    static const struct cupel_sweep_options defaults;
    options = options != NULL ? options : &defaults;
    subject = (struct subject){.function = function, .user = user, .strong = options->strong};
    subject.parent = options->parent != NULL ? options->parent : cupel_libc();
    subject.has_plain_malloc = options->plain_malloc;
    if (options->plain_malloc) {
        struct cupel_error error;
        subject.parent = options->parent != NULL ? options->parent : cupel__route_root();
        if (!cupel__route_check(&error)) {
            cupel_message("cupel_sweep: %s", error.text);
            abort();
        }
    }
    (void)cupel_failing_init(&subject.failing, subject.parent, NULL, NULL);
    const char *fault = options->fault != NULL ? options->fault : getenv("CUPEL_FAULT");
    const char *warm_up = getenv("CUPEL_WARM_UP");
    memset(&sweep, 0, sizeof sweep);
    sweep.run = run_subject;
    sweep.user = &subject;
    sweep.options = *options;
    sweep.options.warm_up = options->warm_up || (warm_up != NULL && warm_up[0] != '\0' && strcmp(warm_up, "0") != 0);
    return sweep_or_try(&sweep, &subject, fault);
}
