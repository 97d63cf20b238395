/* What each layer costs over bare malloc, for a pair of allocation and release of 64 bytes, and whether tracking's
 * release stays flat as live blocks grow from a thousand to a million. */
#include "alloc/bench/measure.h"
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/pages.h"
#include "alloc/tracking.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAIRS = 20000, ROUNDS = 101, SIZE = 64 };

static void run_malloc(void *user) {
    (void)user;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = malloc(SIZE);
        measure_keep(block);
        free(block);
    }
}

static void run_layer(void *allocator) {
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = cupel_alloc(allocator, SIZE, 8);
        measure_keep(block);
        cupel_free(allocator, block, SIZE, 8);
    }
}

static void bench_pairs(void) {
    struct cupel_counting counting;
    struct cupel_counting shared;
    struct cupel_failing failing;
    struct cupel_tracking tracking;
    struct measure_contender contenders[] = {
        {run_malloc, NULL, 0},
        {run_layer, cupel_libc(), 0},
        {run_layer, cupel_counting_init(&counting, cupel_libc()), 0},
        {run_layer, cupel_counting_init_shared(&shared, cupel_libc()), 0},
        {run_layer, cupel_failing_init(&failing, cupel_libc(), "alloc:1000000000", NULL), 0},
        {run_layer, cupel_tracking_init(&tracking, cupel_libc()), 0},
    };
    measure(contenders, sizeof contenders / sizeof contenders[0], ROUNDS);
    double pair[6];
    for (unsigned i = 0; i < 6; i++) {
        pair[i] = contenders[i].median_ns / PAIRS;
    }
    static const char *const names[] = {"libc root", "counting", "counting, shared", "failing (one rule)",
                                        "tracking (with stack)"};
    for (unsigned i = 0; i < 5; i++) {
        char what[96];
        char budget[96];
        (void)snprintf(what, sizeof what, "%s over bare malloc, a pair of 64 bytes", names[i]);
        (void)snprintf(budget, sizeof budget, "%+.1f ns%s", pair[i + 1] - pair[0], i == 1 ? " of 5 ns (aim 2 ns)" : "");
        measure_row(what, pair[i + 1], pair[0], "ns", budget);
    }
    char budget[96];
    (void)snprintf(budget, sizeof budget, "%+.1f ns of 5 ns (aim 2 ns)", pair[2] - pair[1]);
    measure_row("counting over the libc root, a pair of 64 bytes", pair[2], pair[1], "ns", budget);
    cupel_tracking_deinit(&tracking);
}

/* A thousand releases and acquisitions, either of the same thousand blocks among all live ones, which shows what the
 * number of live blocks costs, or spread over all of them, which shows what the machine's caches cost on top. */
struct live_set {
    struct cupel_tracking tracking;
    struct cupel_allocator *allocator; /* tracking, or the libc root for the rival */
    void **blocks;
    size_t count;
    size_t stride;
    size_t at;
};

enum { SWAPS = 1000 };

static void run_swaps(void *user) {
    struct live_set *set = user;
    for (unsigned i = 0; i < SWAPS; i++) {
        cupel_free(set->allocator, set->blocks[set->at], 16, 8);
        set->blocks[set->at] = cupel_alloc(set->allocator, 16, 8);
        set->at = (set->at + set->stride) % set->count;
    }
}

/* Starts again at the same block each round: with stride 1 the round goes over the first thousand. */
static void run_same_blocks(void *user) {
    struct live_set *set = user;
    set->at = 0;
    set->stride = 1;
    run_swaps(set);
}

static void run_spread(void *user) {
    struct live_set *set = user;
    set->stride = 611953; /* a prime: it comes to all blocks */
    run_swaps(set);
}

static void fill(struct live_set *set, size_t count, bool is_tracked) {
    set->allocator = is_tracked ? cupel_tracking_init(&set->tracking, cupel_libc()) : cupel_libc();
    set->count = count;
    set->at = 0;
    set->blocks = cupel_alloc(cupel_pages(), count * sizeof *set->blocks, 8);
    for (size_t i = 0; i < count; i++) {
        set->blocks[i] = cupel_alloc(set->allocator, 16, 8);
    }
}

static void empty(struct live_set *set, bool is_tracked) {
    for (size_t i = 0; i < set->count; i++) {
        cupel_free(set->allocator, set->blocks[i], 16, 8);
    }
    cupel_free(cupel_pages(), set->blocks, set->count * sizeof *set->blocks, 8);
    if (is_tracked) {
        cupel_tracking_deinit(&set->tracking);
    }
}

static void bench_flatness(struct live_set *sets, measure_round run, const char *which) {
    struct measure_contender contenders[8];
    for (unsigned i = 0; i < 8; i++) {
        contenders[i] = (struct measure_contender){run, &sets[i], 0};
    }
    measure(contenders, 8, ROUNDS);
    for (unsigned i = 0; i < 8; i += 2) {
        char what[128];
        char budget[96];
        (void)snprintf(what, sizeof what, "tracking over libc root: release and acquire %s, %zu live", which,
                       sets[i].count);
        (void)snprintf(budget, sizeof budget, "%.2f of that at 1000 live (rival: %.2f)",
                       contenders[i].median_ns / contenders[0].median_ns,
                       contenders[i + 1].median_ns / contenders[1].median_ns);
        measure_row(what, contenders[i].median_ns / SWAPS, contenders[i + 1].median_ns / SWAPS, "ns", budget);
    }
}

int main(void) {
    static struct live_set sets[8];
    bench_pairs();
    for (size_t i = 0, count = 1000; i < 8; i += 2, count *= 10) {
        fill(&sets[i], count, true);
        fill(&sets[i + 1], count, false);
    }
    bench_flatness(sets, run_same_blocks, "the same thousand blocks");
    bench_flatness(sets, run_spread, "blocks spread over all");
    for (unsigned i = 0; i < 8; i++) {
        empty(&sets[i], i % 2 == 0);
    }
    return 0;
}
