/* The plan of a run: tests x repeats x fault plans, with one seed. The selected tests (a row of a table is one) are a
 * list; the order of each repeat is a pure function of the seed and the repeat, so that every process computes the same
 * and a run without end needs no memory. The first repeat of a run takes every test, later ones leave out those that
 * are tagged slow unless the run says otherwise. */
#ifndef HARNESS_SRC_PLAN_H
#define HARNESS_SRC_PLAN_H

#include "harness/harness.h"
#include "harness/src/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thing to execute. */
struct cupel__plan_item {
    const struct cupel_test *test;
    uint32_t row;                   /* CUPEL_NO_ROW where it is no table test */
    uint64_t repeat;                /* 0 for the first */
    uint64_t seed;                  /* the test's own: mixed from the run's seed, the repeat and the test's name */
    enum cupel_isolation isolation; /* resolved: WORKER, PROCESS or NONE */
    uint32_t perturb;               /* dimensions that are varied: see perturb.h */
};

struct cupel__plan_entry {
    const struct cupel_test *test;
    uint32_t row;
};

/* One item by name, for plans that are a list: what failed, once more. */
struct cupel__plan_pick {
    uint32_t entry; /* index into the entries */
    uint32_t perturb;
    uint64_t repeat;
    bool is_alone; /* in a process of its own, unless the run is in the runner's */
};

struct cupel__plan {
    const struct cupel__settings *settings;
    struct cupel__plan_entry *entries; /* selected, in order of declaration; owned */
    size_t count;
    size_t again_count; /* of these, what later repeats take too: all but the slow ones */
    uint32_t *order;    /* of repeat `order_repeat`; owned */
    uint64_t order_repeat;
    uint64_t total;                       /* items in all, UINT64_MAX without end */
    const struct cupel__plan_pick *picks; /* these alone, in this order; NULL: the whole plan. Borrowed */
    uint64_t pick_count;
};

/* Selects from the registered tests. False when out of memory. Release with cupel__plan_deinit. */
bool cupel__plan_init(struct cupel__plan *plan, const struct cupel__settings *settings);
void cupel__plan_deinit(struct cupel__plan *plan);
/* The item of that index (< total). */
struct cupel__plan_item cupel__plan_at(struct cupel__plan *plan, uint64_t index);
/* The same plan, but of these items alone (borrowed, as is what `plan` holds): nothing to release. */
struct cupel__plan cupel__plan_of_picks(const struct cupel__plan *plan, const struct cupel__plan_pick *picks,
                                        uint64_t count);
/* "suite.name" or "suite.name/row"; as snprintf. */
int cupel__plan_title(const struct cupel_test *test, uint32_t row, char *text, size_t size);

/* Mixes two words into one, well spread (the finalizer of SplitMix64). */
uint64_t cupel__mix(uint64_t a, uint64_t b);
/* Stable over builds and machines (FNV-1a, 64 bits). */
uint64_t cupel__hash_text(const char *text);

#endif
