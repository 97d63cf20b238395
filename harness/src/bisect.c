/* Which of the things that were varied a flake follows. Each dimension of an item is what it is whatever the others
 * are, so that the failing repeat can be run with any of them left as they were: with all, with none, with each alone,
 * and, where no single one is enough, with one after the other left out for good. */
#include "harness/src/flakes.h"
#include "harness/src/perturb.h"
#include "harness/src/supervise.h"

#include <stdio.h>
#include <string.h>

enum { TRIES = 6, TRIES_OF_NONE = 24, TRIALS_MAX = CUPEL__DIMENSION_COUNT + 2, PICKS_MAX = 256 };
static const int64_t budget_ns = 60000000000; /* for one test */

/* The same repeat with a part of what was varied, some times over. */
struct trial {
    uint32_t mask;
    unsigned times;
    unsigned failures;
};

static struct {
    struct trial trials[TRIALS_MAX];
    unsigned count;
} bisect;

static bool note(const struct cupel_result *result) {
    for (unsigned i = 0; i < bisect.count; i++) {
        if (bisect.trials[i].mask == result->perturb) {
            bisect.trials[i].failures += cupel_result_is_failure(result);
            break;
        }
    }
    return true;
}

static void add_trial(uint32_t mask, unsigned times) {
    bisect.trials[bisect.count++] = (struct trial){.mask = mask, .times = times};
}

/* Runs the trials; false where the machine does not let it. */
static bool try_all(const struct cupel__plan *plan, uint32_t entry, uint64_t repeat) {
    static struct cupel__plan_pick picks[PICKS_MAX];
    struct cupel__run_end end = {false, false};
    struct cupel_error error;
    uint64_t count = 0;
    for (unsigned i = 0; i < bisect.count; i++) {
        for (unsigned j = 0; j < bisect.trials[i].times && count < PICKS_MAX; j++) {
            picks[count++] =
                (struct cupel__plan_pick){.entry = entry, .perturb = bisect.trials[i].mask, .repeat = repeat};
        }
    }
    struct cupel__plan part = cupel__plan_of_picks(plan, picks, count);
    return cupel__supervise(&part, note, &end, &error) && !end.is_interrupted;
}

/* Leaves one dimension out after the other, for good where it fails without. */
static uint32_t least_set(const struct cupel__plan *plan, uint32_t entry, uint64_t repeat, uint32_t active) {
    uint32_t mask = active;
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        if ((mask & (1u << i)) == 0) {
            continue;
        }
        bisect.count = 0;
        add_trial(mask & ~(1u << i), TRIES);
        if (try_all(plan, entry, repeat) && bisect.trials[0].failures != 0) {
            mask &= ~(1u << i);
        }
    }
    return mask;
}

/* The single dimensions with which it failed: those that nearly always did, where there are such. */
static uint32_t single_ones(void) {
    unsigned most = 0;
    uint32_t mask = 0;
    for (unsigned i = 2; i < bisect.count; i++) {
        most = bisect.trials[i].failures > most ? bisect.trials[i].failures : most;
    }
    for (unsigned i = 2; i < bisect.count; i++) {
        mask |= most != 0 && 2 * bisect.trials[i].failures > most ? bisect.trials[i].mask : 0;
    }
    return mask;
}

int cupel__bisect(const struct cupel__plan *plan, uint32_t entry, const struct cupel__tally *tally, char *text,
                  size_t size) {
    struct cupel__plan_pick pick = {.entry = entry, .perturb = tally->perturb, .repeat = tally->first_repeat};
    struct cupel__plan one = cupel__plan_of_picks(plan, &pick, 1);
    struct cupel__plan_item item = cupel__plan_at(&one, 0);
    struct cupel__perturbation perturbation = cupel__perturb_choose(&item);
    uint32_t active = cupel__perturb_active(&perturbation);
    if (tally->verdict == CUPEL_VERDICT_HANG || tally->duration_ns > budget_ns / (TRIES_OF_NONE + TRIES * TRIALS_MAX)) {
        return snprintf(text, size, "not looked for: it takes too long to be run many times");
    }
    bisect.count = 0;
    add_trial(active, TRIES);
    add_trial(0, TRIES_OF_NONE);
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        if ((active & (1u << i)) != 0) {
            add_trial(1u << i, TRIES);
        }
    }
    bool is_done = try_all(plan, entry, pick.repeat);
    uint32_t found = is_done ? single_ones() : 0;
    if (!is_done) {
        return snprintf(text, size, "not known: it could not be run again");
    }
    if (bisect.trials[1].failures != 0) {
        return snprintf(text, size, "nothing that was varied: it fails unperturbed too");
    }
    if (found == 0 && bisect.trials[0].failures == 0) {
        return snprintf(text, size, "nothing that was varied: alone it did not fail again");
    }
    if (found != 0) {
        return cupel__perturb_mask_format(found, text, size);
    }
    int length = snprintf(text, size, "together: ");
    return length + cupel__perturb_mask_format(least_set(plan, entry, pick.repeat, active), text + length,
                                               size - (size_t)length);
}
