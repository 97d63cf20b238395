/* The sweep as a function: see harness/sweep.h. Owns the layers; the engine is the one of --sweep. */
#include "harness/src/sweep_engine.h"

#include "alloc/counting.h"
#include "alloc/libc.h"

#include <string.h>

/* One call of cupel_sweep. */
struct subject {
    enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user);
    void *user;
    struct cupel_allocator *parent;
    uint64_t (*strong)(void *user);
    struct cupel_counting counting;
    struct cupel_failing failing;
};

static void judge(const struct subject *subject, struct cupel__sweep_run *run, enum cupel_sweep_end end,
                  bool has_changed) {
    const struct cupel_counts *counts = &subject->counting.counts;
    if (end == CUPEL_SWEEP_WRONG) {
        run->verdict = CUPEL_VERDICT_WRONG;
    } else if (!cupel_counts_are_balanced(counts)) {
        run->verdict = CUPEL_VERDICT_LEAK;
        (void)snprintf(run->text, sizeof run->text, "%llu of %llu blocks, %llu bytes, were not released\n",
                       (unsigned long long)counts->live_blocks, (unsigned long long)counts->acquired,
                       (unsigned long long)counts->live_bytes);
    } else if (end == CUPEL_SWEEP_STARVED && subject->failing.injected + subject->failing.injected_benign == 0) {
        run->verdict = CUPEL_VERDICT_WRONG;
        (void)snprintf(run->text, sizeof run->text, "it reported a failure, and no fault was injected\n");
    } else if (end == CUPEL_SWEEP_STARVED && has_changed) {
        run->verdict = CUPEL_VERDICT_STATE_CHANGED;
        (void)snprintf(run->text, sizeof run->text, "the call failed, and the hash of the state is another\n");
    } else if (end == CUPEL_SWEEP_DONE && subject->failing.injected != 0) {
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
}

static void run_subject(void *user, struct cupel__sweep_run *run) {
    struct subject *subject = user;
    struct cupel_failing *failing = &subject->failing;
    if (run->plan != NULL) {
        cupel_failing_set(failing, run->plan);
    } else { /* counts, injects nothing */
        (void)cupel_failing_init(failing, subject->parent, NULL, NULL);
    }
    refused = run->refused;
    failing->on_first = take_fault;
    failing->on_request = run->on_request;
    struct cupel_allocator *a = cupel_counting_init(&subject->counting, &failing->base);
    uint64_t before = subject->strong != NULL ? subject->strong(subject->user) : 0;
    enum cupel_sweep_end end = cupel__sweep_call(subject, a);
    uint64_t after = subject->strong != NULL ? subject->strong(subject->user) : 0;
    run->calls = failing->calls;
    run->injected = failing->injected + failing->injected_benign + failing->moved;
    judge(subject, run, end, before != after);
}

struct cupel_sweep_summary cupel_sweep(enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user),
                                       void *user, const struct cupel_sweep_options *options) {
    static struct cupel__sweep sweep;
    static struct subject subject;
    static const struct cupel_sweep_options defaults;
    options = options != NULL ? options : &defaults;
    subject = (struct subject){.function = function, .user = user, .strong = options->strong};
    subject.parent = options->parent != NULL ? options->parent : cupel_libc();
    (void)cupel_failing_init(&subject.failing, subject.parent, NULL, NULL);
    memset(&sweep, 0, sizeof sweep);
    sweep.run = run_subject;
    sweep.user = &subject;
    sweep.options = *options;
    struct cupel_sweep_summary summary = cupel__sweep_all(&sweep);
    cupel__sweep_end(&sweep);
    return summary;
}
