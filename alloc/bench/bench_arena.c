/* What the arena saves over malloc where many small blocks go back together, what the facade adds to malloc, and what
 * the indirection through the global allocator's table costs. */
#include "alloc/arena.h"
#include "alloc/bench/measure.h"
#include "alloc/facade.h"
#include "alloc/libc.h"
#include "alloc/mode.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 20000, PAIRS = 20000, ROUNDS = 51 };

/* Sizes of 8 to 128 bytes, always the same ones in the same order. */
static size_t size_of(unsigned i) {
    return 8 + (i * 2654435761u >> 16) % 121;
}

static void *blocks[BLOCKS];

static void run_malloc_all(void *user) {
    (void)user;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size_of(i));
        *(char *)blocks[i] = 1;
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
}

static void run_arena_all(void *user) {
    struct cupel_arena *arena = user;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = cupel_arena_alloc(arena, size_of(i), 8);
        *(char *)blocks[i] = 1;
    }
    cupel_arena_reset(arena, SIZE_MAX);
}

static void run_arena_through_table(void *user) {
    struct cupel_arena *arena = user;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = cupel_alloc(&arena->base, size_of(i), 8);
        *(char *)blocks[i] = 1;
    }
    cupel_arena_reset(arena, SIZE_MAX);
}

static void run_arena_returning(void *user) {
    struct cupel_arena *arena = user;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = cupel_arena_alloc(arena, size_of(i), 8);
        *(char *)blocks[i] = 1;
    }
    cupel_arena_reset(arena, 0);
}

static void bench_arena(void) {
    struct cupel_arena arena;
    struct cupel_arena other;
    (void)cupel_arena_init(&arena, cupel_libc(), NULL);
    (void)cupel_arena_init(&other, cupel_libc(), NULL);
    struct measure_contender contenders[] = {{run_malloc_all, NULL, 0},
                                             {run_arena_all, &arena, 0},
                                             {run_arena_through_table, &arena, 0},
                                             {run_arena_returning, &other, 0}};
    measure(contenders, 4, ROUNDS);
    static const char *const names[] = {"arena, reset keeping pages", "arena through its table, the same",
                                        "arena, reset returning pages"};
    for (unsigned i = 0; i < 3; i++) {
        char what[96];
        (void)snprintf(what, sizeof what, "%s: 20000 blocks of 8 to 128 bytes, each", names[i]);
        measure_row(what, contenders[i + 1].median_ns / BLOCKS, contenders[0].median_ns / BLOCKS, "ns", "");
    }
    cupel_arena_deinit(&arena);
    cupel_arena_deinit(&other);
}

static void run_malloc_pairs(void *user) {
    (void)user;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = malloc(64);
        measure_keep(block);
        free(block);
    }
}

static void run_global_pairs(void *user) {
    (void)user;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = cupel_global_malloc(64);
        measure_keep(block);
        cupel_global_free(block);
    }
}

static void run_facade_pairs(void *user) {
    struct cupel_facade *facade = user;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = cupel_facade_malloc(facade, 64);
        measure_keep(block);
        cupel_facade_free(facade, block);
    }
}

static void pair_row(const char *what, struct measure_contender *ours, struct measure_contender *rival, double must) {
    double difference = (ours->median_ns - rival->median_ns) / PAIRS;
    char budget[64];
    if (must > 0) {
        (void)snprintf(budget, sizeof budget, "%+.1f ns of %.0f ns", difference, must);
    } else {
        (void)snprintf(budget, sizeof budget, "%+.1f ns", difference);
    }
    measure_row(what, ours->median_ns / PAIRS, rival->median_ns / PAIRS, "ns", budget);
}

/* Fast mode is never left again, so it comes last. */
static void bench_pairs(void) {
    static const enum cupel_alloc_mode modes[] = {CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING, CUPEL_MODE_FAST};
    static const double musts[] = {0, 0, 2};
    struct cupel_facade facade = {0};
    (void)cupel_facade_init(&facade, cupel_libc());
    struct measure_contender contenders[] = {{run_malloc_pairs, NULL, 0}, {run_facade_pairs, &facade, 0}};
    measure(contenders, 2, ROUNDS);
    pair_row("malloc facade over libc, a pair of 64 bytes", &contenders[1], &contenders[0], 0);
    cupel_facade_deinit(&facade);
    for (unsigned i = 0; i < 3; i++) {
        if (!cupel_set_alloc_mode(modes[i], NULL)) {
            continue;
        }
        contenders[1] = (struct measure_contender){run_global_pairs, NULL, 0};
        measure(contenders, 2, ROUNDS);
        char what[96];
        (void)snprintf(what, sizeof what, "global allocator in %s mode, a pair of 64 bytes",
                       cupel_alloc_mode_name(modes[i]));
        pair_row(what, &contenders[1], &contenders[0], musts[i]);
    }
}

int main(void) {
    bench_arena();
    bench_pairs();
    return 0;
}
