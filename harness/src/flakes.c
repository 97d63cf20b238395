/* See flakes.h. Records are found again by their titles: they come from other processes. */
#include "harness/src/flakes.h"
#include "harness/src/execute.h"
#include "harness/src/growth.h"
#include "harness/src/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BISECTED_MAX = 16, AGAIN_MAX = 256 };
static const int64_t again_ns = 200000000; /* what always takes longer is not run many times more */

static struct {
    const struct cupel__plan *plan; /* NULL: nothing is counted */
    struct cupel__tally *tallies;   /* one an entry */
    uint32_t *table;                /* entry + 1 by the hash of its title, with linear probes; 0: none */
    size_t capacity;                /* a power of two */
} flakes;

static struct cupel_result record;

static uint32_t *slot_of(const char *suite, const char *name, uint32_t row) {
    uint64_t hash = cupel__mix(cupel__mix(cupel__hash_text(suite), cupel__hash_text(name)), row);
    for (size_t at = (size_t)hash & (flakes.capacity - 1);; at = (at + 1) & (flakes.capacity - 1)) {
        const struct cupel__plan_entry *entry =
            flakes.table[at] == 0 ? NULL : &flakes.plan->entries[flakes.table[at] - 1];
        if (entry == NULL ||
            (entry->row == row && strcmp(entry->test->name, name) == 0 && strcmp(entry->test->suite, suite) == 0)) {
            return &flakes.table[at];
        }
    }
}

static void forget(void) {
    free(flakes.tallies);
    free(flakes.table);
    flakes.plan = NULL;
    flakes.tallies = NULL;
    flakes.table = NULL;
}

bool cupel__flakes_begin(const struct cupel__plan *plan) {
    const struct cupel__settings *settings = plan->settings;
    if (settings->repeat <= 1 || settings->sweep) {
        return true; /* the records of a sweep are many a test */
    }
    flakes.plan = plan;
    for (flakes.capacity = 64; flakes.capacity < 2 * plan->count;) {
        flakes.capacity *= 2;
    }
    flakes.tallies = calloc(plan->count + 1, sizeof *flakes.tallies);
    flakes.table = calloc(flakes.capacity, sizeof *flakes.table);
    if (flakes.tallies == NULL || flakes.table == NULL) {
        forget();
        return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct cupel__plan_entry *entry = &plan->entries[i];
        *slot_of(entry->test->suite, entry->test->name, entry->row) = i + 1;
    }
    return true;
}

void cupel__tally_growth(struct cupel__tally *tally, const struct cupel_result *result) {
    tally->settled++;
    tally->bytes += result->grown_bytes;
    tally->descriptors += result->grown_descriptors;
    tally->grew_bytes += result->grown_bytes > 0;
    tally->grew_descriptors += result->grown_descriptors > 0;
}

void cupel__flakes_note(const struct cupel_result *result) {
    if (flakes.plan == NULL || result->verdict == CUPEL_VERDICT_SKIPPED) {
        return;
    }
    uint32_t entry = *slot_of(result->suite, result->name, result->row);
    if (entry == 0) {
        return; /* of a worker, not of a test */
    }
    struct cupel__tally *tally = &flakes.tallies[entry - 1];
    tally->runs++;
    tally->perturb = result->perturb;
    tally->longest_ns = result->duration_ns > tally->longest_ns ? result->duration_ns : tally->longest_ns;
    if (tally->runs == 1 || result->duration_ns < tally->shortest_ns) {
        tally->shortest_ns = result->duration_ns;
    }
    if (cupel_result_is_failure(result)) {
        if (tally->failures == 0 || result->repeat < tally->first_repeat) {
            tally->first_repeat = result->repeat;
            tally->verdict = result->verdict;
        }
        tally->failures++;
    } else if (result->has_settled) {
        cupel__tally_growth(tally, result);
    }
}

static void name_record(uint32_t entry, const struct cupel__tally *tally) {
    const struct cupel__plan_entry *of = &flakes.plan->entries[entry];
    struct cupel__plan_item item = {
        .test = of->test, .row = of->row, .repeat = tally->first_repeat, .perturb = tally->perturb};
    cupel__execute_name(&item, &record);
}

static void tell_flake(uint32_t entry, const struct cupel__tally *tally, bool may_bisect,
                       void (*take)(const struct cupel_result *result)) {
    double low;
    double high;
    name_record(entry, tally);
    record.verdict = tally->verdict;
    record.flake.runs = tally->runs;
    record.flake.failures = tally->failures;
    cupel_flake_interval(&record.flake, &low, &high);
    if (may_bisect) {
        (void)cupel__bisect(flakes.plan, entry, tally, record.flake.follows, sizeof record.flake.follows);
    }
    cupel_text_add(&record.messages,
                   "failed in %" PRIu64 " of %" PRIu64 " repeats, %.1f %% (95 %% interval: %.1f to %.1f %%), first in "
                   "repeat %" PRIu64 " of seed %" PRIu64 "\n",
                   tally->failures, tally->runs, 100.0 * (double)tally->failures / (double)tally->runs, 100 * low,
                   100 * high, tally->first_repeat, record.seed);
    if (record.flake.follows[0] != '\0') {
        cupel_text_add(&record.messages, "follows: %s\n", record.flake.follows);
    }
    take(&record);
}

/* Left something nearly every time: now and then may be a cache, or the memory of a thread that ends late. */
static bool is_growth(uint64_t grew, int64_t sum, const struct cupel__tally *tally) {
    return tally->settled >= CUPEL__GROWTH_SETTLED_MIN && sum > 0 && grew * 10 >= tally->settled * 9;
}

/* In circumstances that hide some of it, and feign some. */
static bool is_suspect(const struct cupel__tally *tally) {
    bool has_bytes = tally->bytes > 0 && tally->grew_bytes * 4 >= tally->settled;
    bool has_descriptors = tally->descriptors > 0 && tally->grew_descriptors * 4 >= tally->settled;
    return tally->settled >= CUPEL__GROWTH_SETTLED_MIN && (has_bytes || has_descriptors);
}

/* `*again_count` tests were run again for that already. */
static void tell_growth(uint32_t entry, struct cupel__tally *tally, unsigned *again_count,
                        void (*take)(const struct cupel_result *result)) {
    if (cupel__growth_is_rough(flakes.plan->settings, tally->perturb)) {
        bool is_due = is_suspect(tally) && tally->shortest_ns <= again_ns && *again_count < AGAIN_MAX;
        *again_count += is_due;
        if (!is_due || !cupel__growth_again(flakes.plan, entry, tally)) {
            return;
        }
    }
    bool has_bytes = is_growth(tally->grew_bytes, tally->bytes, tally);
    bool has_descriptors = is_growth(tally->grew_descriptors, tally->descriptors, tally);
    if (!has_bytes && !has_descriptors) {
        return;
    }
    name_record(entry, tally);
    record.verdict = CUPEL_VERDICT_LEAK;
    record.failures = 1;
    double repeats = (double)tally->settled;
    if (has_bytes) {
        cupel_text_add(&record.messages,
                       "%s:%u: growth: each repeat leaves %.1f bytes of malloc more, over %" PRIu64 " repeats\n",
                       record.file, record.line, (double)tally->bytes / repeats, tally->settled);
    }
    if (has_descriptors) {
        cupel_text_add(&record.messages,
                       "%s:%u: growth: each repeat leaves %.1f descriptors more, over %" PRIu64 " repeats\n",
                       record.file, record.line, (double)tally->descriptors / repeats, tally->settled);
    }
    char flag[48];
    size_t used = strlen(record.flags);
    (void)snprintf(flag, sizeof flag, " --repeat=%d --jobs=1", 2 * CUPEL__GROWTH_SETTLED_MIN);
    if (used + strlen(flag) < sizeof record.flags) {
        memcpy(record.flags + used, flag, strlen(flag) + 1);
    }
    take(&record);
}

void cupel__flakes_end(bool is_interrupted, void (*take)(const struct cupel_result *result)) {
    if (flakes.plan == NULL) {
        return;
    }
    unsigned bisected = 0;
    unsigned again_count = is_interrupted ? AGAIN_MAX : 0;
    for (uint32_t i = 0; i < flakes.plan->count; i++) {
        struct cupel__tally *tally = &flakes.tallies[i];
        if (tally->failures != 0 && tally->failures < tally->runs) {
            bool may_bisect = flakes.plan->settings->bisect && tally->perturb != 0 && !is_interrupted;
            tell_flake(i, tally, may_bisect && bisected < BISECTED_MAX, take);
            bisected += may_bisect;
        } else if (tally->failures == 0) {
            tell_growth(i, tally, &again_count, take);
        }
    }
    forget();
}
