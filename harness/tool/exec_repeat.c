/* A foreign program once, or many times, each repeat varied by the seed where that was asked; and where some repeats
 * fail and others pass, how often, and which of the things that were varied it follows. See exec.h. */
#include "harness/src/follows.h"
#include "harness/src/perturb.h"
#include "harness/src/settings.h"
#include "harness/tool/exec.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <stdio.h>
#include <string.h>

static const int64_t budget_ms = 60000; /* to find what the flake follows */

static struct {
    uint64_t runs, failures;
    uint64_t first; /* repeat that failed, the lowest */
    enum cupel__exec_word word;
} tally;

static void choose(const struct cupel__exec_program *program, struct cupel__exec_run *run, uint64_t repeat,
                   uint32_t mask) {
    struct cupel__plan_item item = {.repeat = repeat, .perturb = mask & CUPEL__EXEC_DIMENSIONS};
    item.seed = cupel__mix(cupel__mix(cupel__settings.seed, repeat), cupel__hash_text(program->name));
    item.isolation = CUPEL_ISOLATE_PROCESS;
    run->point = repeat;
    run->perturb = item.perturb;
    run->perturbation = cupel__perturb_choose(&item);
    run->has_library = run->perturbation.memory.fills_fresh || run->perturbation.memory.fills_freed;
    run->deadline_ms = cupel__exec_deadline(cupel__settings.timeout_ms);
}

static bool has_failed(const struct cupel__exec_run *run) {
    enum cupel__exec_word word = cupel__exec_judge(run, NULL);
    return cupel_result_is_failure(&(struct cupel_result){.verdict = cupel__exec_verdict(word)}) &&
           !cupel__exec_is_skip(run);
}

static void take(const struct cupel__exec_program *program, const struct cupel__exec_run *run) {
    tally.runs++;
    if (has_failed(run)) {
        if (tally.failures++ == 0 || run->point < tally.first) {
            tally.first = run->point;
            tally.word = cupel__exec_judge(run, NULL);
        }
    }
    cupel__exec_tell_run(program, run);
}

/* The first failing repeat again, for follows.h. */
struct search {
    const struct cupel__exec_program *program;
    int64_t deadline_ms;
};

/* One that is still wanted, and was not started so far; NULL where there is none. */
static struct cupel__trial *next_trial(struct cupel__trial *trials, unsigned count, const unsigned *started) {
    for (unsigned i = 0; i < count; i++) {
        if (started[i] < trials[i].wanted) {
            return &trials[i];
        }
    }
    return NULL;
}

static void note_trial(struct cupel__trial *trials, unsigned count, const struct cupel__exec_run *run) {
    for (unsigned i = 0; i < count; i++) {
        if (trials[i].mask == run->perturb) {
            trials[i].runs++;
            trials[i].failures += has_failed(run);
            break;
        }
    }
}

static bool run_trials(void *user, struct cupel__trial *trials, unsigned count) {
    const struct search *search = user;
    unsigned started[CUPEL__FOLLOWS_TRIALS] = {0};
    for (;;) {
        struct cupel__trial *trial = next_trial(trials, count, started);
        struct cupel__exec_run *run = trial == NULL ? NULL : cupel__exec_free_slot();
        if (cupel__exec_is_interrupted() || cupel_clock_ms() > search->deadline_ms) {
            cupel__exec_end_all();
            return false;
        }
        if (run != NULL) {
            choose(search->program, run, tally.first, trial->mask);
            started[trial - trials]++;
            if (!cupel__exec_try_start(search->program, run)) {
                return false;
            }
            continue;
        }
        if (cupel__exec_running() == 0) {
            return true;
        }
        struct cupel__exec_run *ended = cupel__exec_next_ended();
        if (ended != NULL) {
            note_trial(trials, count, ended);
            cupel__exec_end(ended);
        }
    }
}

/* "time-zone EST5EDT": what it was in that repeat. */
static int write_value(void *user, unsigned dimension, char *text, size_t size) {
    const struct search *search = user;
    struct cupel__exec_run run;
    choose(search->program, &run, tally.first, 1u << dimension);
    return cupel__perturb_format(&run.perturbation, text, size);
}

static void bisect(const struct cupel__exec_program *program, struct cupel_flake *flake) {
    struct cupel__exec_run run;
    struct search search = {program, cupel_clock_ms() + budget_ms};
    choose(program, &run, tally.first, cupel__settings.perturb);
    uint32_t active = cupel__perturb_active(&run.perturbation) & CUPEL__EXEC_DIMENSIONS;
    struct cupel__follows follows = cupel__follows_find(active, run_trials, &search);
    (void)cupel__follows_format(&follows, write_value, &search, flake->follows, sizeof flake->follows);
}

int cupel__exec_repeat(const struct cupel__exec_program *program, bool *is_cut) {
    const struct cupel__settings *settings = &cupel__settings;
    uint64_t next = (uint64_t)settings->repeat_index;
    uint64_t end = settings->repeat == INT64_MAX ? UINT64_MAX : next + (uint64_t)settings->repeat;
    int64_t stop_ms = settings->for_ms == 0 ? INT64_MAX : cupel_clock_ms() + settings->for_ms;
    int status = CUPEL_OK;
    if (settings->perturb != 0 && (settings->perturb & CUPEL__EXEC_DIMENSIONS) == 0) {
        cupel_message("--perturb: that can be varied in test programs of our own only");
        return CUPEL_USAGE;
    }
    while (cupel__exec_running() != 0 || next < end) {
        struct cupel__exec_run *run = next < end ? cupel__exec_free_slot() : NULL;
        if (run != NULL) {
            choose(program, run, next++, settings->perturb);
            if (!cupel__exec_try_start(program, run)) {
                status = CUPEL_LACKING;
                end = next;
            }
            continue;
        }
        struct cupel__exec_run *ended = cupel__exec_next_ended();
        if (ended != NULL) {
            if (cupel__exec_was_started(program, ended)) {
                take(program, ended);
            } else {
                status = CUPEL_USAGE;
            }
            cupel__exec_end(ended);
        }
        if (status != CUPEL_OK || cupel__exec_is_enough() || cupel_clock_ms() > stop_ms) {
            *is_cut = next < end && settings->for_ms == 0;
            end = next;
        }
        if (cupel__exec_is_interrupted()) {
            cupel__exec_end_all();
        }
    }
    if (tally.failures != 0 && tally.failures < tally.runs && !cupel__exec_is_interrupted()) {
        struct cupel_flake flake = {.runs = tally.runs, .failures = tally.failures};
        if (settings->perturb != 0 && settings->bisect) {
            bisect(program, &flake);
        }
        cupel__exec_tell_flake(program, tally.first, &flake, tally.word);
    }
    return status;
}
