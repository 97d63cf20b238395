/* Runs the cases of a property in a test run: see execute.h for the one entry, property.h for the parts.
 *
 * One child process runs all cases and notes in shared memory which one it is at, so that a crash or a hang costs one
 * fork and its input is known. A case whose checks fail is shrunk in the child, in process; where that crashes, or the
 * case itself did, each attempt gets a process. In the end this process runs the shrunk case itself (where that does
 * not kill it) so that the record holds what failed. Without isolation all is done in this process. */
#include "harness/src/property.h"

#include "harness/property.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/last_words.h"
#include "harness/src/settings.h"
#include "harness/src/shrink.h"
#include "harness/src/worker.h"

#include "alloc/base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CASES_DEFAULT = 100,
    CASE_TIMEOUT_MS = 10000,
    SHRINK_STEPS_MAX = 20000,       /* in process: microseconds each */
    SHRINK_FORKED_STEPS_MAX = 2000, /* about a millisecond each */
    SHRINK_TIME_MS = 20000,
    SHRINK_HANG_TIME_MS = 5000, /* each attempt that fails waits for its limit */
};

enum phase { PHASE_CASES, PHASE_SHRINKING, PHASE_DONE };

/* In memory shared with the child. */
struct shared {
    volatile uint64_t progress; /* grows with every body run */
    enum phase phase;
    size_t index; /* of the input */
    bool has_failed, is_skipped, is_starved, is_absorbed;
    bool is_broken;                            /* an input could not be read */
    uint64_t injected, injected_benign, moved; /* by faults, in all cases */
    struct cupel__fault_note fault_note;       /* of the case that runs */
    struct cupel__fault_note absorbed;         /* of one that came to its end in spite of it */
    size_t origin_length;
    unsigned steps;
    bool was_cut;
    size_t length; /* of the failing input, shrunk so far */
    struct cupel_error error;
    struct cupel__draws draws; /* of an attempt in a process of its own */
    uint8_t data[];
};

struct session {
    const struct cupel_test *property;
    const struct cupel_fault_plan *faults;
    struct cupel__inputs inputs;
    struct shared *shared;
    size_t shared_size;
    int64_t timeout_ms;
    struct cupel__death death; /* that shrinking keeps */
};

/* `draws` NULL: they are not logged. */
static struct cupel__case run_case(struct session *session, const uint8_t *data, size_t length,
                                   struct cupel__draws *draws) {
    struct cupel__case one = {.property = session->property, .data = data, .length = length};
    one.trace = draws != NULL ? cupel__draws_trace : NULL;
    one.trace_user = draws;
    one.faults = session->faults;
    session->shared->progress++;
    cupel__case_run(&one);
    return one;
}

static bool fails_in_process(void *user, const uint8_t *data, size_t length) {
    struct session *session = user;
    struct cupel__case one = run_case(session, data, length, NULL);
    bool has_failed = cupel__case_has_failed(&one);
    if (has_failed) {
        memcpy(session->shared->data, data, length);
        session->shared->length = length;
    }
    return has_failed;
}

static bool dies_alike(const struct cupel__death *a, const struct cupel__death *b) {
    return a->is_hang == b->is_hang && a->signal == b->signal && a->status == b->status &&
           a->stop_signal == b->stop_signal;
}

/* The class under which a case counts: a file of a corpus is what fuzzing found. */
static enum cupel_evidence evidence_of(const struct session *session, size_t index) {
    if (session->faults != NULL && session->faults->count != 0) {
        return CUPEL_EVIDENCE_FAULT;
    }
    return index < session->inputs.files.count ? CUPEL_EVIDENCE_FUZZ : CUPEL_EVIDENCE_PROPERTY;
}

enum { CHECK_FAILED_STATUS = 101 }; /* of an attempt's process: one that no sanitizer leaves with */

static struct cupel__death run_forked(struct session *session, const uint8_t *data, size_t length,
                                      struct cupel__draws *draws) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cupel__run.fault_note = &session->shared->fault_note;
        cupel__child_silence();
        cupel__case_silence();
        cupel__evidence_begin(evidence_of(session, session->shared->index));
        struct cupel__case one = run_case(session, data, length, draws);
        cupel__evidence_end();
        _exit(cupel__case_has_failed(&one) ? CHECK_FAILED_STATUS : 0);
    }
    struct cupel__death death = {.status = 0};
    return child < 0 ? death : cupel__child_wait(child, NULL, session->timeout_ms);
}

static bool fails_forked(void *user, const uint8_t *data, size_t length) {
    struct session *session = user;
    struct cupel__death death = run_forked(session, data, length, NULL);
    return dies_alike(&death, &session->death);
}

static void draws_in_process(void *user, const uint8_t *data, size_t length, struct cupel__draws *draws) {
    (void)run_case(user, data, length, draws);
}

/* Through shared memory: what the attempt drew until it died. */
static void draws_forked(void *user, const uint8_t *data, size_t length, struct cupel__draws *draws) {
    struct session *session = user;
    session->shared->draws = *draws;
    (void)run_forked(session, data, length, &session->shared->draws);
    *draws = session->shared->draws;
}

/* Shrinks what is in shared->data. */
static void shrink(struct session *session, bool is_forked) {
    struct shared *shared = session->shared;
    uint8_t *best = malloc(session->inputs.size + 1);
    uint8_t *scratch = malloc(session->inputs.size + 1);
    if (best != NULL && scratch != NULL) {
        int64_t allowed_ms = session->death.is_hang ? SHRINK_HANG_TIME_MS : SHRINK_TIME_MS;
        struct cupel__shrink shrinker = {.fails = is_forked ? fails_forked : fails_in_process,
                                         .draws = is_forked ? draws_forked : draws_in_process,
                                         .capacity = session->inputs.size,
                                         .user = session,
                                         .steps_max = is_forked ? SHRINK_FORKED_STEPS_MAX : SHRINK_STEPS_MAX,
                                         .deadline_ns = cupel_clock_ns() + allowed_ms * 1000000};
        memcpy(best, shared->data, shared->length);
        size_t length = cupel__shrink_run(&shrinker, best, shared->length, scratch);
        memcpy(shared->data, best, length);
        shared->length = length;
        shared->steps += shrinker.steps;
        shared->was_cut = shrinker.was_cut;
    }
    free(best);
    free(scratch);
}

static void note_failing_input(struct session *session, size_t length) {
    struct shared *shared = session->shared;
    memcpy(shared->data, session->inputs.data, length);
    shared->length = length;
    shared->origin_length = length;
}

/* All cases until one fails, which is shrunk. In the child, or in this process without isolation. */
static void run_cases(struct session *session) {
    struct shared *shared = session->shared;
    enum cupel_evidence evidence = CUPEL_EVIDENCE_COUNT;
    size_t count = cupel__inputs_count(&session->inputs);
    cupel__case_silence();
    for (; shared->index < count; shared->index++) {
        size_t length = 0;
        if (!cupel__inputs_load(&session->inputs, shared->index, &length, &shared->error)) {
            shared->is_broken = true;
            break;
        }
        if (evidence != evidence_of(session, shared->index)) {
            evidence = evidence_of(session, shared->index);
            cupel__evidence_begin(evidence);
        }
        struct cupel__case one = run_case(session, session->inputs.data, length, NULL);
        shared->injected += one.injected;
        shared->injected_benign += one.injected_benign;
        shared->moved += one.moved;
        shared->is_starved = shared->is_starved || one.outcome == CUPEL__STARVED;
        if (!shared->is_absorbed && one.injected > 0 && one.outcome == CUPEL__ENDED) {
            shared->is_absorbed = true;
            shared->absorbed = *cupel__run.fault_note;
        }
        if (one.outcome == CUPEL__SKIPPED || cupel__case_has_failed(&one)) {
            note_failing_input(session, length);
            shared->is_skipped = one.outcome == CUPEL__SKIPPED;
            shared->has_failed = !shared->is_skipped;
            break;
        }
    }
    if (shared->has_failed) {
        shared->phase = PHASE_SHRINKING;
        shrink(session, false);
    }
    shared->phase = PHASE_DONE;
    cupel__evidence_end();
    cupel__case_speak();
}

/* Runs the child to its end; false where it died, with session->death set and the input in shared->data. */
static bool supervise(struct session *session) {
    struct shared *shared = session->shared;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cupel__run.fault_note = &session->shared->fault_note;
        run_cases(session);
        fflush(NULL);
        _exit(0);
    }
    if (child < 0) { /* no process to be had: do without */
        run_cases(session);
        return true;
    }
    session->death = cupel__child_wait(child, &shared->progress, session->timeout_ms);
    if (shared->phase == PHASE_DONE) {
        return true;
    }
    if (shared->phase == PHASE_CASES) {
        size_t length = 0;
        if (cupel__inputs_load(&session->inputs, shared->index, &length, &shared->error)) {
            note_failing_input(session, length);
        }
        shared->has_failed = true;
        shrink(session, true);
        return false;
    }
    /* It died while shrinking a failed check: go on with a process an attempt. */
    struct cupel__death failed_check = {.status = CHECK_FAILED_STATUS};
    session->death = failed_check;
    shrink(session, true);
    return true;
}

/* Runs the case once more, to say where the blocks are from. */
static void tell_leak(struct cupel__case *one) {
    char *text = NULL;
    size_t length = 0;
    one->is_tracking = true;
    cupel__case_silence();
    cupel__case_run(one);
    cupel__case_speak();
    FILE *out = open_memstream(&text, &length);
    if (out != NULL) {
        cupel__run_print_leak(out);
        if (fclose(out) == 0) {
            cupel_text_add_n(&cupel__run.result->messages, text, length);
        }
        free(text);
    }
}

/* What a death comes to is what it comes to in a test. */
static void note_death(const struct cupel__death *death) {
    cupel__run.death = death->is_hang ? CUPEL_VERDICT_HANG : CUPEL_VERDICT_CRASH;
    cupel__run.result->signal = death->signal;
    cupel__run.result->exit_status = death->status;
}

static void report(struct session *session, bool is_death) {
    struct shared *shared = session->shared;
    char origin[4200];
    cupel__inputs_name(&session->inputs, shared->index, origin, sizeof origin);
    if (is_death) {
        char words[256];
        char cause[160];
        cupel__death_text(&session->death, words, sizeof words);
        cupel__last_words_text(cupel__last_words(), "", cause, sizeof cause);
        cupel__run_layers(session->faults, false);
        cupel__run.failures = 0;
        cupel__fail(false, session->property->file, session->property->line, "%s%s", words, cause);
        note_death(&session->death);
        if (session->faults != NULL) { /* the last attempt at shrinking may have been another input */
            (void)run_forked(session, shared->data, shared->length, NULL);
            *cupel__run.fault_note = shared->fault_note;
        }
    } else {
        struct cupel__case one = {.property = session->property, .data = shared->data, .length = shared->length};
        one.faults = session->faults;
        cupel__case_run(&one);
        if (one.has_leaked) {
            tell_leak(&one);
        }
        if (!cupel__case_has_failed(&one)) {
            cupel__fail(false, session->property->file, session->property->line,
                        "the case failed, but not when it was run again: the property depends on more than its input");
        }
    }
    struct cupel__failing_input input = {.property = session->property,
                                         .data = shared->data,
                                         .length = shared->length,
                                         .origin = origin,
                                         .origin_length = shared->origin_length,
                                         .steps = shared->steps,
                                         .was_cut = shared->was_cut};
    cupel__failing_input_report(&input);
}

static enum cupel__outcome conclude(struct session *session, bool is_death) {
    struct shared *shared = session->shared;
    if (shared->is_broken) {
        cupel__fail(false, session->property->file, session->property->line, "%s", shared->error.text);
        return CUPEL__ENDED;
    }
    if (shared->is_skipped) { /* again here, for the reason */
        return run_case(session, shared->data, shared->length, NULL).outcome;
    }
    if (shared->has_failed) {
        report(session, is_death);
        return CUPEL__ENDED;
    }
    cupel__run.failing.injected = shared->injected;
    cupel__run.failing.injected_benign = shared->injected_benign;
    cupel__run.failing.moved = shared->moved;
    *cupel__run.fault_note = shared->absorbed;
    return shared->is_starved && !shared->is_absorbed ? CUPEL__STARVED : CUPEL__ENDED;
}

static bool open_session(struct session *session, struct cupel_error *error) {
    const struct cupel__plan_item *item = cupel__run.item;
    unsigned cases = item->test->options.cases != 0 ? item->test->options.cases : CASES_DEFAULT;
    if (cupel__settings.cases > 0) {
        cases = (unsigned)cupel__settings.cases;
    }
    session->property = item->test;
    cupel__child_on_life = cupel__worker_is_alive;
    int64_t limit_ms = cupel__timeout_ms(item) / 2; /* half, so that the runner does not step in first */
    session->timeout_ms = limit_ms > 0 && limit_ms < CASE_TIMEOUT_MS ? limit_ms : CASE_TIMEOUT_MS;
    if (!cupel__inputs_init(&session->inputs, item->test, item->seed, cases, error)) {
        return false;
    }
    session->shared_size = sizeof *session->shared + session->inputs.size;
    session->shared = mmap(NULL, session->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (session->shared == MAP_FAILED) {
        session->shared = NULL;
        (void)cupel_error_set(error, 0, 0, "no memory to share with the property's process");
        return false;
    }
    return true;
}

enum cupel__outcome cupel__property_run(const struct cupel_fault_plan *faults) {
    struct session session = {.faults = faults};
    struct cupel_error error = {.line = 0};
    enum cupel__outcome outcome = CUPEL__ENDED;
    cupel__run.failures = 0;
    if (!open_session(&session, &error)) {
        cupel__fail(false, cupel__run.item->test->file, cupel__run.item->test->line, "%s", error.text);
    } else {
        bool is_death = false;
        if (cupel__run.item->isolation == CUPEL_ISOLATE_NONE) {
            run_cases(&session);
        } else {
            is_death = !supervise(&session);
        }
        outcome = conclude(&session, is_death);
    }
    cupel__inputs_deinit(&session.inputs);
    if (session.shared != NULL) {
        (void)munmap(session.shared, session.shared_size);
    }
    return outcome;
}
