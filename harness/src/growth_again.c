/* A test that is suspected of growth, once more: alone and unvaried, in one fresh process, where malloc's caches are
 * full after a few runs and what is left then was left by the test. */
#include "harness/src/flakes.h"
#include "harness/src/growth.h"
#include "harness/src/supervise.h"

#include <string.h>

enum { RUNS = CUPEL__GROWTH_WARM_UP + 2 * CUPEL__GROWTH_SETTLED_MIN };

static struct {
    const struct cupel__plan_entry *entry;
    struct cupel__tally tally;
} again;

static bool note(const struct cupel_result *result) {
    const struct cupel__plan_entry *entry = again.entry;
    if (result->row == entry->row && strcmp(result->name, entry->test->name) == 0 &&
        strcmp(result->suite, entry->test->suite) == 0) {
        bool has_failed = cupel_result_is_failure(result);
        again.tally.failures += has_failed;
        if (again.tally.runs++ >= CUPEL__GROWTH_WARM_UP && !has_failed) {
            cupel__tally_growth(&again.tally, result);
        }
    }
    return again.tally.failures == 0;
}

bool cupel__growth_again(const struct cupel__plan *plan, uint32_t entry, struct cupel__tally *tally) {
    struct cupel__plan_pick picks[RUNS];
    struct cupel__settings settings = *plan->settings;
    struct cupel__run_end end = {false, false};
    struct cupel_error error;
    for (unsigned i = 0; i < RUNS; i++) {
        picks[i] = (struct cupel__plan_pick){.entry = entry, .repeat = tally->first_repeat + i};
    }
    settings.jobs = 1; /* one process sees all of them */
    again.entry = &plan->entries[entry];
    again.tally = (struct cupel__tally){.first_repeat = tally->first_repeat};
    struct cupel__plan part = cupel__plan_of_picks(plan, picks, RUNS);
    part.settings = &settings;
    if (!cupel__supervise(&part, note, &end, &error) || end.is_interrupted || again.tally.failures != 0) {
        return false;
    }
    *tally = again.tally;
    return true;
}
