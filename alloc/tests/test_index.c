/* Goal: the address index is right at its edges: growth over many blocks, bases that are no multiples of anything, very
 * long blocks, the ends of what is covered, machines without memory, and records of a user's own. Method: scripts, each
 * run over all back ends. */
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/index.h"
#include "alloc/pages.h"
#include "harness/harness.h"

#include <string.h>

static const void *at(uintptr_t address) {
    return (const void *)address;
}

/* An index of this kind over addresses below 2^30. */
static void start(struct cupel_index *index, enum cupel_index_kind kind, struct cupel_allocator *memory) {
    struct cupel_index_options options = {.kind = kind, .memory = memory};
    if (kind == CUPEL_INDEX_MEMTABLE) {
        options.high = at((uintptr_t)1 << (memory == NULL ? 30 : 20));
    }
    REQUIRE_UINT_EQ(cupel_index_init_with(index, &options), CUPEL_INDEX_OK);
}

TEST(index, finds_every_block_over_growth_and_removal, .tags = "slow") {
    enum { COUNT = 20000 };
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_index index;
        start(&index, kind, NULL);
        for (uintptr_t i = 1; i <= COUNT; i++) {
            struct cupel_block block = {.base = at(i * 48), .size = 48, .align = 16, .serial = i};
            REQUIRE_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OK);
        }
        for (uintptr_t i = 2; i <= COUNT; i += 2) {
            REQUIRE(cupel_index_remove(&index, at(i * 48)));
        }
        CHECK_UINT_EQ(index.count, COUNT / 2);
        size_t bytes = cupel_index_memory_bytes(&index);
        for (uintptr_t i = 1; i <= COUNT; i++) {
            const struct cupel_block *block = cupel_index_at(&index, at(i * 48));
            REQUIRE((block != NULL) == (i % 2 == 1));
            REQUIRE(block == NULL || block->serial == i);
            REQUIRE(cupel_index_containing(&index, at(i * 48 + 47)) == block);
        }
        size_t with_extents = cupel_index_memory_bytes(&index);
        CHECK(kind == CUPEL_INDEX_HASH ? with_extents > bytes : with_extents == bytes);
        for (uintptr_t i = 2; i <= COUNT; i += 2) {
            struct cupel_block block = {.base = at(i * 48), .serial = i};
            REQUIRE_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OK);
        }
        CHECK(kind == CUPEL_INDEX_HASH ||
              cupel_index_memory_bytes(&index) == bytes); /* what was removed left no trace */
        CHECK(cupel_index_at(&index, NULL) == NULL);
        CHECK(!cupel_index_remove(&index, NULL));
        cupel_index_deinit(&index);
        CHECK(cupel_index_at(&index, at(48)) == NULL);
        CHECK(cupel_index_containing(&index, at(49)) == NULL);
        CHECK_UINT_EQ(cupel_index_memory_bytes(&index), 0);
    }
}

struct order {
    uintptr_t last;
    unsigned visited, stop_at;
};

static bool note_order(void *user, const void *record) {
    struct order *order = user;
    uintptr_t base = (uintptr_t)((const struct cupel_block *)record)->base;
    CHECK(base > order->last);
    order->last = base;
    return ++order->visited != order->stop_at;
}

TEST(index, walks_rise_and_stop_where_they_are_told) {
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_index index;
        start(&index, kind, NULL);
        for (uintptr_t i = 1; i <= 9; i++) {
            uintptr_t base = (i * 7 % 10) * 0x654321 + 1;
            REQUIRE_UINT_EQ(cupel_index_insert(&index, &(struct cupel_block){.base = at(base), .size = 64}),
                            CUPEL_INDEX_OK);
        }
        struct order all = {0, 0, 0};
        cupel_index_walk(&index, note_order, &all);
        CHECK_UINT_EQ(all.visited, 9);
        struct order some = {0, 0, 3};
        cupel_index_walk(&index, note_order, &some);
        CHECK_UINT_EQ(some.visited, 3);
        struct order range = {0, 0,
                              0}; /* the first byte of the range is in the second block, the third begins behind */
        cupel_index_range(&index, at(2 * 0x654321 + 64), at(3 * 0x654321 + 1), note_order, &range);
        CHECK_UINT_EQ(range.visited, 1);
        struct order last = {0, 0, 0};
        cupel_index_range(&index, at(3 * 0x654321 + 1), at(UINTPTR_MAX), note_order, &last);
        CHECK_UINT_EQ(last.visited, 7);
        struct order none = {0, 0, 0};
        cupel_index_range(&index, at(9 * 0x654321 + 65), at(UINTPTR_MAX), note_order, &none);
        cupel_index_range(&index, at(5), at(5), note_order, &none);
        CHECK_UINT_EQ(none.visited, 0);
        cupel_index_deinit(&index);
    }
}

/* Three blocks in sixteen bytes, one of them of no length, and one of a gigabyte with small ones at both its ends. */
TEST(index, knows_very_short_and_very_long_blocks) {
    static const struct cupel_block blocks[] = {
        {.base = (const void *)0x1001, .size = 2},          {.base = (const void *)0x1004, .size = 0},
        {.base = (const void *)0x1007, .size = 9},          {.base = (const void *)0x1fff, .size = 1},
        {.base = (const void *)0x2000, .size = 0x3f000000}, {.base = (const void *)0x3f002000, .size = 3},
        {.base = (const void *)0x3f1000ff, .size = 0x4000}};
    static const struct {
        uintptr_t address;
        int block;
    } probes[] = {{0x1000, -1},    {0x1001, 0},     {0x1002, 0},      {0x1003, -1},     {0x1004, 1},
                  {0x1005, -1},    {0x1006, -1},    {0x1007, 2},      {0x100f, 2},      {0x1010, -1},
                  {0x1ffe, -1},    {0x1fff, 3},     {0x2000, 4},      {0x2001, 4},      {0x12345678, 4},
                  {0x3f001fff, 4}, {0x3f002000, 5}, {0x3f002003, -1}, {0x3f1000fe, -1}, {0x3f1040fe, 6},
                  {0x3f1040ff, -1}};
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_index index;
        start(&index, kind, NULL);
        for (unsigned i = sizeof blocks / sizeof blocks[0]; i-- > 0;) {
            REQUIRE_UINT_EQ(cupel_index_insert(&index, &blocks[i]), CUPEL_INDEX_OK);
        }
        for (unsigned i = 0; i < sizeof probes / sizeof probes[0]; i++) {
            const struct cupel_block *found = cupel_index_containing(&index, at(probes[i].address));
            CHECK_PTR_EQ(found == NULL ? NULL : found->base, probes[i].block < 0 ? NULL : blocks[probes[i].block].base);
        }
        CHECK_UINT_EQ(cupel_index_insert(&index, &blocks[1]), CUPEL_INDEX_TAKEN);
        CHECK_UINT_EQ(cupel_index_resize(&index, at(0x2000), 16), CUPEL_INDEX_OK);
        CHECK(cupel_index_containing(&index, at(0x2010)) == NULL);
        CHECK(cupel_index_containing(&index, at(0x200f)) != NULL);
        CHECK_UINT_EQ(cupel_index_move(&index, at(0x2000), at(0x1006), 1), CUPEL_INDEX_OK);
        CHECK(cupel_index_containing(&index, at(0x2000)) == NULL);
        CHECK_PTR_EQ(((struct cupel_block *)cupel_index_containing(&index, at(0x1006)))->base, at(0x1006));
        cupel_index_deinit(&index);
    }
}

TEST(index, says_what_it_does_not_cover) {
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_index index;
        start(&index, kind, NULL);
        struct cupel_block block = {.base = NULL, .size = 1};
        CHECK_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OUT_OF_RANGE);
        block = (struct cupel_block){.base = at(16), .size = SIZE_MAX - 15};
        CHECK_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OUT_OF_RANGE);
        block = (struct cupel_block){.base = at(UINTPTR_MAX - 4096), .size = 16};
        bool covers_all = kind == CUPEL_INDEX_HASH || sizeof(void *) == 4;
        CHECK_UINT_EQ(cupel_index_insert(&index, &block),
                      covers_all && kind != CUPEL_INDEX_MEMTABLE ? CUPEL_INDEX_OK : CUPEL_INDEX_OUT_OF_RANGE);
        (void)cupel_index_remove(&index, block.base);
        CHECK_UINT_EQ(index.count, 0);
        block = (struct cupel_block){.base = at(4096), .size = 16};
        REQUIRE_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OK);
        CHECK_UINT_EQ(cupel_index_resize(&index, at(4096), SIZE_MAX - 4095), CUPEL_INDEX_OUT_OF_RANGE);
        CHECK_UINT_EQ(cupel_index_move(&index, at(4096), NULL, 1), CUPEL_INDEX_OUT_OF_RANGE);
        CHECK(cupel_index_containing(&index, at(UINTPTR_MAX)) == NULL);
        CHECK(cupel_index_at(&index, at(UINTPTR_MAX)) == NULL);
        CHECK(!cupel_index_remove(&index, at(UINTPTR_MAX)));
        /* A block can move to where the tables do not reach, and is still known. */
        CHECK_UINT_EQ(cupel_index_move(&index, at(4096), at(UINTPTR_MAX - 64), 32), CUPEL_INDEX_OK);
        CHECK(cupel_index_containing(&index, at(UINTPTR_MAX - 33)) != NULL);
        CHECK(cupel_index_containing(&index, at(UINTPTR_MAX - 32)) == NULL);
        CHECK_UINT_EQ(cupel_index_resize(&index, at(UINTPTR_MAX - 64), 33), CUPEL_INDEX_OK);
        CHECK(cupel_index_containing(&index, at(UINTPTR_MAX - 32)) != NULL);
        CHECK_UINT_EQ(cupel_index_move(&index, at(UINTPTR_MAX - 64), at(0x5000), 1), CUPEL_INDEX_OK);
        CHECK(cupel_index_at(&index, at(0x5000)) != NULL);
        cupel_index_deinit(&index);
    }
    struct cupel_index index;
    struct cupel_index_options options = {.kind = CUPEL_INDEX_MEMTABLE, .low = at(2), .high = at(1)};
    CHECK_UINT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_OUT_OF_RANGE);
    cupel_index_deinit(&index);
}

/* The table of a memtable takes addresses, and where they cannot be had that is said. */
TEST(index, memtable_covers_a_process, .tags = "slow") {
    struct cupel_index index;
    struct cupel_index_options options = {.kind = CUPEL_INDEX_MEMTABLE};
    if (cupel_index_init_with(&index, &options) != CUPEL_INDEX_OK) {
        cupel_test_skip("this machine does not give so many addresses");
    }
    int local = 0;
    static int global;
    char *block = cupel_alloc(cupel_pages(), 100, 1);
    const void *bases[] = {&local, &global, block};
    for (unsigned i = 0; i < 3; i++) {
        struct cupel_block known = {.base = bases[i], .size = sizeof local, .serial = i};
        CHECK_UINT_EQ(cupel_index_insert(&index, &known), CUPEL_INDEX_OK);
    }
    for (unsigned i = 0; i < 3; i++) {
        const struct cupel_block *found = cupel_index_containing(&index, (const char *)bases[i] + 3);
        REQUIRE(found != NULL && found->serial == i);
    }
    struct order all = {0, 0, 0};
    cupel_index_walk(&index, note_order, &all);
    CHECK_UINT_EQ(all.visited, 3);
    CHECK(cupel_index_memory_bytes(&index) < 1 << 20);
    cupel_index_deinit(&index);
    cupel_free(cupel_pages(), block, 100, 1);
}

/* A thousand blocks far apart, with each request for memory refused in turn. */
TEST(index, keeps_everything_where_memory_cannot_be_had, .tags = "slow") {
    for (unsigned i = 0; i < 3 * 8; i++) {
        enum cupel_index_kind kind = (enum cupel_index_kind)(i % 3);
        struct cupel_failing failing;
        struct cupel_index index;
        char plan[32];
        start(&index, kind, cupel_pages());
        (void)snprintf(plan, sizeof plan, "any:%u", i / 3 + 1);
        index.memory = cupel_failing_init(&failing, cupel_pages(), plan, NULL);
        unsigned refused = 0;
        for (uintptr_t base = 1; base <= 1000; base++) {
            struct cupel_block block = {.base = at(base * 1040), .size = 1040, .serial = base};
            enum cupel_index_status status = cupel_index_insert(&index, &block);
            if (status != CUPEL_INDEX_OK) {
                refused++;
                CHECK_UINT_EQ(status, CUPEL_INDEX_NO_MEMORY);
                CHECK(cupel_index_at(&index, block.base) == NULL);
                CHECK_UINT_EQ(index.count, base - 1);
                REQUIRE_UINT_EQ(cupel_index_insert(&index, &block), CUPEL_INDEX_OK);
            }
        }
        CHECK(refused == 1 || (refused == 0 && kind == CUPEL_INDEX_MEMTABLE && i / 3 + 1 > 4));
        for (uintptr_t base = 1; base <= 1000; base++) {
            REQUIRE(cupel_index_containing(&index, at(base * 1040 + 1039)) == cupel_index_at(&index, at(base * 1040)));
        }
        cupel_index_deinit(&index);
    }
}

TEST(index, moves_and_walks_without_memory) {
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_failing failing;
        struct cupel_index index;
        start(&index, kind, NULL);
        for (uintptr_t i = 1; i <= 40; i++) {
            REQUIRE_UINT_EQ(
                cupel_index_insert(&index, &(struct cupel_block){.base = at(i * 16), .size = 16, .serial = i}),
                CUPEL_INDEX_OK);
        }
        struct cupel_allocator *memory = index.memory;
        index.memory = cupel_failing_init(&failing, memory, "any:1+", NULL);
        index.is_system = false;
        /* Each to a place of its own, in an order that is not theirs; then one back. */
        for (uintptr_t i = 1; i <= 40; i++) {
            CHECK_UINT_EQ(cupel_index_move(&index, at(i * 16), at((i * 27 % 41) << 22), 32), CUPEL_INDEX_OK);
        }
        for (uintptr_t i = 1; i <= 40; i++) {
            const struct cupel_block *found = cupel_index_containing(&index, at(((i * 27 % 41) << 22) + 31));
            REQUIRE(found != NULL && found->serial == i);
            CHECK(cupel_index_at(&index, at(i * 16)) == NULL);
        }
        struct order all = {0, 0, 0};
        cupel_index_walk(&index, note_order, &all);
        CHECK_UINT_EQ(all.visited, 40);
        struct order some = {0, 0, 25};
        cupel_index_walk(&index, note_order, &some);
        CHECK_UINT_EQ(some.visited, 25);
        CHECK_UINT_EQ(cupel_index_insert(&index, &(struct cupel_block){.base = at((uintptr_t)3 << 22)}),
                      CUPEL_INDEX_TAKEN);
        for (uintptr_t i = 1; i <= 40; i += 3) {
            CHECK(cupel_index_remove(&index, at((i * 27 % 41) << 22)));
        }
        CHECK_UINT_EQ(index.count, 40 - 14);
        index.memory = memory;
        index.is_system = true;
        cupel_index_deinit(&index);
    }
}

struct own_record {
    struct cupel_extent extent;
    char name[5];
};

/* Over a buffer, which is all the memory there is. */
TEST(index, keeps_records_of_any_length_in_a_buffer) {
    static max_align_t memory[32768];
    for (enum cupel_index_kind kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        struct cupel_fixed fixed;
        struct cupel_index index;
        struct cupel_index_options options = {.kind = kind,
                                              .record_bytes = sizeof(struct own_record),
                                              .memory = cupel_fixed_init(&fixed, memory, sizeof memory),
                                              .low = at(0x10000),
                                              .high = at(0x20000)};
        REQUIRE_UINT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_OK);
        for (unsigned i = 0; i < 100; i++) {
            struct own_record record = {{at(0x10001 + i * 40), 39}, "a"};
            record.name[3] = (char)i;
            REQUIRE_UINT_EQ(cupel_index_insert(&index, &record), CUPEL_INDEX_OK);
        }
        for (unsigned i = 0; i < 100; i++) {
            const struct own_record *record = cupel_index_containing(&index, at(0x10001 + i * 40 + 38));
            REQUIRE(record != NULL);
            CHECK_INT_EQ(record->name[3], (char)i);
        }
        CHECK(fixed.used > 0);
        cupel_index_deinit(&index);
    }
}

TEST(index, a_zeroed_one_is_empty) {
    struct cupel_index index;
    memset(&index, 0, sizeof index);
    CHECK(cupel_index_at(&index, &index) == NULL);
    CHECK(cupel_index_containing(&index, &index) == NULL);
    CHECK(!cupel_index_remove(&index, &index));
    CHECK_UINT_EQ(cupel_index_resize(&index, &index, 1), CUPEL_INDEX_UNKNOWN);
    CHECK_UINT_EQ(cupel_index_move(&index, &index, &index, 1), CUPEL_INDEX_UNKNOWN);
    cupel_index_walk(&index, note_order, NULL);
    cupel_index_range(&index, at(0), at(1000), note_order, NULL);
    CHECK_UINT_EQ(cupel_index_memory_bytes(&index), 0);
    cupel_index_deinit(&index);
    CHECK_STR_EQ(cupel_index_kind_name(CUPEL_INDEX_PAGES), "pages");
    CHECK_STR_EQ(cupel_index_status_name(CUPEL_INDEX_OUT_OF_RANGE), "out of range");
}
