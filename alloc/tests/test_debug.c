/* Goal: the debug allocator keeps the contract, finds each misuse, and tells it with the stacks of all who were part of
 * it. Method: scripted requests with findings collected through the sink, the contract's tables, and white looks into
 * spans. */
#include "alloc/counting.h"
#include "alloc/libc.h"
#include "alloc/src/debug_classes.h"
#include "alloc/tests/contract.h"
#include "alloc/tests/debug_seen.h"
#include "harness/harness.h"

TEST(debug, classes_hold_what_goes_in_and_little_more) {
    for (size_t bytes = 1; bytes <= CUPEL__SLOT_MAX; bytes++) {
        unsigned size_class = cupel__class_of(bytes);
        REQUIRE(size_class < CUPEL__CLASSES);
        size_t slot = cupel__class_bytes(size_class);
        REQUIRE(slot >= bytes && slot % 16 == 0);
        REQUIRE(size_class == 0 || cupel__class_bytes(size_class - 1) < bytes);
        REQUIRE(bytes <= 256 || slot - bytes <= slot / 8);
    }
    CHECK_UINT_EQ(cupel__class_of(CUPEL__SLOT_MAX), CUPEL__CLASSES - 1);
}

TEST(debug, keeps_the_contract, .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    STARVED(a == NULL);
    check_contract(a, (struct contract_limits){1 << 20, 1 << 16});
    check_refusals(a);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK_UINT_EQ(seen.count, 0);
}

TEST(debug, tells_a_double_free_with_three_traces) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    STARVED(a == NULL);
    void *block = cupel_alloc(a, 40, 8);
    STARVED(block == NULL);
    cupel_free(a, block, 40, 8);
    cupel_free(a, block, 40, 8);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_DOUBLE_FREE);
    CHECK_PTR_EQ(seen.all[0].address, block);
    CHECK_UINT_EQ(seen.all[0].size, 40);
    CHECK_UINT_EQ(seen.all[0].trace_count, 3);
    CHECK_STR_EQ(seen.all[0].traces[0].role, "freed again");
    CHECK_STR_EQ(seen.all[0].traces[1].role, "freed first");
    CHECK_STR_EQ(seen.all[0].traces[2].role, "allocated");
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

static void *volatile kept[4]; /* reachable for certain; whether a stack still holds a pointer is luck */

static __attribute__((noinline)) void keep(struct cupel_allocator *a, unsigned i, size_t size) {
    kept[i] = cupel_alloc(a, size, 8);
    REQUIRE(kept[i] != NULL);
}

TEST(debug, tells_leaks_by_site_most_bytes_first, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (volatile unsigned i = 0; i < 3; i++) {
        keep(a, i, 10);
    }
    keep(a, 3, 100000);
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 4);
    REQUIRE(seen.count == 2);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_REACHABLE);
    CHECK_UINT_EQ(seen.all[0].bytes, 100000);
    CHECK_UINT_EQ(seen.all[1].bytes, 30);
    CHECK_UINT_EQ(seen.all[1].blocks, 3);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 4); /* again at the end, where they are not told twice */
    CHECK_UINT_EQ(seen.count, 2);
}

static void check_contract_with(const char *text, struct cupel_allocator *backing) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    cupel_note("%s", text);
    REQUIRE(cupel_debug_parse(&options, text, NULL));
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = &seen};
    struct cupel_allocator *a = cupel_debug_init(&debug, backing, &options, NULL);
    REQUIRE(a != NULL);
    check_contract(a, (struct contract_limits){1 << 17, 1 << 13});
    check_refusals(a);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK_UINT_EQ(seen.count, 0);
}

TEST(debug, keeps_the_contract_with_each_option, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow", .timeout_s = 120) {
    static const char *const texts[] = {"frames=0:single-thread",
                                        "walk=tables:frames=32",
                                        "canaries=0:fill-fresh=0:fill-freed=0",
                                        "canary-bytes=64:canary=0:fresh=1:freed=2",
                                        "guard-every=1:leaks=none",
                                        "guard-every=3",
                                        "never-unmap",
                                        "move-on-remap",
                                        "quarantine=0",
                                        "kept-metadata=0",
                                        "seal=retired",
                                        "fill-max=16"};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_contract_with(texts[i], cupel_pages());
    }
}

TEST(debug, keeps_the_contract_over_another_allocator, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow", .timeout_s = 120) {
    struct cupel_counting counting;
    struct cupel_allocator *libc = cupel_counting_init(&counting, cupel_libc());
    check_contract_with("", libc);
    check_contract_with("quarantine=0", libc);
    CHECK(cupel_counts_are_balanced(&counting.counts));
    CHECK_UINT_GT(counting.counts.acquired, 0);
}

TEST(debug, keeps_the_contract_sealed, .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow",
     .timeout_s = 120) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.seal = CUPEL_DEBUG_SEAL_ALWAYS;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    check_contract(a, (struct contract_limits){1 << 12, 16});
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
