/* Goal: the debug allocator is right at its own bounds: options beyond them, addresses that come in small pieces, more
 * findings than are remembered, pointers into rooms where no block ever was. Method: tables of system functions that
 * give little, findings through the sink, and addresses worked out from known blocks. */
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_state.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"

#include "alloc/tests/debug_seen.h"

#include <stdint.h>
#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

TEST(debug_bounds, options_have_defaults_and_bounds, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct cupel_debug_options options;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), NULL, NULL);
    REQUIRE(a != NULL);
    cupel_debug_defaults(&options);
    CHECK_UINT_EQ(debug.state->options.frames, options.frames);
    CHECK_UINT_EQ(debug.state->options.quarantine_bytes, options.quarantine_bytes);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    struct cupel_error error;
    options.frames = 1000;
    CHECK(cupel_debug_init(&debug, cupel_pages(), &options, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "frames");
    CHECK_UINT_EQ(cupel__debug_thread_stack(0), 0);
    CHECK_UINT_EQ(cupel__debug_thread_stack(70000), 0);
}

static size_t given_most;
static unsigned given_count;

/* Gives addresses, but not many at a time. */
static void *reserve_little(size_t length) {
    void *range = length > given_most ? NULL : cupel__system.reserve(length);
    given_count += range != NULL;
    return range;
}

TEST(debug_bounds, addresses_may_come_in_small_pieces, .no_sweep = KERNEL, .tags = "slow") {
    enum { SIZE = 700000, MOST = 1000 };
    static void *blocks[MOST];
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    struct cupel__system little = cupel__system;
    little.reserve = reserve_little;
    given_most = (size_t)1 << 20;
    given_count = 0;
    const struct cupel__system *system = debug.state->system;
    debug.state->system = &little;
    unsigned count = 0;
    while (count < MOST && (blocks[count] = cupel_alloc(a, SIZE, 8)) != NULL) {
        memset(blocks[count], 1, SIZE);
        count++;
    }
    CHECK_UINT_GE(count, CUPEL__RESERVATIONS); /* a piece each, and then no more */
    CHECK_UINT_LT(count, MOST);
    CHECK_UINT_EQ(given_count, CUPEL__RESERVATIONS);
    CHECK_UINT_EQ(debug.state->addresses.count, CUPEL__RESERVATIONS);
    cupel_free(a, blocks[0], SIZE, 8);
    blocks[0] = cupel_alloc(a, SIZE, 8); /* what was freed serves again */
    CHECK(blocks[0] != NULL);
    for (unsigned i = 0; i < count; i++) {
        cupel_free(a, blocks[i], SIZE, 8);
    }
    debug.state->system = system;
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_bounds, without_addresses_there_is_no_block, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    struct cupel__system little = cupel__system;
    little.reserve = reserve_little;
    given_most = 0;
    const struct cupel__system *system = debug.state->system;
    debug.state->system = &little;
    CHECK(cupel_alloc(a, 100, 8) == NULL);
    CHECK(cupel_alloc(a, 1 << 20, 8) == NULL);
    debug.state->system = system;
    void *block = cupel_alloc(a, 100, 8);
    CHECK(block != NULL);
    cupel_free(a, block, 100, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

/* A finding of each of these traces, told or counted. */
TEST(debug_bounds, more_findings_than_are_remembered_are_all_told, .no_sweep = KERNEL, .tags = "slow") {
    enum { FINDINGS = 4 * CUPEL__TOLD };
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    struct cupel_debug_statistics statistics;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uintptr_t i = 0; i < FINDINGS; i++) {
            const void *frames[] = {(const void *)(0x1000 + 16 * i)};
            struct cupel_finding finding = {.kind = CUPEL_FINDING_WILD,
                                            .trace_count = 1,
                                            .traces = {{.role = "free", .trace = cupel_trace_intern(frames, 1)}}};
            cupel__finding_tell(debug.state, &finding);
        }
    }
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(cupel_debug_findings(&debug), 2 * FINDINGS);
    CHECK_UINT_EQ(seen.count + statistics.suppressed, 2 * FINDINGS);
    CHECK_UINT_GT(statistics.suppressed, 0); /* some are known the second time */
    CHECK_UINT_GT(seen.count, FINDINGS);     /* and some that are not remembered are told again */
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2 * FINDINGS);
}

/* Rules are asked each time where there is no place to keep their answer. */
TEST(debug_bounds, rules_hold_where_nothing_is_remembered, .no_sweep = KERNEL, .tags = "slow") {
    enum { FINDINGS = 2 * CUPEL__TOLD };
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.suppressions = "{\nall\ncupel:wild-pointer\n...\n}\n";
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (uintptr_t i = 0; i < FINDINGS; i++) {
        const void *frames[] = {(const void *)(0x1000 + 16 * i)};
        struct cupel_finding finding = {.kind = CUPEL_FINDING_WILD,
                                        .trace_count = 1,
                                        .traces = {{.role = "free", .trace = cupel_trace_intern(frames, 1)}}};
        cupel__finding_tell(debug.state, &finding);
    }
    CHECK_UINT_EQ(seen.count, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_bounds, blocks_are_known_by_their_beginning_in_their_own_allocator, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct cupel_debug other;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    struct cupel_allocator *b = cupel_debug_init(&other, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL && b != NULL);
    char *block = cupel_alloc(a, 40, 16);
    char *foreign = cupel_alloc(b, 40, 16);
    REQUIRE(block != NULL && foreign != NULL);
    size_t size = 0;
    size_t align = 0;
    CHECK(cupel_debug_size(&debug, block, &size, &align));
    CHECK_UINT_EQ(size, 40);
    CHECK_UINT_EQ(align, 16);
    CHECK(!cupel_debug_size(&debug, block + 1, &size, &align));
    CHECK(!cupel_debug_size(&debug, foreign, &size, &align));
    CHECK(!cupel_debug_size(&debug, &size, &size, &align));
    CHECK(!cupel_debug_set_trace(&debug, foreign, 1));
    cupel_free(a, block, 40, 16);
    CHECK(!cupel_debug_size(&debug, block, &size, &align));
    CHECK(!cupel_debug_set_trace(&debug, block, 1));
    cupel_free(b, foreign, 40, 16);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&other), 0);
}

TEST(debug_bounds, a_finding_has_room_for_so_many_traces) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_WILD};
    for (unsigned i = 1; i <= CUPEL_FINDING_TRACES + 2; i++) {
        cupel__finding_add_trace(&finding, "role", i, 0);
    }
    CHECK_UINT_EQ(finding.trace_count, CUPEL_FINDING_TRACES);
    CHECK_UINT_EQ(finding.traces[CUPEL_FINDING_TRACES - 1].trace, CUPEL_FINDING_TRACES);
}

/* Frees of addresses that are no blocks: the nearest block is named, where there is one. */
TEST(debug_bounds, addresses_beside_blocks_are_explained, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.frames = 0; /* without traces nothing is told as the same */
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    char *block = cupel_alloc(a, 100, 64);
    REQUIRE(block != NULL);
    struct cupel__target target;
    REQUIRE(cupel__slot_locate((uintptr_t)block, &target));
    char *end = (char *)target.span->base + target.span->length_bytes;
    struct cupel_debug_block known;
    CHECK(cupel_debug_find(block + 3, &known));
    CHECK(!cupel_debug_find(end - 200, &known)); /* a slot that was never handed out is nobody's */
    struct cupel_finding finding = {.kind = CUPEL_FINDING_WILD};
    REQUIRE(cupel__slot_locate((uintptr_t)end - 200, &target));
    cupel__finding_describe(target.span, target.index, &finding);
    CHECK(!finding.has_block && finding.trace_count == 0);
    const struct {
        char *address;
        bool has_block;
        enum cupel_finding_kind kind;
    } wrong[] = {
        {end - 200, true, CUPEL_FINDING_WILD},   /* slots that were never handed out */
        {block + 100, true, CUPEL_FINDING_WILD}, /* behind its last byte, in its slot */
        {block - 1, true, CUPEL_FINDING_WILD},   /* before its first */
        {block + 99, true, CUPEL_FINDING_INTERIOR},
        {(char *)16, false, CUPEL_FINDING_WILD},
        {(char *)(UINTPTR_MAX - 15), false, CUPEL_FINDING_WILD},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        seen.count = 0;
        cupel_free(a, wrong[i].address, 8, 1);
        if (seen.count != 1) {
            REQUIRE_FAIL("address %u was told %u times", i, seen.count);
        }
        CHECK_INT_EQ(seen.all[0].has_block, wrong[i].has_block);
        CHECK_INT_EQ(seen.all[0].kind, wrong[i].kind);
        if (wrong[i].has_block) {
            CHECK_PTR_EQ(seen.all[0].base, block);
        }
    }
    cupel_free(a, block, 100, 64);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), sizeof wrong / sizeof wrong[0]);
}
