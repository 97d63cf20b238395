/* What the address index costs, by its back ends: kept live in a compiler, over the log of all allocations of that
 * compiler, and with a million live blocks beside the C library's own tree (tsearch).
 *
 * The compiler is gcc, whole, at work on a real source; and its cc1 at work on a file that is made here, whose
 * functions make it allocate more often than real ones do. A library that is preloaded into it feeds the index
 * (index_preload.c), and writes the log. Where there is no such compiler those rows are left out. */
#include "alloc/bench/index_compiler.h"
#include "alloc/bench/index_log.h"
#include "alloc/bench/measure.h"
#include "alloc/pages.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MILLION = 1000000,
    SPACING = 48,
    SIZE = 32,
    LIVE_ROUNDS = 21,
    LOG_ROUNDS = 11,
    MILLION_ROUNDS = 3,
    ASKED = 200000
};

static void start(struct cupel_index *index, enum cupel_index_kind kind) {
    struct cupel_index_options options = {.kind = kind, .record_bytes = sizeof(struct index_record)};
    enum cupel_index_status status = cupel_index_init_with(index, &options);
    if (status != CUPEL_INDEX_OK) {
        (void)fprintf(stderr, "alloc_index: %s: %s\n", cupel_index_kind_name(kind), cupel_index_status_name(status));
        exit(1);
    }
}

/* The compiler with the index in it */

static const char *const ways[] = {NULL, "none", "hash", "memtable", "pages", "starts"};
enum { WAYS = sizeof ways / sizeof ways[0] };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double values[LIVE_ROUNDS]) {
    double sorted[LIVE_ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, LIVE_ROUNDS, sizeof sorted[0], compare);
    return sorted[LIVE_ROUNDS / 2];
}

/* The cost over the bare compiler, in percent: the median of the rounds, in each of which all ran in turn. A round that
 * others on the machine disturbed weighs no more than one vote, and a lucky one neither. */
static double percent_over(double seconds[WAYS][LIVE_ROUNDS], unsigned way) {
    double ratios[LIVE_ROUNDS];
    for (unsigned i = 0; i < LIVE_ROUNDS; i++) {
        ratios[i] = seconds[way][i] / seconds[0][i];
    }
    return 100 * (median(ratios) - 1);
}

static bool bench_live(enum index_source which, const char *where) {
    static double seconds[WAYS][LIVE_ROUNDS];
    for (unsigned round = 0; round < LIVE_ROUNDS; round++) {
        for (unsigned i = 0; i < WAYS; i++) {
            unsigned way = (round + i) % WAYS; /* each is first once in a while */
            seconds[way][round] = index_compiler_run(which, ways[way]);
            if (seconds[way][round] < 0) {
                return false;
            }
        }
    }
    static const char *const what[] = {NULL,    "hooks that do nothing",  "the hash", "the memtable",
                                       "pages", "start bits and trailers"};
    static const char *const seed[] = {NULL, "+0.6 %", "+6.2 %", "+2.7 %", NULL, NULL};
    double bare = median(seconds[0]);
    for (unsigned way = 1; way < WAYS; way++) {
        double percent = percent_over(seconds, way);
        char name[128];
        char budget[128];
        (void)snprintf(name, sizeof name, "%s: %s", where, what[way]);
        if (seed[way] != NULL) {
            (void)snprintf(budget, sizeof budget, "%+.1f %%; of Kell's gcc %s", percent, seed[way]);
        } else if (way + 1 < WAYS) {
            (void)snprintf(budget, sizeof budget, "%+.1f %%", percent);
        } else { /* the one that is made for this */
            (void)snprintf(budget, sizeof budget, "%+.1f %% of 2.7 (%s), aim 1.5 (%s)", percent,
                           percent <= 2.7 ? "met" : "not met", percent <= 1.5 ? "met" : "not met");
        }
        measure_row(name, bare * (1 + percent / 100) * 1000, bare * 1000, "ms", budget);
    }
    return true;
}

/* The log again */

struct replay {
    const struct index_log_entry *entries;
    size_t count;
    int kind; /* -1: nothing is done but to read the log */
};

static void run_replay(void *user) {
    const struct replay *replay = user;
    struct cupel_index index;
    if (replay->kind < 0) {
        for (size_t i = 0; i < replay->count; i++) {
            measure_keep(&replay->entries[i]);
        }
        return;
    }
    start(&index, (enum cupel_index_kind)replay->kind);
    for (size_t i = 0; i < replay->count; i++) {
        const struct index_log_entry *entry = &replay->entries[i];
        const void *base = (const void *)(uintptr_t)entry->base; // NOLINT(performance-no-int-to-ptr): of the log
        if (entry->size == INDEX_LOG_FREED) {
            (void)cupel_index_remove(&index, base);
        } else {
            struct index_record record = {{base, (size_t)entry->size}, base};
            (void)cupel_index_insert(&index, &record);
        }
    }
    cupel_index_deinit(&index);
}

static void bench_log(void) {
    struct replay replays[CUPEL_INDEX_KINDS + 1];
    struct measure_contender contenders[CUPEL_INDEX_KINDS + 1];
    size_t count;
    struct index_log_entry *entries = index_compiler_log(&count);
    if (entries == NULL) {
        return;
    }
    for (int i = 0; i <= CUPEL_INDEX_KINDS; i++) {
        replays[i] = (struct replay){entries, count, i - 1};
        contenders[i] = (struct measure_contender){run_replay, &replays[i], 0};
    }
    measure(contenders, CUPEL_INDEX_KINDS + 1, LOG_ROUNDS);
    for (int i = 0; i <= CUPEL_INDEX_KINDS; i++) {
        char name[96];
        char budget[64];
        (void)snprintf(name, sizeof name, "log of gcc over the hash, an operation: %s",
                       i == 0 ? "reading the log" : cupel_index_kind_name((enum cupel_index_kind)(i - 1)));
        (void)snprintf(budget, sizeof budget, "%zu operations, of an index from empty", count);
        measure_row(name, contenders[i].median_ns / (double)count,
                    contenders[1 + CUPEL_INDEX_HASH].median_ns / (double)count, "ns", budget);
    }
    cupel_free(cupel_pages(), entries, count * sizeof *entries, _Alignof(max_align_t));
}

/* A million blocks */

static const void **bases; /* MILLION of them, in no order */

static const void *base_at(size_t i) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses that nobody touches
    return (const void *)(((uintptr_t)1 << (sizeof(void *) == 8 ? 46 : 28)) + i * SPACING);
}

static void make_bases(void) {
    uint64_t random = 88172645463325252; /* Marsaglia's xorshift */
    for (size_t i = 0; i < MILLION; i++) {
        bases[i] = base_at(i);
    }
    for (size_t i = MILLION; i-- > 1;) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t other = (size_t)(random % (i + 1));
        const void *swapped = bases[i];
        bases[i] = bases[other];
        bases[other] = swapped;
    }
}

/* One of them: an index, or the tree. */
struct million {
    bool is_tree;
    struct cupel_index index;
    struct cupel_extent *extents; /* the tree's */
    void *root;
};

static int compare_extents(const void *asked, const void *known) {
    const struct cupel_extent *a = asked;
    const struct cupel_extent *b = known;
    uintptr_t from = (uintptr_t)b->base;
    uintptr_t at = (uintptr_t)a->base;
    return at < from ? -1 : at - from >= b->size;
}

static void fill(struct million *million) {
    for (size_t i = 0; i < MILLION; i++) {
        const void *base = base_at(i);
        if (million->is_tree) {
            million->extents[i] = (struct cupel_extent){base, SIZE};
            (void)tsearch(&million->extents[i], &million->root, compare_extents);
        } else {
            (void)cupel_index_insert(&million->index, &(struct index_record){{base, SIZE}, base});
        }
    }
}

static void drain(struct million *million) {
    for (size_t i = 0; i < MILLION; i++) {
        if (million->is_tree) {
            struct cupel_extent asked = {bases[i], SIZE};
            (void)tdelete(&asked, &million->root, compare_extents);
        } else {
            (void)cupel_index_remove(&million->index, bases[i]);
        }
    }
}

static void run_fill_and_drain(void *user) {
    fill(user);
    drain(user);
}

static void run_ask(void *user) {
    struct million *million = user;
    for (size_t i = 0; i < ASKED; i++) {
        const char *inside = (const char *)bases[i] + 1 + i % (SIZE - 1);
        if (million->is_tree) {
            struct cupel_extent asked = {inside, 1};
            measure_keep(tfind(&asked, &million->root, compare_extents));
        } else {
            measure_keep(cupel_index_containing(&million->index, inside));
        }
    }
}

static void rows_of_million(const struct measure_contender contenders[CUPEL_INDEX_KINDS + 1], const char *what,
                            double count) {
    double rival = contenders[CUPEL_INDEX_KINDS].median_ns / count;
    for (unsigned i = 0; i < CUPEL_INDEX_KINDS; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s over tsearch, a million blocks: %s",
                       cupel_index_kind_name((enum cupel_index_kind)i), what);
        measure_row(name, contenders[i].median_ns / count, rival, "ns", "");
    }
}

static void bench_million(void) {
    static struct million millions[CUPEL_INDEX_KINDS + 1];
    struct measure_contender contenders[CUPEL_INDEX_KINDS + 1];
    bases = cupel_alloc(cupel_pages(), MILLION * sizeof *bases, _Alignof(max_align_t));
    struct cupel_extent *extents = cupel_alloc(cupel_pages(), MILLION * sizeof *extents, _Alignof(max_align_t));
    make_bases();
    for (unsigned i = 0; i <= CUPEL_INDEX_KINDS; i++) {
        millions[i] = (struct million){.is_tree = i == CUPEL_INDEX_KINDS, .extents = extents};
        if (!millions[i].is_tree) {
            start(&millions[i].index, (enum cupel_index_kind)i);
        }
        contenders[i] = (struct measure_contender){run_fill_and_drain, &millions[i], 0};
    }
    measure(contenders, CUPEL_INDEX_KINDS + 1, MILLION_ROUNDS);
    rows_of_million(contenders, "a block goes in, and out in another order", MILLION);
    for (unsigned i = 0; i <= CUPEL_INDEX_KINDS; i++) {
        fill(&millions[i]);
        contenders[i].run = run_ask;
    }
    measure(contenders, CUPEL_INDEX_KINDS + 1, MILLION_ROUNDS);
    rows_of_million(contenders, "who holds an address inside a block", ASKED);
    for (unsigned i = 0; i < CUPEL_INDEX_KINDS; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s, a million blocks of 32 bytes 48 apart: memory a block",
                       cupel_index_kind_name((enum cupel_index_kind)i));
        measure_row(name, (double)cupel_index_memory_bytes(&millions[i].index) / MILLION, SPACING, "bytes",
                    "records of 24 bytes included, beside the blocks' own");
        cupel_index_deinit(&millions[i].index);
    }
    drain(&millions[CUPEL_INDEX_KINDS]);
    cupel_free(cupel_pages(), extents, MILLION * sizeof *extents, _Alignof(max_align_t));
    cupel_free(cupel_pages(), bases, MILLION * sizeof *bases, _Alignof(max_align_t));
}

int main(void) {
    if (index_compiler_start()) {
        if (index_compiler_start_real()) {
            (void)bench_live(INDEX_SOURCE_REAL, "index live in gcc -O2 -c of a real source");
        }
        if (bench_live(INDEX_SOURCE_MADE, "index live in cc1 -O1 of made functions")) {
            bench_log();
        }
        index_compiler_end();
    }
    bench_million();
    return 0;
}
