/* Goal: where addresses, mappings, records or the system give out, the debug allocator goes on with the oldest freed
 * memory, says so once, and never fails while there is some; and what costs a system call is bounded. Method: small
 * budgets, a table of system functions that refuse, and the statistics. */
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/debug_seen.h"

#include <signal.h>
#include <string.h>

static struct cupel_debug_statistics statistics_of(const struct cupel_debug *debug) {
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(debug, &statistics);
    return statistics;
}

TEST(debug_limits, pairs_at_a_spans_edge_make_no_system_call,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    enum { PAIRS = 200000 };
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = cupel_alloc(a, 40, 8);
        REQUIRE(block != NULL);
        cupel_free(a, block, 40, 8);
    }
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    /* The first spans are retired with each pair, on credit; then each when it was handed out whole. */
    CHECK_UINT_GE(statistics.revocations, 64);
    CHECK_UINT_LE(statistics.revocations, 100 + PAIRS / 1000);
    CHECK_UINT_EQ(statistics.reused_spans, 0);
    CHECK_UINT_EQ(statistics.live_blocks, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

/* Revocations in so many pairs; with `keeps_one` some block is always live in the span that is handed out from. */
static uint64_t revocations_in(struct cupel_debug *debug, struct cupel_allocator *a, unsigned pairs, bool keeps_one) {
    uint64_t before = statistics_of(debug).revocations;
    void *kept = NULL;
    for (unsigned i = 0; i < pairs; i++) {
        void *block = cupel_alloc(a, 40, 8);
        REQUIRE(block != NULL);
        bool is_next = keeps_one && i % 400 == 0;
        cupel_free(a, is_next ? kept : block, 40, 8);
        kept = is_next ? block : kept;
    }
    cupel_free(a, kept, 40, 8);
    return statistics_of(debug).revocations - before;
}

/* A pair that empties its span each time costs the system as much as one that does not: fresh addresses alone. */
TEST(debug_limits, pairs_at_an_edge_ask_for_no_more_than_others,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    enum { PAIRS = 100 * 1024, WARM = 64 * 1024 };
    for (unsigned i = 0; i < 2; i++) {
        struct cupel_debug debug;
        struct seen seen;
        struct cupel_debug_options options = seen_options(&seen);
        struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
        REQUIRE(a != NULL);
        (void)revocations_in(&debug, a, WARM, false); /* what a small program may spend */
        uint64_t revocations = revocations_in(&debug, a, PAIRS, i == 1);
        CHECK_UINT_GE(revocations, PAIRS / 1024 - 2);
        CHECK_UINT_LE(revocations, PAIRS / 1024 + 2);
        CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    }
}

TEST(debug_limits, a_spent_budget_of_addresses_reuses_the_oldest,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.address_bytes = (size_t)2 << 20;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    const void *first = NULL;
    unsigned round = 0;
    for (unsigned i = 0; i < 100000; i++) {
        void *block = cupel_alloc(a, 40, 8);
        REQUIRE(block != NULL);
        first = i == 0 ? block : first;
        if (i > 0 && block == first && round == 0) {
            round = i;
        }
        cupel_free(a, block, 40, 8);
    }
    CHECK(round > 0); /* the oldest range came back */
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_GT(statistics.reused_spans, 10);
    CHECK_UINT_LE(statistics.address_bytes, options.address_bytes);
    REQUIRE(seen.count == 1); /* one warning, which is no finding */
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_REUSED);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

enum { BLOCKS = 100000 };
static void *blocks[BLOCKS];

/* Allocates until nothing is left; returns how many. */
static unsigned fill_up(struct cupel_allocator *a, size_t size) {
    unsigned count = 0;
    while (count < BLOCKS && (blocks[count] = cupel_alloc(a, size, 8)) != NULL) {
        count++;
    }
    REQUIRE(count < BLOCKS);
    return count;
}

TEST(debug_limits, freed_slots_are_reused_last_and_in_order,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.address_bytes = (size_t)1 << 20;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned count = fill_up(a, 100);
    CHECK_UINT_GT(count, 5000);
    void *later = blocks[count / 2];
    void *earlier = blocks[3];
    cupel_free(a, later, 100, 8);
    cupel_free(a, earlier, 100, 8);
    *(volatile char *)earlier = 7; /* is found when the slot is handed out again */
    CHECK_PTR_EQ(cupel_alloc(a, 100, 8), earlier);
    CHECK_PTR_EQ(cupel_alloc(a, 100, 8), later);
    CHECK(cupel_alloc(a, 100, 8) == NULL);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WRITE_AFTER_FREE);
    CHECK_INT_EQ((int)seen.all[0].damage_offset, 0);
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_EQ(statistics.reused_slots, 2);
    CHECK_UINT_EQ(statistics.live_blocks, count);
    CHECK_UINT_EQ(statistics.requested_bytes, (uint64_t)count * 100);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

static bool refuse(void *base, size_t length) {
    (void)base, (void)length;
    return false;
}

TEST(debug_limits, where_the_system_refuses_a_freed_slot_serves,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *freed = cupel_alloc(a, 1000, 8);
    REQUIRE(cupel_alloc(a, 1000, 8) != NULL);
    cupel_free(a, freed, 1000, 8);
    struct cupel__system refusing = cupel__system;
    refusing.commit = refuse;
    debug.state->pages = &refusing;
    unsigned count = fill_up(a, 1000);
    CHECK_UINT_GT(count, 10); /* the rest of the span */
    CHECK_PTR_EQ(blocks[count - 1], freed);
    CHECK(cupel_alloc(a, 1000000, 8) == NULL);
    debug.state->pages = &cupel__system;
    CHECK(cupel_alloc(a, 1000, 8) != NULL);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_limits, so_many_spans_and_no_more, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.span_count_max = 4;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    CHECK_UINT_EQ(fill_up(a, 50000), 4);
    cupel_free(a, blocks[1], 50000, 8);
    CHECK(cupel_alloc(a, 50000, 8) != NULL);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_limits, the_quarantine_bounds_what_live_blocks_pin,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.quarantine_bytes = (size_t)1 << 20;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < BLOCKS; i++) { /* one block in a hundred stays: it pins its span */
        void *block = cupel_alloc(a, 200, 8);
        REQUIRE(block != NULL);
        if (i % 100 != 0) {
            cupel_free(a, block, 200, 8);
        }
    }
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_EQ(statistics.live_blocks, BLOCKS / 100);
    CHECK_UINT_GT(statistics.reused_slots, BLOCKS / 2);
    CHECK_UINT_LE(statistics.freed_bytes, options.quarantine_bytes + (256 << 10));
    CHECK_UINT_LE(statistics.mapped_bytes, (uint64_t)3 << 20);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_limits, a_limit_of_memory_fails_what_passes_it,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.memory_limit_bytes = 100000;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 60000, 8);
    REQUIRE(block != NULL);
    CHECK(cupel_alloc(a, 40001, 8) == NULL);
    CHECK(!cupel_resize(a, block, 60000, 8, 100001));
    CHECK(cupel_alloc(a, SIZE_MAX / 2, 8) == NULL);
    void *other = cupel_alloc(a, 40000, 8);
    CHECK(other != NULL);
    cupel_free(a, other, 40000, 8);
    other = cupel_alloc(a, 100, 8);
    CHECK(cupel_resize(a, block, 60000, 8, 50000));
    void *third = cupel_alloc(a, 49900, 8);
    CHECK(third != NULL);
    CHECK(cupel_alloc(a, 1, 8) == NULL);
    cupel_free(a, third, 49900, 8);
    cupel_free(a, other, 100, 8);
    cupel_free(a, block, 50000, 8);
    CHECK_UINT_EQ(debug.state->limited_bytes, 0);
    CHECK_UINT_EQ(statistics_of(&debug).refused, 3);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_limits, records_of_retired_spans_are_forgotten_in_time,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.kept_metadata_bytes = 100 << 10;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *first = cupel_alloc(a, 40, 8);
    for (unsigned i = 0; i < 100000; i++) {
        void *block = cupel_alloc(a, 40, 8);
        REQUIRE(block != NULL);
        cupel_free(a, i == 0 ? first : block, 40, 8);
        first = i == 0 ? block : first;
    }
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_LE(statistics.kept_metadata_bytes, options.kept_metadata_bytes);
    CHECK_UINT_GT(statistics.forgotten_spans, 50);
    CHECK_UINT_LE(statistics.overhead_bytes, (uint64_t)2 << 20);
    cupel_free(a, first, 40, 8);
    CHECK_UINT_EQ(seen.count, 0);
    cupel_free(a, blocks, 40, 8); /* of this program's data */
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_STATIC);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

TEST(debug_limits, never_unmapped_memory_stays_readable_and_known,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.never_unmaps = true;
    options.fill_max_bytes = 400000;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned char *small = cupel_alloc(a, 40, 8);
    unsigned char *large = cupel_alloc(a, 400000, 8);
    REQUIRE(small != NULL && large != NULL);
    cupel_free(a, small, 40, 8);
    cupel_free(a, large, 400000, 8);
    CHECK_UINT_EQ(((volatile unsigned char *)small)[39], 0xdd);
    CHECK_UINT_EQ(((volatile unsigned char *)large)[399999], 0xdd);
    cupel_free(a, small, 40, 8);
    cupel_free(a, large, 400000, 8);
    REQUIRE(seen.count == 2);
    CHECK_UINT_EQ(seen.all[0].trace_count, 3);
    CHECK_UINT_EQ(seen.all[1].trace_count, 3);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
}

/* The record of a live block, as a rogue write would find it. */
static void write_record(enum cupel_debug_seal seal, bool is_retired) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.seal = seal;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    struct cupel__span *span = cupel__map_find((uintptr_t)block);
    REQUIRE(span != NULL);
    if (is_retired) {
        cupel_free(a, block, 40, 8);
    }
    *(volatile uint32_t *)&span->slots[span->capacity / 2].word = 1;
}

TEST(debug_limits, sealed_records_cannot_be_written, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "crash", .expect_signal = SIGSEGV) {
    write_record(CUPEL_DEBUG_SEAL_ALWAYS, false);
}

TEST(debug_limits, retired_records_cannot_be_written, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "crash", .expect_signal = SIGSEGV) {
    write_record(CUPEL_DEBUG_SEAL_RETIRED, true);
}

TEST(debug_limits, damaged_records_are_told, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    struct cupel__span *span = cupel__map_find((uintptr_t)block);
    REQUIRE(span != NULL);
    span->slots[0].word ^= 0x10;
    cupel_free(a, block, 40, 8);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_DAMAGED);
    span->slots[0].word ^= 0x10;
    span->base += 16;
    cupel_free(a, block, 40, 8);
    span->base -= 16;
    REQUIRE(seen.count == 2);
    CHECK_INT_EQ(seen.all[1].kind, CUPEL_FINDING_DAMAGED);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
}

/* Has the allocator take fresh pages: spans that wait to give some back do so then. */
static void grow(struct cupel_allocator *a) {
    enum { MORE = 12, STEP = 90 };
    void *more[MORE];
    for (unsigned i = 0; i < MORE; i++) {
        more[i] = cupel_alloc(a, (i + 1) * STEP, 8);
    }
    for (unsigned i = 0; i < MORE; i++) {
        cupel_free(a, more[i], (i + 1) * STEP, 8);
    }
}

/* How often a program has given pages back: after many times they wait until memory grows. */
static const uint64_t given_back_before[] = {0, 1000000};

TEST(debug_limits, pages_go_back_as_their_slots_are_freed,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow", CUPEL_TABLE(given_back_before)) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    enum { COUNT = 1000, SIZE = 4360, PART = 10 };
    debug.state->trims = given_back_before[test_row_index()];
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = cupel_alloc(a, SIZE, 8);
        REQUIRE(blocks[i] != NULL);
    }
    uint64_t mapped = statistics_of(&debug).mapped_bytes;
    for (unsigned i = 0; i < COUNT; i++) { /* three tenths, in pieces: most of each span stays live */
        if (i % PART < 3) {
            cupel_free(a, blocks[i], SIZE, 8);
        }
    }
    CHECK_UINT_EQ(statistics_of(&debug).retired_spans, 0);
    if (test_row_index() > 0) {
        CHECK_UINT_EQ(statistics_of(&debug).mapped_bytes, mapped);
        grow(a);
    }
    CHECK_UINT_LT(statistics_of(&debug).mapped_bytes, mapped - mapped / PART);
    CHECK_UINT_EQ(cupel_debug_check(&debug), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % PART >= 3) {
            cupel_free(a, blocks[i], SIZE, 8);
        }
    }
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_limits, pages_of_freed_slots_go_back_while_the_span_lives,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    enum { COUNT = 5000 };
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = cupel_alloc(a, 40, 8);
        REQUIRE(blocks[i] != NULL);
    }
    uint64_t mapped = statistics_of(&debug).mapped_bytes;
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 1000 != 500) {
            cupel_free(a, blocks[i], 40, 8);
        }
    }
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_GT(statistics.trims, 0);
    CHECK_UINT_LT(statistics.mapped_bytes, mapped / 2);
    CHECK_UINT_EQ(cupel_debug_check(&debug), 0);
    cupel_free(a, blocks[400], 40, 8); /* known although its page is gone */
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_DOUBLE_FREE);
    for (unsigned i = 500; i < COUNT; i += 1000) {
        cupel_free(a, blocks[i], 40, 8);
    }
    statistics = statistics_of(&debug);
    CHECK_UINT_EQ(statistics.freed_bytes, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

TEST(debug_limits, what_is_freed_for_ever_takes_no_records,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.kept_metadata_bytes = 100 << 10;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *first = cupel_alloc(a, 100000, 8);
    cupel_free(a, first, 100000, 8);
    for (unsigned i = 0; i < 20000; i++) {
        void *block = cupel_alloc(a, i % 3 == 0 ? 300 : 40000 + i, 8);
        REQUIRE(block != NULL);
        cupel_free(a, block, i % 3 == 0 ? 300 : 40000 + i, 8);
    }
    struct cupel_debug_statistics statistics = statistics_of(&debug);
    CHECK_UINT_GT(statistics.forgotten_spans, 10000);
    CHECK_UINT_LE(statistics.overhead_bytes, (uint64_t)1 << 20);
    CHECK_UINT_LE(debug.state->forgotten.count, statistics.forgotten_spans / 50); /* neighbours are joined */
    cupel_free(a, first, 100000, 8);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_DOUBLE_FREE); /* known, although nobody remembers by whom */
    CHECK_UINT_EQ(seen.all[0].trace_count, 1);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}
