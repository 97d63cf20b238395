/* Goal: where there is no more room freed memory is handed out again in order: pages before slots, what was freed first
 * before the rest, with one warning. Method: small budgets of addresses, blocks freed in an order that is not that of
 * their addresses, and the addresses that come back. */
#include "alloc/fixed.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/debug_seen.h"

#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

enum { LARGE = 100000, LARGE_RANGE = 2 * CUPEL__UNIT, LARGES = 8, SMALL = 100, SMALLS = 40000 };

static const unsigned order[LARGES] = {5, 2, 7, 0, 3, 1, 6, 4};

/* Frees and allocates again, twice; each comes back in the order in which it went. */
static void check_order_of_pages(struct cupel_allocator *a, const struct seen *seen) {
    unsigned char *blocks[LARGES];
    for (unsigned i = 0; i < LARGES; i++) {
        blocks[i] = cupel_alloc(a, LARGE, 8);
        REQUIRE(blocks[i] != NULL);
    }
    CHECK(cupel_alloc(a, LARGE, 8) == NULL);
    CHECK_UINT_EQ(seen->count, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < LARGES; i++) {
            cupel_free(a, blocks[order[i]], LARGE, 8);
        }
        unsigned char *again[LARGES];
        for (unsigned i = 0; i < LARGES; i++) {
            again[i] = cupel_alloc(a, LARGE, 8);
            CHECK_PTR_EQ(again[i], blocks[order[i]]);
        }
        memcpy(blocks, again, sizeof blocks);
    }
    REQUIRE(seen->count == 1);
    CHECK_INT_EQ(seen->all[0].kind, CUPEL_FINDING_REUSED);
    for (unsigned i = 0; i < LARGES; i++) {
        cupel_free(a, blocks[i], LARGE, 8);
    }
}

TEST(debug_reuse, pages_come_back_in_the_order_in_which_they_went, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.address_bytes = (size_t)LARGES * LARGE_RANGE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    check_order_of_pages(a, &seen);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_reuse, memory_of_a_buffer_comes_back_in_the_order_in_which_it_went, .no_sweep = KERNEL, .tags = "slow") {
    static CUPEL_MAX_ALIGNED unsigned char memory[(size_t)LARGES * LARGE_RANGE + 2 * CUPEL__UNIT];
    struct cupel_debug debug;
    struct cupel_fixed fixed;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.records_in_backing = true;
    options.quarantine_bytes = SIZE_MAX;
    size_t padding = -(uintptr_t)memory & (CUPEL__UNIT - 1);
    struct cupel_allocator *buffer =
        cupel_fixed_init(&fixed, memory + padding, (size_t)LARGES * LARGE_RANGE + CUPEL__UNIT);
    struct cupel_allocator *a = cupel_debug_init(&debug, buffer, &options, NULL);
    REQUIRE(a != NULL);
    check_order_of_pages(a, &seen);
    /* What was written to it meanwhile is found when it comes back. */
    unsigned char *block = cupel_alloc(a, SMALL, 8);
    REQUIRE(block != NULL);
    cupel_free(a, block, SMALL, 8);
    block[9] = 1;
    unsigned count = 0;
    while (seen.count < 2 && count++ < LARGES) {
        REQUIRE(cupel_alloc(a, LARGE, 8) != NULL || seen.count == 2);
    }
    CHECK_INT_EQ(seen.all[1].kind, CUPEL_FINDING_WRITE_AFTER_FREE);
    CHECK_UINT_EQ(seen.all[1].damage_offset, 9);
    debug.state->options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

static void *smalls[SMALLS];

/* An instance of a mebibyte that is full of small blocks; returns how many. */
static unsigned begin_full(struct cupel_debug *debug, struct seen *seen) {
    struct cupel_debug_options options = seen_options(seen);
    options.address_bytes = (size_t)1 << 20;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned count = 0;
    while (count < SMALLS && (smalls[count] = cupel_alloc(a, SMALL, 8)) != NULL) {
        count++;
    }
    REQUIRE(count > 0 && count < SMALLS);
    CHECK_UINT_EQ(seen->count, 0);
    return count;
}

static const struct cupel__span *span_of(const void *block) {
    return cupel__map_find((uintptr_t)block);
}

TEST(debug_reuse, pages_come_back_before_slots, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    unsigned count = begin_full(&debug, &seen);
    struct cupel_allocator *a = &debug.base;
    const struct cupel__span *span = span_of(smalls[count / 2]);
    const unsigned char *range = span->range;
    unsigned capacity = span->capacity;
    cupel_free(a, smalls[3], SMALL, 8); /* first of all, but its span lives */
    unsigned freed = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i != 3 && span_of(smalls[i]) == span) {
            cupel_free(a, smalls[i], SMALL, 8);
            freed++;
        }
    }
    CHECK_UINT_EQ(freed, capacity);
    for (unsigned i = 0; i < capacity; i++) {
        const unsigned char *block = cupel_alloc(a, SMALL, 8);
        CHECK(block >= range && block < range + CUPEL__UNIT);
    }
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), smalls[3]);
    CHECK(cupel_alloc(a, SMALL, 8) == NULL);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_REUSED);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_reuse, slots_that_have_waited_come_before_those_just_freed, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    (void)begin_full(&debug, &seen);
    struct cupel_allocator *a = &debug.base;
    unsigned capacity = span_of(smalls[0])->capacity;
    void *late = smalls[3]; /* in the oldest span */
    void *first = smalls[capacity + 3];
    void *second = smalls[capacity + 5];
    void *same = smalls[capacity + 8]; /* behind both in their span */
    void *other = smalls[2 * capacity + 100];
    REQUIRE(span_of(first) == span_of(same) && span_of(first) != span_of(other) && span_of(first) != span_of(late));
    cupel_free(a, second, SMALL, 8);
    cupel_free(a, first, SMALL, 8);
    cupel_free(a, other, SMALL, 8);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), first);
    cupel_free(a, same, SMALL, 8);
    cupel_free(a, late, SMALL, 8);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), second);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), other);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), late); /* its span went to the end of the list first */
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), same);
    CHECK(cupel_alloc(a, SMALL, 8) == NULL);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_reuse, a_full_quarantine_lets_slots_wait_a_round, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.quarantine_bytes = 0;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned capacity = 0;
    for (unsigned i = 0; i < 4 * (CUPEL__UNIT / 128) && capacity == 0; i++) { /* until the fifth span begins */
        smalls[i] = cupel_alloc(a, SMALL, 8);
        REQUIRE(smalls[i] != NULL);
        capacity = span_of(smalls[i]) != span_of(smalls[0]) ? i : 0;
    }
    REQUIRE(capacity > 0);
    for (unsigned i = capacity + 1; i < 4 * capacity; i++) {
        smalls[i] = cupel_alloc(a, SMALL, 8);
        REQUIRE(smalls[i] != NULL);
    }
    /* Each span has freed slots; the one that is freed last is the first block of all. */
    for (unsigned i = 4; i-- > 0;) {
        cupel_free(a, smalls[i * capacity + 1], SMALL, 8);
        cupel_free(a, smalls[i * capacity], SMALL, 8);
    }
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), smalls[0]); /* full spans, oldest first: the order of their being full */
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), smalls[1]);
    cupel_free(a, smalls[7], SMALL, 8);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), smalls[capacity]);
    CHECK_PTR_EQ(cupel_alloc(a, SMALL, 8), smalls[capacity + 1]);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_reuse, spans_that_wait_empty_make_room_for_others, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.address_bytes = CUPEL__UNIT;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
        debug.state->shards[i].credit = 0; /* nothing is retired before its time */
    }
    void *block = cupel_alloc(a, SMALL, 8);
    REQUIRE(block != NULL);
    CHECK(cupel_alloc(a, 40, 8) == NULL);
    cupel_free(a, block, SMALL, 8);
    void *other = cupel_alloc(a, 40, 8);
    CHECK(other != NULL);
    cupel_free(a, other, 40, 8);
    other = cupel_alloc(a, 40000, 8); /* a large block too */
    CHECK(other != NULL);
    cupel_free(a, other, 40000, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
