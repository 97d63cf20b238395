/* Plans: see plan.h. Registered tests are found between the two symbols that the linker makes for their section; the
 * compiler may reverse them, so they are sorted by file and line. */
#include "harness/src/plan.h"
#include "harness/result.h"
#include "harness/src/select.h"
#include "harness/src/suites.h"
#include "harness/src/title.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct cupel_test *const __start_cupel_tests[] __attribute__((weak));
extern const struct cupel_test *const __stop_cupel_tests[] __attribute__((weak));

uint64_t cupel__mix(uint64_t a, uint64_t b) {
    uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t cupel__hash_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    }
    return hash;
}

int cupel__plan_title(const struct cupel_test *test, uint32_t row, char *text, size_t size) {
    return cupel__title(test->suite, test->name, row, text, size);
}

static int compare_entries(const void *left, const void *right) {
    const struct cupel__plan_entry *a = left;
    const struct cupel__plan_entry *b = right;
    int order = strcmp(a->test->file, b->test->file);
    if (order == 0) {
        order = (a->test->line > b->test->line) - (a->test->line < b->test->line);
    }
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

/* A table of no rows has no entry; a test that is no table has one. */
static uint32_t rows_of(const struct cupel_test *test) {
    return test->options.rows == NULL ? 1 : (uint32_t)test->options.row_count;
}

static size_t select_entries(struct cupel__plan_entry *entries, const struct cupel__settings *settings,
                             const struct cupel__filter *filter) {
    size_t count = 0;
    for (const struct cupel_test *const *test = __start_cupel_tests; test < __stop_cupel_tests; test++) {
        for (uint32_t row = 0; row < rows_of(*test); row++) {
            struct cupel__plan_entry entry = {*test, (*test)->options.rows == NULL ? CUPEL_NO_ROW : row};
            char title[512];
            (void)cupel__plan_title(entry.test, entry.row, title, sizeof title);
            if (cupel__is_selected(settings, filter, entry.test, title)) {
                entries[count++] = entry;
            }
        }
    }
    return count;
}

/* Whether repeats behind the first take it. */
static bool is_repeated(const struct cupel__plan *plan, const struct cupel__plan_entry *entry) {
    return plan->settings->repeat_slow || !cupel__has_tag(entry->test, "slow");
}

/* GoogleTest runs suite by suite. */
static bool group_suites(struct cupel__plan *plan) {
    struct cupel__suites suites;
    struct cupel__plan_entry *grouped = calloc(plan->count + 1, sizeof *grouped);
    if (grouped == NULL || !cupel__suites_init(&suites, plan->entries, plan->count)) {
        free(grouped);
        return false;
    }
    for (size_t i = 0; i < plan->count; i++) {
        grouped[i] = plan->entries[suites.order[i]];
    }
    cupel__suites_deinit(&suites);
    free(plan->entries);
    plan->entries = grouped;
    return true;
}

bool cupel__plan_init(struct cupel__plan *plan, const struct cupel__settings *settings) {
    *plan = (struct cupel__plan){.settings = settings, .order_repeat = UINT64_MAX};
    size_t capacity = 1;
    for (const struct cupel_test *const *test = __start_cupel_tests; test < __stop_cupel_tests; test++) {
        capacity += rows_of(*test);
    }
    plan->entries = calloc(capacity, sizeof *plan->entries);
    plan->order = calloc(capacity, sizeof *plan->order);
    if (plan->entries == NULL || plan->order == NULL) {
        cupel__plan_deinit(plan);
        return false;
    }
    struct cupel__filter filter;
    if (settings->filter != NULL && !cupel__filter_init(&filter, settings->filter)) {
        cupel__plan_deinit(plan);
        return false;
    }
    plan->count = select_entries(plan->entries, settings, settings->filter == NULL ? NULL : &filter);
    if (settings->filter != NULL) {
        cupel__filter_deinit(&filter);
    }
    if (plan->count > 1) {
        qsort(plan->entries, plan->count, sizeof *plan->entries, compare_entries);
    }
    if (settings->is_gtest && !group_suites(plan)) {
        cupel__plan_deinit(plan);
        return false;
    }
    for (size_t i = 0; i < plan->count; i++) {
        plan->again_count += is_repeated(plan, &plan->entries[i]);
    }
    uint64_t repeats = settings->repeat == INT64_MAX ? UINT64_MAX : (uint64_t)settings->repeat;
    if (repeats == 0) {
        plan->total = 0;
    } else if (__builtin_mul_overflow(repeats - 1, (uint64_t)plan->again_count, &plan->total) ||
               __builtin_add_overflow(plan->total, (uint64_t)plan->count, &plan->total)) {
        plan->total = UINT64_MAX;
    }
    return true;
}

void cupel__plan_deinit(struct cupel__plan *plan) {
    free(plan->entries);
    free(plan->order);
    *plan = (struct cupel__plan){0};
}

/* Fisher and Yates, with the seed of the run and the repeat. */
static void shuffle(uint32_t *order, size_t count, uint64_t seed) {
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(cupel__mix(seed, i) % i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void order_repeat(struct cupel__plan *plan, uint64_t repeat) {
    if (plan->order_repeat == repeat) {
        return;
    }
    bool is_first = repeat == (uint64_t)plan->settings->repeat_index;
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (is_first || is_repeated(plan, &plan->entries[i])) {
            plan->order[count++] = (uint32_t)i;
        }
    }
    if (plan->settings->shuffle) {
        shuffle(plan->order, count, cupel__mix(plan->settings->seed, repeat));
    }
    plan->order_repeat = repeat;
}

/* What the test, the death test it may be, and the run say, in this order of weight. */
static enum cupel_isolation isolation_of(const struct cupel_test *test, const struct cupel__settings *settings) {
    const struct cupel_test_options *options = &test->options;
    if (options->expect_signal != 0 || options->expect_exit != 0) {
        return CUPEL_ISOLATE_PROCESS;
    }
    static const enum cupel_isolation of_run[] = {CUPEL_ISOLATE_WORKER, CUPEL_ISOLATE_PROCESS, CUPEL_ISOLATE_NONE};
    enum cupel_isolation run = of_run[settings->isolate];
    if (run == CUPEL_ISOLATE_WORKER && settings->sweep && options->no_sweep) {
        return CUPEL_ISOLATE_PROCESS; /* what it sets up once shall not be there for those that are swept */
    }
    if (run == CUPEL_ISOLATE_NONE || options->isolate == CUPEL_ISOLATE_DEFAULT) {
        return run;
    }
    return options->isolate == CUPEL_ISOLATE_WORKER ? run : options->isolate;
}

struct cupel__plan cupel__plan_of_picks(const struct cupel__plan *plan, const struct cupel__plan_pick *picks,
                                        uint64_t count) {
    struct cupel__plan made = *plan;
    made.picks = picks;
    made.pick_count = count;
    made.total = count;
    return made;
}

static struct cupel__plan_item item_of(const struct cupel__plan *plan, const struct cupel__plan_pick *pick) {
    const struct cupel__plan_entry *entry = &plan->entries[pick->entry];
    struct cupel__plan_item item = {
        .test = entry->test, .row = entry->row, .repeat = pick->repeat, .perturb = pick->perturb};
    uint64_t test_hash = cupel__mix(cupel__hash_text(entry->test->suite), cupel__hash_text(entry->test->name));
    item.seed = cupel__mix(cupel__mix(plan->settings->seed, pick->repeat), cupel__mix(test_hash, entry->row));
    item.isolation = isolation_of(entry->test, plan->settings);
    if (pick->is_alone && item.isolation == CUPEL_ISOLATE_WORKER) {
        item.isolation = CUPEL_ISOLATE_PROCESS;
    }
    return item;
}

struct cupel__plan_item cupel__plan_at(struct cupel__plan *plan, uint64_t index) {
    if (plan->picks != NULL) {
        return item_of(plan, &plan->picks[index]);
    }
    struct cupel__plan_pick pick = {.perturb = plan->settings->perturb,
                                    .repeat = (uint64_t)plan->settings->repeat_index};
    if (index >= plan->count) {
        index -= plan->count;
        pick.repeat += 1 + index / plan->again_count;
        index %= plan->again_count;
    }
    order_repeat(plan, pick.repeat);
    pick.entry = plan->order[index];
    return item_of(plan, &pick);
}
