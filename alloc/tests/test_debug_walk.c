/* Goal: all live blocks can be walked, and who asked for one can be said by another. Method: blocks of all sizes, some
 * released, some resized, over which a visitor sums; visitors that stop and that misbehave; blocks that are none. */
#include "alloc/src/debug_slot.h"
#include "alloc/tests/debug_seen.h"

#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

struct sum {
    struct cupel_allocator *a;
    uint64_t blocks, bytes, most;
    const void *last;
    bool had_memory;
};

static bool add(void *user, const struct cupel_debug_block *block) {
    struct sum *sum = user;
    void *own = cupel_alloc(sum->a, 8, 8);
    sum->had_memory = sum->had_memory || own != NULL;
    sum->blocks++;
    sum->bytes += block->size;
    sum->last = block->base;
    CHECK(block->is_live && block->offset == 0 && block->freed == 0 && block->align >= 8);
    CHECK_STR_EQ(block->allocator, "debug");
    return sum->blocks < sum->most;
}

TEST(debug_walk, each_live_block_is_seen_once, .no_sweep = KERNEL) {
    static const size_t sizes[] = {0, 1, 24, 1000, 32000, 40000, 1 << 20};
    enum { COUNT = 7, EACH = 30 };
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    void *blocks[COUNT][EACH];
    uint64_t bytes = 0;
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j < EACH; j++) {
            blocks[i][j] = cupel_alloc(a, sizes[i], 8);
            REQUIRE(blocks[i][j] != NULL);
        }
        for (unsigned j = 0; j < EACH; j += 2) {
            cupel_free(a, blocks[i][j], sizes[i], 8);
            bytes += sizes[i];
        }
    }
    struct sum sum = {.a = a, .most = UINT64_MAX};
    CHECK_UINT_EQ(cupel_debug_walk(&debug, add, &sum), COUNT * EACH / 2);
    CHECK_UINT_EQ(sum.blocks, COUNT * EACH / 2);
    CHECK_UINT_EQ(sum.bytes, bytes);
    CHECK(!sum.had_memory); /* while all are looked at */
    sum = (struct sum){.a = a, .most = 3};
    CHECK_UINT_EQ(cupel_debug_walk(&debug, add, &sum), 3);
    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 1; j < EACH; j += 2) {
            cupel_free(a, blocks[i][j], sizes[i], 8);
        }
    }
    sum = (struct sum){.a = a, .most = UINT64_MAX};
    CHECK_UINT_EQ(cupel_debug_walk(&debug, add, &sum), 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

static const char *const seals[] = {"seal=none", "seal=always"};

TEST(debug_walk, who_asked_can_be_said_by_another, .no_sweep = KERNEL, CUPEL_TABLE(seals)) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    REQUIRE(cupel_debug_parse(&options, seals[test_row_index()], NULL));
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = &seen};
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    static const void *const frames[] = {seals, &seals[1]}; /* no code, but a trace */
    cupel_trace_id trace = cupel_trace_intern(frames, 2);
    char *block = cupel_alloc(a, 100, 8);
    struct cupel_debug_block known;
    REQUIRE(block != NULL && trace != 0);
    CHECK(cupel_debug_find(block, &known) && known.allocated != trace);
    CHECK(cupel_debug_set_trace(&debug, block, trace));
    CHECK(cupel_debug_find(block + 5, &known) && known.allocated == trace && known.offset == 5);
    CHECK(!cupel_debug_set_trace(&debug, block + 1, trace));
    CHECK(!cupel_debug_set_trace(&debug, &known, trace));
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 1);
    REQUIRE_UINT_EQ(seen.count, 1);
    CHECK_UINT_EQ(seen.all[0].traces[0].trace, trace); /* it is that one's leak now */
    cupel_free(a, block, 100, 8);
    CHECK(!cupel_debug_set_trace(&debug, block, trace));
    (void)cupel_debug_deinit(&debug);
}
