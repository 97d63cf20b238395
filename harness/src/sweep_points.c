/* The points of a sweep, one after another in this process: see sweep_engine.h.
 *
 * Whether the code still works after a fault is asked by a run without one after every batch of points, not after every
 * point: that would be two thirds of the whole work. Where the answer is no, the batch is run
 * again in a fresh process with such a run after each point.
 */
#include "harness/src/sweep_engine.h"

#include "alloc/base/progress.h"

#include <string.h>

enum {
    BATCH = 64,
    MORE_MAX = 1000, /* faults beyond those of the unfailed run, and four times as many as there are */
};

void cupel__sweep_plan(struct cupel_fault_plan *plan, enum cupel__sweep_stage stage, uint64_t point) {
    plan->count = 1;
    plan->seed = 0;
    plan->rules[0] = (struct cupel_fault_rule){.call = CUPEL_FAULT_ALLOC,
                                               .when = stage == CUPEL__SWEEP_ONCE ? CUPEL_FAULT_NTH : CUPEL_FAULT_FROM,
                                               .first = point};
}

void cupel__sweep_one(struct cupel__sweep *sweep, enum cupel__sweep_stage stage, uint64_t point) {
    static struct cupel_fault_plan plan; /* large, and only its first rule is ever used */
    struct cupel__sweep_run *run = &sweep->current;
    if (point != 0) {
        cupel__sweep_plan(&plan, stage, point);
    }
    run->plan = point != 0 ? &plan : NULL;
    run->verdict = CUPEL_VERDICT_OK;
    run->calls = 0;
    run->injected = 0;
    run->key = 0;
    run->text[0] = '\0';
    sweep->note->progress++;
    sweep->run(sweep->user, run);
}

/* Two runs without a fault; false where they say that there is nothing to sweep. */
static bool run_baseline(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    struct cupel__sweep_run *run = &sweep->current;
    for (unsigned i = 0; i < 2; i++) {
        int64_t start_ns = cupel_clock_ns();
        cupel__sweep_one(sweep, CUPEL__SWEEP_BASELINE, 0);
        note->baseline_ns = cupel_clock_ns() - start_ns;
        if (run->verdict != CUPEL_VERDICT_OK) {
            cupel__sweep_found(sweep, CUPEL__SWEEP_BASELINE, 0, run->verdict, 0, run->text);
            return false;
        }
        if (i == 1 && run->calls != note->calls) {
            (void)snprintf(
                run->text, sizeof run->text,
                "two runs without a fault asked for memory %llu and %llu times: a fault has no fixed place\n",
                (unsigned long long)note->calls, (unsigned long long)run->calls);
            cupel__sweep_found(sweep, CUPEL__SWEEP_BASELINE, 0, CUPEL_VERDICT_NONDETERMINISTIC, 0, run->text);
            return false;
        }
        note->calls = run->calls;
    }
    return true;
}

/* From here on the next batch begins. */
static void begin_batch(struct cupel__sweep_note *note) {
    note->batch_start = note->point + 1;
    note->batch_tally = note->tally;
}

/* The code does not go on after the batch: tells it where that is known exactly or never will be; else leaves it to the
 * parent to run the batch again with care. */
static void spoil(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    char text[CUPEL__SWEEP_TEXT_MAX + 128];
    note->is_spoiled = true;
    if (note->point <= note->careful_until) {
        if (note->is_point_ok) { /* a point has one verdict */
            note->tally.verdicts[CUPEL_VERDICT_OK]--;
        }
        (void)snprintf(text, sizeof text, "a run without a fault, after this one, fails\n%s", sweep->current.text);
        cupel__sweep_found(sweep, note->stage, note->point, CUPEL_VERDICT_NOT_RECOVERED, 0, text);
        note->culprits++;
    } else if (sweep->options.in_process) {
        (void)snprintf(text, sizeof text, "after one of the faults at %llu to %llu, a run without a fault fails\n%s",
                       (unsigned long long)note->batch_start, (unsigned long long)note->point, sweep->current.text);
        cupel__sweep_found(sweep, note->stage, note->point, CUPEL_VERDICT_NOT_RECOVERED, 0, text);
    }
}

/* A run without a fault. False where it fails now, though it did not at first. */
static bool check_batch(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    note->is_recovery = true;
    cupel__sweep_one(sweep, note->stage, 0);
    note->is_recovery = false;
    if (sweep->current.verdict != CUPEL_VERDICT_OK) {
        spoil(sweep);
        return false;
    }
    begin_batch(note);
    return true;
}

/* The verdict of the point that just ran. One that is new is told only when it is clear that no earlier point spoiled
 * the ground. False where one did. */
static bool take_verdict(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    struct cupel__sweep_run *run = &sweep->current;
    note->tally.points++;
    note->is_point_ok = run->verdict == CUPEL_VERDICT_OK;
    if (note->is_point_ok) {
        note->tally.verdicts[CUPEL_VERDICT_OK]++;
        return true;
    }
    enum cupel_verdict verdict = run->verdict;
    uint64_t key = run->key;
    if (note->point == note->batch_start || cupel__sweep_is_known(sweep, verdict, key, run->text)) {
        cupel__sweep_found(sweep, note->stage, note->point, verdict, key, run->text);
        return true;
    }
    static char text[CUPEL__SWEEP_TEXT_MAX];
    memcpy(text, run->text, sizeof text);
    if (!check_batch(sweep)) {
        return false;
    }
    cupel__sweep_found(sweep, note->stage, note->point, verdict, key, text);
    note->batch_tally = note->tally;
    return true;
}

/* The end of a stretch that was run again with care, where no single point was to blame. */
static void tell_careless(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->careful_until != 0 && note->point >= note->careful_until) {
        if (note->culprits == 0) {
            cupel__sweep_found(sweep, note->stage, note->careful_until, CUPEL_VERDICT_NOT_RECOVERED, 0,
                               "after this fault and some before it a run without one fails; after each alone it does "
                               "not\n");
        }
        note->careful_until = 0;
    }
}

/* The request that was to fail never came: right behind the last one, else the place of the fault moved. */
static bool end_pass(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    bool is_early = note->point <= note->calls;
    note->is_point_ok = false; /* it was none */
    if (!check_batch(sweep)) {
        return false;
    }
    if (is_early) {
        note->tally.points++;
        cupel__sweep_found(sweep, note->stage, note->point, CUPEL_VERDICT_NOT_REACHED, 0,
                           "the fault never fired, though a run without one asks for memory often enough\n");
    }
    note->careful_until = 0;
    return true;
}

/* One pass, from the point after the note's on. False where this process has to be left. */
static bool run_pass(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    uint64_t last = sweep->options.points_max != 0 ? sweep->options.points_max : UINT64_MAX;
    begin_batch(note);
    while (note->point < last) {
        note->point++;
        cupel__sweep_one(sweep, note->stage, note->point);
        if (sweep->current.injected == 0) {
            return end_pass(sweep);
        }
        if (!take_verdict(sweep)) {
            return false;
        }
        if (note->point > MORE_MAX + 4 * note->calls) {
            cupel__sweep_found(sweep, note->stage, note->point, CUPEL_VERDICT_NONDETERMINISTIC, 0,
                               "each fault makes the code ask for memory more often: there is no last one\n");
            return true;
        }
        bool is_due = note->point - note->batch_start + 1 >= BATCH || note->point <= note->careful_until;
        if (is_due && !check_batch(sweep)) {
            return false;
        }
        tell_careless(sweep);
    }
    return check_batch(sweep);
}

void cupel__sweep_points(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->stage == CUPEL__SWEEP_BASELINE) {
        if (!run_baseline(sweep)) {
            note->stage = CUPEL__SWEEP_ENDED;
            return;
        }
        note->stage = CUPEL__SWEEP_ONCE;
        note->point = 0;
    }
    if (note->stage == CUPEL__SWEEP_ONCE) {
        if (!run_pass(sweep)) {
            return;
        }
        note->stage = sweep->options.once_only ? CUPEL__SWEEP_ENDED : CUPEL__SWEEP_FROM;
        note->point = 0;
    }
    if (note->stage == CUPEL__SWEEP_FROM && run_pass(sweep)) {
        note->stage = CUPEL__SWEEP_ENDED;
    }
}
