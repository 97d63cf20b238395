/* The sweep as a function: see harness/sweep.h. Owns the layers and the note; the engine is the one of --sweep. */
#include "harness/src/sweep_engine.h"

#include "alloc/counting.h"
#include "alloc/libc.h"

#include <string.h>
#include <sys/mman.h>

static enum cupel_verdict worst_of(const struct cupel__sweep_note *note) {
    /* From bad to worse: what corrupts, what is lost, what is only unclear. */
    static const enum cupel_verdict order[] = {
        CUPEL_VERDICT_CRASH,         CUPEL_VERDICT_HANG,          CUPEL_VERDICT_WRONG,
        CUPEL_VERDICT_NOT_RECOVERED, CUPEL_VERDICT_STATE_CHANGED, CUPEL_VERDICT_SWALLOWED,
        CUPEL_VERDICT_LEAK,          CUPEL_VERDICT_ABORTED,       CUPEL_VERDICT_NONDETERMINISTIC,
        CUPEL_VERDICT_NOT_REACHED,   CUPEL_VERDICT_SKIPPED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (note->tally.verdicts[order[i]] != 0) {
            return order[i];
        }
    }
    return CUPEL_VERDICT_OK;
}

struct cupel_sweep_summary cupel__sweep_all(struct cupel__sweep *sweep) {
    static struct cupel__sweep_note unshared; /* where memory cannot be shared there is no child either */
    size_t size = sizeof *sweep->note;
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sweep->note = shared != MAP_FAILED ? shared : memset(&unshared, 0, sizeof unshared);
    sweep->options.in_process = sweep->options.in_process || shared == MAP_FAILED;
    sweep->findings_file = -1;
    sweep->is_baseline_bad = false;
    sweep->note->kind_count = sweep->kind_count;
    memcpy(sweep->note->kinds, sweep->kinds, sizeof sweep->kinds);
    if (sweep->options.in_process) {
        cupel__sweep_points(sweep);
    } else {
        cupel__sweep_watch(sweep);
    }
    const struct cupel__sweep_note *note = sweep->note;
    struct cupel_sweep_summary summary = {.allocations = note->calls,
                                          .points = note->tally.points,
                                          .worst = worst_of(note),
                                          .is_baseline = sweep->is_baseline_bad};
    memcpy(summary.verdicts, note->tally.verdicts, sizeof summary.verdicts);
    cupel__sweep_tell(sweep, &summary);
    sweep->kind_count = note->kind_count;
    memcpy(sweep->kinds, note->kinds, sizeof sweep->kinds);
    if (shared != MAP_FAILED) {
        (void)munmap(shared, size);
    }
    sweep->note = NULL;
    return summary;
}

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
    bool is_absorbed = subject->failing.injected == 0; /* all within benign windows */
    if (end == CUPEL_SWEEP_WRONG) {
        run->verdict = CUPEL_VERDICT_WRONG;
    } else if (!cupel_counts_are_balanced(counts)) {
        run->verdict = CUPEL_VERDICT_LEAK;
        (void)snprintf(run->text, sizeof run->text, "%llu of %llu blocks, %llu bytes, were not released\n",
                       (unsigned long long)counts->live_blocks, (unsigned long long)counts->acquired,
                       (unsigned long long)counts->live_bytes);
    } else if (end == CUPEL_SWEEP_STARVED && run->injected == 0) {
        run->verdict = CUPEL_VERDICT_WRONG;
        (void)snprintf(run->text, sizeof run->text, "it reported a failure, and no fault was injected\n");
    } else if (end == CUPEL_SWEEP_STARVED && has_changed) {
        run->verdict = CUPEL_VERDICT_STATE_CHANGED;
        (void)snprintf(run->text, sizeof run->text, "the call failed, and the hash of the state is another\n");
    } else if (end == CUPEL_SWEEP_DONE && run->injected != 0 && !is_absorbed) {
        run->verdict = CUPEL_VERDICT_SWALLOWED;
        (void)snprintf(run->text, sizeof run->text, "a fault was injected, and it came to its end without a word\n");
    }
}

static void run_subject(void *user, struct cupel__sweep_run *run) {
    struct subject *subject = user;
    struct cupel_failing *failing = &subject->failing;
    if (run->plan != NULL) {
        cupel_failing_set(failing, run->plan);
    } else { /* counts, injects nothing */
        (void)cupel_failing_init(failing, subject->parent, NULL, NULL);
    }
    struct cupel_allocator *a = cupel_counting_init(&subject->counting, &failing->base);
    uint64_t before = subject->strong != NULL ? subject->strong(subject->user) : 0;
    enum cupel_sweep_end end = subject->function(a, subject->user);
    uint64_t after = subject->strong != NULL ? subject->strong(subject->user) : 0;
    run->calls = failing->calls;
    run->injected = failing->injected + failing->injected_benign;
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
    return cupel__sweep_all(&sweep);
}
