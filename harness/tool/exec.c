/* The plan of `cupel test --exec`: once, repeats, one fault, or every request failing in turn. A sweep starts the
 * program anew for each point, on all processors; points with a call stack that was not met before come first. See
 * exec.h. */
#include "harness/tool/exec.h"
#include "harness/src/plural.h"
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/src/sweep_engine.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULT_MS_MIN = 5000, FAULT_TIMES = 20, TEXT_MAX = 1024 };

/* One thing to start. */
struct point {
    uint64_t index; /* of its request */
    uint32_t thread, number;
    bool is_new;  /* the first with its stack */
    bool is_from; /* all requests from there on */
};

/* Findings that are one. */
struct kind {
    enum cupel__exec_word word;
    uint64_t key;
    uint64_t count;
};

struct sweep {
    struct cupel__exec_baseline baseline;
    struct point *points;
    size_t count, next, stack_count;
    uint32_t threads;
    uint64_t tally[CUPEL__EXEC_WORD_COUNT];
    bool is_nondeterministic; /* the runs without a fault differ */
    uint64_t tried;
    struct kind *kinds;
    size_t kind_count;
    struct cupel_progress progress;
};

static struct cupel__exec_program program;
static struct sweep sweep;

/* Takes points and their order from a first run, and judges it: false where there is nothing to sweep. */
static bool take_first(const struct cupel__exec_run *run, int *status) {
    char text[TEXT_MAX];
    const char *blindness = cupel__exec_blindness(run);
    if (!cupel__exec_was_started(&program, run)) {
        *status = CUPEL_USAGE;
        return false;
    }
    if (cupel__exec_judge(run, NULL) != CUPEL__EXEC_PASSED) {
        cupel__exec_tell_run(&program, run); /* it fails without any fault: that is all to be said */
        return false;
    }
    if (blindness != NULL) {
        (void)snprintf(text, sizeof text, "nothing was intercepted: %s", blindness);
        cupel__exec_tell_summary(&program, CUPEL_VERDICT_NOT_REACHED, text, run->duration_ns);
        return false;
    }
    cupel__exec_baseline_take(&sweep.baseline, run);
    return true;
}

static int compare_points(const void *left, const void *right) {
    const struct point *a = left;
    const struct point *b = right;
    if (a->is_from != b->is_from) {
        return a->is_from ? 1 : -1;
    }
    if (a->is_new != b->is_new) {
        return a->is_new ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* Each request once, those with a new stack once more with all that follow. */
static bool make_points(const struct cupel__exec_note *note, int64_t points_max) {
    const struct cupel__settings *settings = &cupel__settings;
    size_t total = note->requests < CUPEL__EXEC_POINTS_MAX ? (size_t)note->requests : CUPEL__EXEC_POINTS_MAX;
    size_t slot_count = 16;
    while (slot_count < 2 * total) {
        slot_count *= 2;
    }
    uint64_t *keys = calloc(slot_count, sizeof *keys);
    sweep.points = calloc(2 * total + 1, sizeof *sweep.points);
    if (keys == NULL || sweep.points == NULL) {
        free(keys);
        return false;
    }
    for (size_t i = 0; i < total; i++) {
        uint64_t key = note->points[i].key | 1; /* 0 is a free slot */
        size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (slot_count - 1);
        while (keys[slot] != 0 && keys[slot] != key) {
            slot = (slot + 1) & (slot_count - 1);
        }
        struct point point = {.index = i, .thread = note->points[i].thread, .number = note->points[i].number};
        point.is_new = keys[slot] == 0;
        keys[slot] = key;
        sweep.stack_count += point.is_new;
        if (settings->shard_count != 0 && i % settings->shard_count != settings->shard_index) {
            continue;
        }
        sweep.points[sweep.count++] = point;
        if (point.is_new) {
            point.is_from = true;
            sweep.points[sweep.count++] = point;
        }
    }
    free(keys);
    qsort(sweep.points, sweep.count, sizeof *sweep.points, compare_points);
    if (points_max != 0 && sweep.count > (size_t)points_max) {
        sweep.count = (size_t)points_max;
    }
    sweep.threads = note->threads;
    return true;
}

static void token(const struct point *point, char *text, size_t size) {
    const char *from = point->is_from ? "+" : "";
    if (sweep.threads <= 1) {
        (void)snprintf(text, size, "alloc:%" PRIu64 "%s", point->index + 1, from);
    } else {
        (void)snprintf(text, size, "alloc:%" PRIu32 "%s#%" PRIu32, point->number, from, point->thread);
    }
}

/* The kind of finding; made where it is new. NULL when out of memory. */
static struct kind *kind_of(enum cupel__exec_word word, uint64_t key) {
    for (size_t i = 0; i < sweep.kind_count; i++) {
        if (sweep.kinds[i].word == word && sweep.kinds[i].key == key) {
            return &sweep.kinds[i];
        }
    }
    struct kind *kinds = realloc(sweep.kinds, (sweep.kind_count + 1) * sizeof *kinds);
    if (kinds == NULL) {
        return NULL;
    }
    sweep.kinds = kinds;
    kinds[sweep.kind_count] = (struct kind){.word = word, .key = key};
    return &kinds[sweep.kind_count++];
}

static void take_point(const struct cupel__exec_run *run) {
    enum cupel__exec_word word = cupel__exec_judge(run, &sweep.baseline);
    const struct cupel__exec_crash *crash = cupel__exec_crash_of(run, &sweep.baseline);
    sweep.tried++;
    sweep.tally[word]++;
    cupel_progress_show(&sweep.progress, false, "%s: %" PRIu64 " of %zu point%s, %zu finding%s", program.name,
                        sweep.tried, sweep.count, cupel__s(sweep.count), sweep.kind_count, cupel__s(sweep.kind_count));
    if (!cupel_result_is_failure(&(struct cupel_result){.verdict = cupel__exec_verdict(word)})) {
        return;
    }
    /* What dies at one place is one finding, else what is refused at one. */
    uint64_t key = crash != NULL ? crash->stack.key : run->note->refused.key;
    struct kind *kind = kind_of(word, word == CUPEL__EXEC_NOT_REACHED ? 0 : key);
    if (kind == NULL || kind->count++ == 0) {
        cupel_progress_clear(&sweep.progress);
        cupel__exec_tell_finding(&program, run, &sweep.baseline, word, "");
    }
}

/* The sweep failed where one of its points did, as in process. */
static enum cupel_verdict worst_of_points(void) {
    uint64_t counts[CUPEL_VERDICT_COUNT] = {[CUPEL_VERDICT_NONDETERMINISTIC] = sweep.is_nondeterministic};
    for (unsigned i = 0; i < CUPEL__EXEC_WORD_COUNT; i++) {
        counts[cupel__exec_verdict(i)] += sweep.tally[i];
    }
    return cupel__sweep_worst(counts);
}

static void summarise(int64_t duration_ns) {
    char text[TEXT_MAX];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "(%" PRIu64 " request%s, %zu stack%s; %" PRIu64 " point%s:", sweep.baseline.requests,
                                   cupel__s(sweep.baseline.requests), sweep.stack_count, cupel__s(sweep.stack_count),
                                   sweep.tried, cupel__s(sweep.tried));
    const char *joint = " ";
    for (unsigned i = 0; i < CUPEL__EXEC_WORD_COUNT && used < sizeof text; i++) {
        if (sweep.tally[i] != 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64 " %s", joint, sweep.tally[i],
                                     cupel__exec_word_name(i));
            joint = ", ";
        }
    }
    if (used + 2 < sizeof text) {
        (void)snprintf(text + used, sizeof text - used, ")");
    }
    cupel__exec_tell_summary(&program, worst_of_points(), text, duration_ns);
}

static int64_t fault_ms(void) {
    int64_t allowed_ms = sweep.baseline.duration_ms * FAULT_TIMES * (cupel__exec_slots() > 1 ? 2 : 1);
    allowed_ms = allowed_ms < FAULT_MS_MIN ? FAULT_MS_MIN : allowed_ms;
    int64_t limit_ms = cupel__settings.timeout_ms;
    return limit_ms != 0 && allowed_ms > limit_ms ? limit_ms : allowed_ms;
}

static int sweep_points(bool *is_cut) {
    int64_t start_ns = cupel_clock_ns();
    int status = CUPEL_OK;
    cupel_progress_init(&sweep.progress, stderr);
    sweep.progress.last_ms = cupel_clock_ms(); /* nothing is to be said yet */
    while (cupel__exec_running() != 0 || sweep.next < sweep.count) {
        struct cupel__exec_run *run = sweep.next < sweep.count ? cupel__exec_free_slot() : NULL;
        if (run != NULL) {
            const struct point *point = &sweep.points[sweep.next++];
            token(point, run->fault, sizeof run->fault);
            run->has_library = true;
            run->point = point->index;
            run->deadline_ms = cupel__exec_deadline(fault_ms());
            if (!cupel__exec_try_start(&program, run)) {
                status = CUPEL_LACKING;
                sweep.count = sweep.next;
            }
            continue;
        }
        struct cupel__exec_run *ended = cupel__exec_next_ended();
        if (ended != NULL) {
            take_point(ended);
            cupel__exec_end(ended);
        }
        if (cupel__exec_is_enough()) {
            *is_cut = *is_cut || sweep.next < sweep.count;
            sweep.count = sweep.next;
        }
        if (cupel__exec_is_interrupted()) {
            cupel__exec_end_all();
        }
    }
    cupel_progress_clear(&sweep.progress);
    summarise(cupel_clock_ns() - start_ns);
    return status;
}

/* Two runs without a fault, then all points. */
static int sweep_all(int64_t points_max, bool *is_cut) {
    int status = CUPEL_OK;
    struct cupel__exec_run *first = cupel__exec_run_one(&program, "", true);
    if (first == NULL) {
        return cupel__exec_is_interrupted() ? CUPEL_OK : CUPEL_LACKING;
    }
    bool is_good = take_first(first, &status);
    if (is_good && !make_points(first->note, points_max)) {
        cupel_message("out of memory");
        status = CUPEL_INTERNAL;
        is_good = false;
    }
    cupel__exec_end(first);
    struct cupel__exec_run *second = is_good ? cupel__exec_run_one(&program, "", false) : NULL;
    if (second == NULL) {
        return status;
    }
    if (second->note->requests != sweep.baseline.requests) {
        char text[TEXT_MAX];
        (void)snprintf(text, sizeof text,
                       "two runs without a fault ask for memory %" PRIu64 " and %" PRIu64
                       " times: the numbers of faults are not to be relied on",
                       sweep.baseline.requests, second->note->requests);
        sweep.is_nondeterministic = true;
        cupel__exec_tell_nondeterminism(&program, text, second->duration_ns);
    }
    cupel__exec_baseline_take(&sweep.baseline, second);
    cupel__exec_end(second);
    return sweep_points(is_cut);
}

/* One run without a fault, one with. */
static int replay(void) {
    int status = CUPEL_OK;
    struct cupel__exec_run *run = cupel__exec_run_one(&program, "", true);
    bool is_good = run != NULL && take_first(run, &status);
    if (run != NULL) {
        cupel__exec_end(run);
    }
    run = is_good ? cupel__exec_run_one(&program, cupel__settings.fault, false) : NULL;
    if (run == NULL) {
        return status;
    }
    if (cupel__exec_was_started(&program, run)) {
        cupel__exec_tell_finding(&program, run, &sweep.baseline, cupel__exec_judge(run, &sweep.baseline), "");
    } else {
        status = CUPEL_USAGE;
    }
    cupel__exec_end(run);
    return status;
}

/* The library knows requests for memory and nothing else. */
static bool can_inject(const struct cupel_fault_plan *plan) {
    for (unsigned i = 0; i < plan->count; i++) {
        enum cupel_fault_call call = plan->rules[i].call;
        if (call != CUPEL_FAULT_ALLOC && call != CUPEL_FAULT_GROW && call != CUPEL_FAULT_ANY) {
            cupel_message("--fault: in a program of others only alloc, grow and any can be refused");
            return false;
        }
    }
    return true;
}

int cupel__exec_main(char *const *words, const struct cupel__exec_options *options, bool *is_interrupted,
                     bool *is_cut) {
    struct cupel_error error;
    int status;
    if (!can_inject(&cupel__settings.fault_plan)) {
        return CUPEL_USAGE;
    }
    if (!cupel__exec_locate(&program, words, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    program.counts_all = options->starves_all;
    cupel__exec_slots_set(options->jobs);
    cupel__exec_catch_interrupts();
    if (cupel__settings.sweep) {
        status = sweep_all(options->points_max, is_cut);
    } else if (cupel__settings.fault_plan.count != 0) {
        status = replay();
    } else {
        status = cupel__exec_repeat(&program, is_cut);
    }
    *is_interrupted = cupel__exec_is_interrupted();
    free(sweep.points);
    free(sweep.kinds);
    return status;
}
