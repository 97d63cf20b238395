/* The points of a sweep, one after another in this process: see sweep_engine.h.
 *
 * Whether the code still works after a fault is asked by a run without one after every batch of points, not after every
 * point: that would be two thirds of the whole work. Where the answer is no, the batch is run
 * again in a fresh process with such a run after each point.
 */
#include "harness/src/sweep_engine.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH = 64,
    MORE_MAX = 1000, /* faults beyond those of the unfailed run, and four times as many as there are */
};

/* The code under test, from one place whoever asks: what lies outwards of that is no part of a request's stack, as it
 * differs between the runs without a fault and the others, and by what a compiler inlines. */
__attribute__((noinline)) static void call_subject(struct cupel__sweep *sweep) {
    cupel__sweep_record_outermost(__builtin_return_address(0));
    sweep->run(sweep->user, &sweep->current);
    __asm__ volatile(""); /* no tail call */
}

void cupel__sweep_one(struct cupel__sweep *sweep, uint64_t point) {
    static struct cupel_fault_plan plan; /* large, and only its first rules are ever used */
    struct cupel__sweep_run *run = &sweep->current;
    if (point != 0) {
        struct cupel__sweep_point one = cupel__sweep_point_at(sweep, point);
        cupel__sweep_plan(&plan, &one);
    }
    run->plan = point != 0 ? &plan : NULL;
    run->on_request = cupel__sweep_record_begin(sweep, point);
    run->refused = &sweep->note->fault;
    run->refused->frame_count = 0;
    run->refused->death_frame_count = 0;
    run->looks_closely = point == 0 || point <= sweep->note->careful_until;
    run->has_left = false;
    run->verdict = CUPEL_VERDICT_OK;
    run->calls = 0;
    run->injected = 0;
    run->key = 0;
    run->text[0] = '\0';
    if (sweep->note->has_old_output) {
        sweep->note->has_old_output = false;
        (void)!ftruncate(sweep->output_file, 0);
    }
    sweep->note->progress++;
    call_subject(sweep);
    cupel__sweep_record_end(sweep);
}

static void found(struct cupel__sweep *sweep, uint64_t point, enum cupel_verdict verdict, const char *text) {
    cupel__sweep_found(sweep, point, &(struct cupel__sweep_word){.verdict = verdict, .text = text});
}

/* Two runs without a fault, and a third where the first asked for more or less than the second; false where they say
 * that there is nothing to sweep. */
static bool run_baseline(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    struct cupel__sweep_run *run = &sweep->current;
    uint64_t calls[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        int64_t start_ns = cupel_clock_ns();
        cupel__sweep_one(sweep, 0);
        note->baseline_ns = cupel_clock_ns() - start_ns;
        note->first_ns = i == 0 ? note->baseline_ns : note->first_ns;
        sweep->is_warm = true;
        if (run->verdict != CUPEL_VERDICT_OK) {
            found(sweep, 0, run->verdict, run->text);
            return false;
        }
        calls[i] = run->calls;
        bool is_equal = i > 0 && run->calls == note->calls;
        bool is_like = is_equal && cupel__sweep_calls_are_equal(sweep, &note->asked, &run->asked);
        note->first_asked = i == 0 ? run->asked : note->first_asked;
        note->asked = run->asked;
        note->calls = run->calls;
        if (is_like || (is_equal && i == 2)) { /* who asks a clock until its time has come asks as often as it likes */
            cupel__sweep_record_mark(sweep);
            return true;
        }
    }
    (void)snprintf(run->text, sizeof run->text,
                   "two runs without a fault asked for memory %llu and %llu times: a fault has no fixed place\n",
                   (unsigned long long)calls[0], (unsigned long long)calls[1]);
    found(sweep, 0, CUPEL_VERDICT_NONDETERMINISTIC, run->text);
    return false;
}

void cupel__sweep_warm_up(struct cupel__sweep *sweep) {
    if (sweep->note->is_warmed && !sweep->is_warm) {
        sweep->is_warm = true;
        cupel__sweep_one(sweep, 0);
    }
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
    char text[CUPEL__SWEEP_TEXT_MAX + 256];
    note->is_spoiled = true;
    if (note->point <= note->careful_until) {
        if (note->is_point_ok) { /* a point has one verdict */
            note->tally.verdicts[CUPEL_VERDICT_OK]--;
        }
        (void)snprintf(text, sizeof text, "a run without a fault, after this one, fails\n%s", sweep->current.text);
        found(sweep, note->point, CUPEL_VERDICT_NOT_RECOVERED, text);
        note->culprits++;
    } else if (sweep->options.in_process) {
        char first[CUPEL__SWEEP_TOKEN_MAX];
        struct cupel__sweep_point point = cupel__sweep_point_at(sweep, note->batch_start);
        cupel__sweep_token(first, sizeof first, &point);
        (void)snprintf(text, sizeof text,
                       "after one of the faults from %s to this one, a run without a fault fails\n%s", first,
                       sweep->current.text);
        found(sweep, note->point, CUPEL_VERDICT_NOT_RECOVERED, text);
    }
}

/* A run without a fault. False where it fails now, though it did not at first. */
static bool check_batch(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    note->point_fault = note->fault;
    note->is_recovery = true;
    cupel__sweep_one(sweep, 0);
    note->is_recovery = false;
    note->fault = note->point_fault; /* what is told is told of that run */
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
        cupel__sweep_log(sweep, note->point, CUPEL_VERDICT_OK);
        return true;
    }
    static char text[CUPEL__SWEEP_TEXT_MAX];
    struct cupel__sweep_word word = {.verdict = run->verdict, .text = run->text};
    word.key = cupel__sweep_key(run->verdict, &note->fault, run->key);
    if (note->point != note->batch_start && !cupel__sweep_is_known(sweep, word.verdict, word.key, word.text)) {
        memcpy(text, run->text, sizeof text);
        word.text = text;
        if (!check_batch(sweep)) {
            return false;
        }
    }
    cupel__sweep_found(sweep, note->point, &word);
    if (word.text == text) {
        note->batch_tally = note->tally;
    }
    return true;
}

/* The end of a stretch that was run again with care, where no single point was to blame. */
static void tell_careless(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->careful_until != 0 && note->point >= note->careful_until) {
        if (note->culprits == 0) {
            found(sweep, note->careful_until, CUPEL_VERDICT_NOT_RECOVERED,
                  "after this fault and some before it a run without one fails; after each alone it does not\n");
        }
        note->careful_until = 0;
    }
}

/* The request that was to fail never came, though there should be one: the place of the fault moved. */
static bool tell_unreached(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    note->is_point_ok = false; /* it was none */
    if (!check_batch(sweep)) {
        return false;
    }
    note->tally.points++;
    found(sweep, note->point, CUPEL_VERDICT_NOT_REACHED,
          "the fault never fired, though a run without one asks for memory often enough\n");
    note->batch_tally = note->tally;
    return true;
}

static bool is_over(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    note->is_cut = note->is_cut || (sweep->deadline_ns != 0 && cupel_clock_ns() > sweep->deadline_ns);
    return note->is_cut || (note->point >= note->scheduled && !note->is_open);
}

/* The point that just ran left something behind: what comes after it deserves a process that knows nothing of it. Where
 * points came before it in this batch, all go again with care first, for this process cannot tell any more whether it
 * still works after them. */
static void leave_behind(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->point != note->batch_start) {
        note->is_spoiled = true;
        return;
    }
    if (fcntl(sweep->findings_file, F_GETFD) < 0) {
        note->has_lost_pipe = true;
        _exit(CUPEL_INTERNAL);
    }
    (void)take_verdict(sweep);
    if (note->is_point_ok && !check_batch(sweep)) { /* it may leave that */
        return;
    }
    note->culprits++;
    tell_careless(sweep);
    note->is_used_up = true;
}

/* One pass, from the point after the note's on. False where this process has to be left. */
static bool run_pass(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    begin_batch(note);
    while (!is_over(sweep)) {
        note->point++;
        cupel__sweep_one(sweep, note->point);
        uint64_t least = note->stage == CUPEL__SWEEP_PAIRS ? 2 : 1;
        bool is_behind = note->point > note->scheduled;
        if (sweep->current.injected < least && is_behind) {
            break; /* right behind the last one */
        }
        if (sweep->current.has_left && sweep->findings_file >= 0 && sweep->current.injected >= least) {
            leave_behind(sweep);
            return false;
        }
        if (sweep->current.injected < least ? !tell_unreached(sweep) : !take_verdict(sweep)) {
            return false;
        }
        if (is_behind && note->point > MORE_MAX + 4 * note->calls) {
            found(sweep, note->point, CUPEL_VERDICT_NONDETERMINISTIC,
                  "each fault makes the code ask for memory more often: there is no last one\n");
            return true;
        }
        bool is_due = note->point - note->batch_start + 1 >= BATCH || note->point <= note->careful_until;
        if (is_due && !check_batch(sweep)) {
            return false;
        }
        tell_careless(sweep);
    }
    note->is_point_ok = false;
    return note->point < note->batch_start || check_batch(sweep);
}

/* The next request that only a first run makes fails in the first run of this process. Then one without a fault, where
 * it was borne: what --fault does. */
static void run_cold_point(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    begin_batch(note);
    note->point++;
    note->careful_until = note->point; /* whatever goes wrong is this fault's */
    cupel__sweep_one(sweep, note->point);
    sweep->is_warm = true;
    if (sweep->current.injected != 0) {
        leave_behind(sweep);
    } else {
        note->is_used_up = tell_unreached(sweep);
    }
}

/* The pass over them. False where this process has to be left. */
static bool run_cold_pass(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (is_over(sweep)) {
        return true;
    }
    if (sweep->findings_file < 0) { /* no parent that starts processes */
        note->cold_untried = note->scheduled - note->point;
        note->left_out += note->cold_untried;
        note->scheduled = note->point;
        return true;
    }
    if (sweep->is_warm) {
        note->is_used_up = true;
    } else {
        run_cold_point(sweep);
    }
    return false;
}

void cupel__sweep_points(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->stage == CUPEL__SWEEP_BASELINE) {
        if (!run_baseline(sweep)) {
            note->stage = CUPEL__SWEEP_ENDED;
            return;
        }
        note->stage++;
    }
    while (note->stage != CUPEL__SWEEP_ENDED) {
        if (!note->has_schedule) {
            cupel__sweep_schedule(sweep);
        }
        if (note->stage != CUPEL__SWEEP_COLD) {
            cupel__sweep_warm_up(sweep);
        }
        if (note->stage == CUPEL__SWEEP_COLD ? !run_cold_pass(sweep) : !run_pass(sweep)) {
            return;
        }
        note->base += note->scheduled;
        note->has_schedule = false;
        note->stage = note->is_cut ? CUPEL__SWEEP_ENDED : note->stage + 1;
    }
}
