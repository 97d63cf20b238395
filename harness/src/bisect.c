/* Runs the failing repeat of a test again with parts of what was varied, for follows.h. Each dimension of an item is
 * what it is whatever the others are; and each run has a process of its own, so that none finds what another left: full
 * descriptors, or memory that an earlier run filled. */
#include "harness/src/flakes.h"
#include "harness/src/follows.h"
#include "harness/src/perturb.h"
#include "harness/src/supervise.h"

#include "alloc/base/progress.h"

#include <stdio.h>
#include <string.h>

enum { LEAST_RUNS = 32, PICKS_MAX = CUPEL__FOLLOWS_TRIALS * CUPEL__FOLLOWS_BATCH_MAX };
static const int64_t budget_ns = 60000000000; /* for one test */

static struct {
    const struct cupel__plan *plan;
    const struct cupel__plan_entry *entry;
    struct cupel__plan_pick pick;
    struct cupel__trial *trials;
    unsigned count;
    int64_t deadline_ns;
} bisect;

static bool note(const struct cupel_result *result) {
    const struct cupel__plan_entry *entry = bisect.entry;
    bool is_it = result->row == entry->row && strcmp(result->name, entry->test->name) == 0 &&
                 strcmp(result->suite, entry->test->suite) == 0; /* else of a worker */
    for (unsigned i = 0; i < bisect.count && is_it; i++) {
        if (bisect.trials[i].mask == result->perturb) {
            bisect.trials[i].runs++;
            bisect.trials[i].failures += cupel_result_is_failure(result);
            break;
        }
    }
    return cupel_clock_ns() < bisect.deadline_ns;
}

static bool run_trials(void *user, struct cupel__trial *trials, unsigned count) {
    static struct cupel__plan_pick picks[PICKS_MAX];
    struct cupel__run_end end = {false, false};
    struct cupel_error error;
    uint64_t picked = 0;
    (void)user;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < trials[i].wanted && picked < PICKS_MAX; j++) {
            picks[picked] = bisect.pick;
            picks[picked++].perturb = trials[i].mask;
        }
    }
    bisect.trials = trials;
    bisect.count = count;
    struct cupel__plan part = cupel__plan_of_picks(bisect.plan, picks, picked);
    return cupel__supervise(&part, note, &end, &error) && !end.is_interrupted && !end.is_cut;
}

static int write_name(void *user, unsigned dimension, char *text, size_t size) {
    (void)user;
    return snprintf(text, size, "%s", cupel__dimension_name(dimension));
}

int cupel__bisect(const struct cupel__plan *plan, uint32_t entry, const struct cupel__tally *tally, char *text,
                  size_t size) {
    struct cupel__plan_pick pick = {
        .entry = entry, .perturb = tally->perturb, .repeat = tally->first_repeat, .is_alone = true};
    struct cupel__plan one = cupel__plan_of_picks(plan, &pick, 1);
    struct cupel__plan_item item = cupel__plan_at(&one, 0);
    struct cupel__perturbation perturbation = cupel__perturb_choose(&item);
    if (tally->verdict == CUPEL_VERDICT_HANG || tally->longest_ns > budget_ns / LEAST_RUNS) {
        return snprintf(text, size, "not looked for: it takes too long to be run many times");
    }
    bisect.plan = plan;
    bisect.entry = &plan->entries[entry];
    bisect.pick = pick;
    bisect.deadline_ns = cupel_clock_ns() + budget_ns;
    struct cupel__follows follows = cupel__follows_find(cupel__perturb_active(&perturbation), run_trials, NULL);
    return cupel__follows_format(&follows, write_name, NULL, text, size);
}
