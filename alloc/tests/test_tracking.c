/* Goal: tracking knows each live block and its origin, refuses what does not fit, and says so. Method: scripted
 * requests with findings collected, printed reports read back, a million blocks, and a full machine under the layer. */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/pages.h"
#include "alloc/src/frames.h"
#include "alloc/tests/contract.h"
#include "alloc/tests/frames_foreign.h"
#include "alloc/tracking.h"
#include "harness/harness.h"

#include <string.h>

static const struct cupel_block *block_at(const struct cupel_index *index, const void *base) {
    return cupel_index_at(index, base);
}

struct seen {
    unsigned count;
    enum cupel_tracking_finding finding;
    const void *block;
};

static void note(void *user, enum cupel_tracking_finding finding, const void *block, size_t size, size_t align,
                 const void *site) {
    struct seen *seen = user;
    (void)size, (void)align;
    seen->count++;
    seen->finding = finding;
    seen->block = block;
    CHECK(site != NULL);
}

TEST(tracking, refuses_and_tells_what_does_not_fit, .tags = "slow") {
    struct cupel_tracking tracking;
    struct seen seen = {0, CUPEL_TRACKING_OK, NULL};
    struct cupel_allocator *t = cupel_tracking_init(&tracking, test_allocator());
    tracking.on_finding = note;
    tracking.user = &seen;
    char *block = cupel_alloc(t, 40, 8);
    STARVED(block == NULL);
    cupel_free(t, block, 39, 8);
    CHECK_INT_EQ(seen.finding, CUPEL_TRACKING_WRONG_SIZE);
    CHECK(!cupel_resize(t, block, 40, 16, 40));
    CHECK_INT_EQ(seen.finding, CUPEL_TRACKING_WRONG_ALIGN);
    CHECK(cupel_realloc(t, block + 8, 32, 8, 64) == NULL);
    CHECK_INT_EQ(seen.finding, CUPEL_TRACKING_UNKNOWN_BLOCK);
    CHECK_PTR_EQ(seen.block, block + 8);
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), 1);
    CHECK_UINT_EQ(tracking.live_bytes, 40);
    cupel_free(t, block, 40, 8);
    CHECK_UINT_EQ(seen.count, 3);
    cupel_free(t, block, 40, 8); /* double: the parent never hears of it */
    CHECK_INT_EQ(seen.finding, CUPEL_TRACKING_UNKNOWN_BLOCK);
    CHECK_UINT_EQ(tracking.findings, 4);
    char text[8192] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    STARVED(out == NULL);
    CHECK_UINT_EQ(cupel_tracking_print_findings(&tracking, out), 4);
    (void)fclose(out);
    CHECK_STR_CONTAINS(text, "released with 39 bytes, acquired with 40\nreleased at\n    #0 ");
    CHECK_STR_CONTAINS(text, "acquired at, as block number 1\n    #0 ");
    CHECK_STR_CONTAINS(text, "resized with an alignment of 16, acquired with 8\n");
    CHECK_STR_CONTAINS(text, " with 32 bytes, where no live block begins\n");
    CHECK_UINT_EQ(tracking.live_bytes, 0);
    CHECK_STR_EQ(cupel_tracking_finding_name(CUPEL_TRACKING_WRONG_SIZE), "wrong size");
    cupel_tracking_deinit(&tracking);
}

TEST(tracking, follows_a_block_over_resize_and_remap) {
    struct cupel_tracking tracking;
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_pages());
    char *block = cupel_alloc(t, 100, 8);
    STARVED(block == NULL);
    CHECK(cupel_resize(t, block, 100, 8, 200));
    CHECK_UINT_EQ(block_at(&tracking.index, block)->size, 200);
    char *moved = cupel_realloc(t, block, 200, 8, 1 << 20);
    REQUIRE(moved != NULL);
    const struct cupel_block *record = cupel_index_at(&tracking.index, moved);
    REQUIRE(record != NULL);
    CHECK_UINT_EQ(record->size, 1 << 20);
    CHECK_UINT_EQ(record->serial, 1);
    CHECK_UINT_EQ(tracking.live_bytes, 1 << 20);
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), 1);
    cupel_free(t, moved, 1 << 20, 8);
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), 0);
    CHECK_UINT_EQ(tracking.findings, 0);
    cupel_tracking_deinit(&tracking);
}

static __attribute__((noinline)) void *small_site(struct cupel_allocator *t) {
    void *block = cupel_alloc(t, 8, 8);
    __asm__ volatile("");
    return block;
}
static __attribute__((noinline)) void *large_site(struct cupel_allocator *t) {
    void *block = cupel_alloc(t, 1000, 8);
    __asm__ volatile("");
    return block;
}

TEST(tracking, prints_live_blocks_grouped_by_site_largest_first, .tags = "slow") {
    struct cupel_tracking tracking;
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_libc());
    void *blocks[6];
    bool is_starved = false;
    for (unsigned i = 0; i < 6; i++) {
        blocks[i] = i % 3 == 2 ? large_site(t) : small_site(t);
        is_starved = is_starved || blocks[i] == NULL;
    }
    char text[16384] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    REQUIRE(out != NULL);
    size_t printed = cupel_tracking_print(&tracking, out);
    (void)fclose(out);
    for (unsigned i = 0; i < 6; i++) {
        cupel_free(t, blocks[i], i % 3 == 2 ? 1000 : 8, 8);
    }
    cupel_tracking_deinit(&tracking);
    STARVED(is_starved);
    CHECK_UINT_EQ(printed, 6);
    CHECK_STR_CONTAINS(text, "6 live blocks, 2032 bytes\n");
    const char *large =
        strstr(text, "2000 bytes in 2 blocks, the first is number 3, acquired at\n    #0 large_site+0x");
    const char *small = strstr(text, "32 bytes in 4 blocks, the first is number 1, acquired at\n    #0 small_site+0x");
    CHECK(large != NULL);
    CHECK(small > large);
    CHECK_STR_CONTAINS(text, "/alloc_layers+0x"); /* this program, as addr2line takes it */
}

static __attribute__((noinline)) unsigned collect(const void *frames[]) {
    unsigned count = cupel__frames_collect(CUPEL_SITE(), frames, 4);
    __asm__ volatile("");
    return count;
}

TEST(tracking, walks_to_callers_only_through_the_site) {
    const void *frames[4];
    CHECK_UINT_GE(collect(frames), 1);
    CHECK(frames[0] != NULL);
    CHECK_UINT_EQ(cupel__frames_collect("no code", frames, 4),
                  1); /* a chain that never meets the site is not believed */
    CHECK_UINT_EQ(cupel__frames_collect(CUPEL_SITE(), frames, 1), 1);
}

static const void *unwound[4];
static unsigned unwound_count;

static __attribute__((noinline)) void unwind(void) {
    unwound_count = cupel__frames_unwind(CUPEL_SITE(), unwound, 4);
    __asm__ volatile("");
}

/* Whether a return address lies behind a call near the beginning of a function. */
static bool is_near(const void *address, void (*function)(void (*)(void))) {
    return (uintptr_t)address - (uintptr_t)function < 256;
}

TEST(tracking, unwinds_through_code_without_frame_pointers) {
    frames_foreign_outer(unwind);
    REQUIRE(unwound_count == 4);
    CHECK(is_near(unwound[0], frames_foreign_inner));
    CHECK(is_near(unwound[1], frames_foreign_outer));
    CHECK(!is_near(unwound[2], frames_foreign_outer)); /* this function */
    const void *frames[4];
    CHECK_UINT_EQ(cupel__frames_unwind("no code", frames, 4), 1);
    CHECK_UINT_EQ(cupel__frames_unwind(CUPEL_SITE(), frames, 1), 1);
}

static struct cupel_allocator *tracked;
static void *from_outside;

static __attribute__((noinline)) void acquire(void) {
    from_outside = tracked->ops->acquire(tracked, 10, 1, 0, CUPEL_SITE());
}

TEST(tracking, unwinds_where_it_is_told_to) {
    struct cupel_tracking tracking;
    tracked = cupel_tracking_init(&tracking, test_allocator());
    tracking.unwinds = true;
    frames_foreign_outer(acquire);
    STARVED(from_outside == NULL);
    const struct cupel_block *block = cupel_index_at(&tracking.index, from_outside);
    REQUIRE(block != NULL);
    CHECK_UINT_GE(block->frame_count, 3);
    CHECK(is_near(block->frames[0], frames_foreign_inner));
    CHECK(is_near(block->frames[1], frames_foreign_outer));
    cupel_free(tracked, from_outside, 10, 1);
    cupel_tracking_deinit(&tracking);
}

TEST(tracking, keeps_and_forgets_a_million_blocks, .tags = "slow") {
    struct cupel_tracking tracking;
    struct cupel_counting counting;
    static const size_t count = 1000000;
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_counting_init(&counting, cupel_libc()));
    void **blocks = cupel_alloc(cupel_pages(), count * sizeof *blocks, sizeof *blocks);
    STARVED(blocks == NULL);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = cupel_alloc(t, 16, 8);
        REQUIRE(blocks[i] != NULL);
    }
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), count);
    /* 7 and a million have no common factor: this goes over all of them, in no simple order. */
    for (size_t i = 0, at = 0; i < count; i++, at = (at + 7) % count) {
        cupel_free(t, blocks[at], 16, 8);
    }
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), 0);
    CHECK_UINT_EQ(tracking.findings, 0);
    CHECK(cupel_counts_are_balanced(&counting.counts));
    cupel_free(cupel_pages(), blocks, count * sizeof *blocks, sizeof *blocks);
    cupel_tracking_deinit(&tracking);
}

TEST(tracking, gives_the_block_back_where_it_cannot_be_recorded,
     .no_sweep = "the refusal of its own is what is looked at") {
    struct cupel_tracking tracking;
    struct cupel_counting counting;
    struct cupel_failing full;
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_counting_init(&counting, cupel_libc()));
    tracking.index.memory = cupel_failing_init(&full, cupel_pages(), "any:1", NULL);
    CHECK(cupel_alloc(t, 10, 1) == NULL);
    CHECK(cupel_counts_are_balanced(&counting.counts));
    CHECK_UINT_EQ(counting.counts.released, 1);
    void *block = cupel_alloc(t, 10, 1);
    REQUIRE(block != NULL);
    CHECK_UINT_EQ(block_at(&tracking.index, block)->serial, 1);
    cupel_free(t, block, 10, 1);
    cupel_tracking_deinit(&tracking);
}

TEST(tracking, changes_nothing_where_the_parent_fails) {
    struct cupel_tracking tracking;
    struct cupel_failing failing;
    struct cupel_allocator *t =
        cupel_tracking_init(&tracking, cupel_failing_init(&failing, cupel_libc(), "alloc:2+;grow:1+", NULL));
    char *block = cupel_alloc(t, 10, 1);
    if (block == NULL) {
        cupel_tracking_deinit(&tracking);
    }
    STARVED(block == NULL);
    memcpy(block, "unchanged", 10);
    CHECK(cupel_alloc(t, 10, 1) == NULL);
    CHECK(cupel_realloc(t, block, 10, 1, 4000) == NULL);
    CHECK(!cupel_resize(t, block, 10, 1, 11));
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&tracking), 1);
    CHECK_UINT_EQ(tracking.live_bytes, 10);
    CHECK_STR_EQ(block, "unchanged");
    CHECK_UINT_EQ(tracking.findings, 0);
    cupel_free(t, block, 10, 1);
    cupel_tracking_deinit(&tracking);
}

TEST(tracking, keeps_the_contract, .tags = "slow") {
    struct cupel_tracking layer;
    struct cupel_allocator *a = cupel_tracking_init(&layer, cupel_libc());
    check_contract(a, (struct contract_limits){1 << 17, 64});
    check_refusals(a);
    CHECK_UINT_EQ(cupel_tracking_live_blocks(&layer), 0);
    CHECK_UINT_EQ(layer.live_bytes, 0);
    CHECK_UINT_EQ(layer.findings, 0);
    cupel_tracking_deinit(&layer);
}
