/* See retries.h. All that failed is run again together, once a round, after everything else has run: so a retry comes
 * as late as can be, in a process that is not the one it failed in. */
#include "harness/src/retries.h"
#include "harness/src/settings.h"
#include "harness/src/supervise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 256 };

static struct {
    struct cupel_result *failures[HELD_MAX]; /* owned */
    struct cupel__plan_pick picks[HELD_MAX];
    unsigned tries[HELD_MAX];
    bool has_passed[HELD_MAX];
    unsigned count;
} held;

static bool is_of(const struct cupel_result *a, const struct cupel_result *b) {
    return a->repeat == b->repeat && a->row == b->row && strcmp(a->name, b->name) == 0 &&
           strcmp(a->suite, b->suite) == 0;
}

static bool find_entry(const struct cupel__plan *plan, const struct cupel_result *result, uint32_t *entry) {
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct cupel_test *test = plan->entries[i].test;
        if (plan->entries[i].row == result->row && strcmp(test->name, result->name) == 0 &&
            strcmp(test->suite, result->suite) == 0) {
            *entry = i;
            return true;
        }
    }
    return false;
}

/* The record's texts that are pointers are borrowed from a pipe's buffer: those of the test outlive it. */
static void settle(struct cupel_result *result, const struct cupel_test *test) {
    result->program = cupel__settings.program;
    result->suite = test->suite;
    result->name = test->name;
    result->file = test->file;
    if (result->failure_file != NULL) {
        result->failure_file = strcmp(result->failure_file, test->file) == 0 ? test->file : NULL;
    }
}

bool cupel__retries_hold(const struct cupel__plan *plan, const struct cupel_result *result) {
    const struct cupel__settings *settings = plan->settings;
    uint32_t entry;
    if (settings->retries == 0 || settings->sweep || settings->fault_plan.count != 0 || held.count == HELD_MAX ||
        !cupel_result_is_failure(result) || !find_entry(plan, result, &entry)) {
        return false;
    }
    struct cupel_result *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    cupel_result_copy(copy, result);
    settle(copy, plan->entries[entry].test);
    held.failures[held.count] = copy;
    held.picks[held.count] =
        (struct cupel__plan_pick){.entry = entry, .perturb = result->perturb, .repeat = result->repeat};
    held.tries[held.count] = 0;
    held.has_passed[held.count] = false;
    held.count++;
    return true;
}

static bool note(const struct cupel_result *result) {
    for (unsigned i = 0; i < held.count; i++) {
        if (!held.has_passed[i] && is_of(held.failures[i], result)) {
            held.tries[i]++;
            held.has_passed[i] = !cupel_result_is_failure(result);
            break;
        }
    }
    return true;
}

/* One more try of each that has not passed; false where there is none, or the run shall end. */
static bool run_round(const struct cupel__plan *plan) {
    static struct cupel__plan_pick picks[HELD_MAX];
    struct cupel__run_end end = {false, false};
    struct cupel_error error;
    uint64_t count = 0;
    for (unsigned i = 0; i < held.count; i++) {
        if (!held.has_passed[i]) {
            picks[count++] = held.picks[i];
        }
    }
    struct cupel__plan part = cupel__plan_of_picks(plan, picks, count);
    return count != 0 && cupel__supervise(&part, note, &end, &error) && !end.is_interrupted;
}

void cupel__retries_run(const struct cupel__plan *plan, bool is_interrupted,
                        void (*take)(const struct cupel_result *result)) {
    for (int64_t round = 0; round < plan->settings->retries && !is_interrupted && run_round(plan); round++) {
    }
    for (unsigned i = 0; i < held.count; i++) {
        struct cupel_result *result = held.failures[i];
        if (held.has_passed[i]) {
            result->verdict = CUPEL_VERDICT_OK;
            result->flake = (struct cupel_flake){.runs = held.tries[i] + 1, .failures = held.tries[i]};
        } else if (held.tries[i] != 0) {
            cupel_text_add(&result->messages, "it failed in %s too\n",
                           held.tries[i] == 1 ? "one retry" : "all of its retries");
        }
        take(result);
        free(result);
    }
    held.count = 0;
}
