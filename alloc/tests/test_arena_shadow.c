/* Goal: whatever is done to an arena, blocks are where and what their owner left, and the arena's figures are those of
 * its parent. Method: random sequences against a shadow model of live blocks and marks. */
#include "alloc/arena.h"
#include "alloc/tests/page_source.h"
#include "harness/harness.h"

#include <string.h>

/* The shadow model: live blocks, in the order of allocation, with the depth of marks that they stand at. */
enum { BLOCKS_MAX = 64, MARKS_MAX = 6 };

struct shadow_block {
    unsigned char *start;
    size_t size;
    size_t align;
    unsigned char fill;
    unsigned depth;
};

struct shadow {
    struct cupel_arena arena;
    struct cupel_allocator *a;
    struct shadow_block blocks[BLOCKS_MAX];
    size_t count;
    struct cupel_arena_mark marks[MARKS_MAX];
    unsigned depth;
    unsigned char next_fill;
};

static void check_block(const struct shadow *shadow, const struct shadow_block *block) {
    CHECK_UINT_EQ((uintptr_t)block->start % block->align, 0);
    for (size_t i = 0; i < block->size; i++) {
        if (block->start[i] != block->fill) {
            FAIL("block of %zu bytes: byte %zu is %u, not %u", block->size, i, block->start[i], block->fill);
            break;
        }
    }
    for (size_t i = 0; i < shadow->count; i++) {
        const struct shadow_block *other = &shadow->blocks[i];
        CHECK(other == block || other->start + other->size <= block->start ||
              block->start + block->size <= other->start);
        CHECK(other == block || other->start != block->start);
    }
}

static void remove_block(struct shadow *shadow, size_t index) {
    memmove(&shadow->blocks[index], &shadow->blocks[index + 1], (shadow->count - index - 1) * sizeof shadow->blocks[0]);
    shadow->count--;
}

static void drop_since(struct shadow *shadow, unsigned depth) {
    for (size_t i = shadow->count; i-- > 0;) {
        if (shadow->blocks[i].depth > depth) {
            remove_block(shadow, i);
        }
    }
    shadow->depth = depth;
}

static void acquire_one(struct shadow *shadow, struct cupel_bytes *bytes) {
    struct shadow_block block = {.size = cupel_draw_size(bytes, "size", 0, 3000),
                                 .align = (size_t)1 << cupel_draw_uint(bytes, "log2 of alignment", 0, 10),
                                 .fill = ++shadow->next_fill,
                                 .depth = shadow->depth};
    bool is_zeroed = cupel_draw_bool(bytes, "zeroed");
    if (shadow->count == BLOCKS_MAX) {
        return;
    }
    block.start = is_zeroed ? cupel_alloc_zeroed(shadow->a, block.size, block.align)
                            : cupel_alloc(shadow->a, block.size, block.align);
    if (block.start == NULL) {
        return;
    }
    for (size_t i = 0; is_zeroed && i < block.size; i++) {
        REQUIRE_INT_EQ(block.start[i], 0);
    }
    memset(block.start, block.fill, block.size);
    shadow->blocks[shadow->count++] = block;
    check_block(shadow, &shadow->blocks[shadow->count - 1]);
}

static bool is_large(const struct shadow *shadow, const struct shadow_block *block) {
    return block->size + block->align > shadow->arena.options.large_size;
}

static void change_one(struct shadow *shadow, struct cupel_bytes *bytes) {
    bool may_move = cupel_draw_bool(bytes, "may move");
    size_t new_size = cupel_draw_size(bytes, "new size", 0, 4000);
    size_t back = (size_t)cupel_draw_uint(bytes, "blocks back", 0, BLOCKS_MAX - 1);
    if (back >= shadow->count) {
        return;
    }
    struct shadow_block *block = &shadow->blocks[shadow->count - 1 - back];
    bool was_large = is_large(shadow, block);
    unsigned char *start = block->start;
    if (may_move) {
        start = cupel_realloc(shadow->a, start, block->size, block->align, new_size);
        if (start == NULL) {
            return;
        }
    } else if (!cupel_resize(shadow->a, start, block->size, block->align, new_size)) {
        return;
    }
    for (size_t i = 0; i < block->size && i < new_size; i++) {
        REQUIRE_INT_EQ(start[i], block->fill);
    }
    bool has_moved = start != block->start;
    block->start = start;
    block->size = new_size;
    /* A block that moves belongs to the present frame, except one that stays on a page of its own. */
    if (has_moved && !(was_large && is_large(shadow, block))) {
        block->depth = shadow->depth;
    }
    memset(start, block->fill, new_size);
    check_block(shadow, block);
}

static void release_one(struct shadow *shadow, struct cupel_bytes *bytes) {
    size_t back = (size_t)cupel_draw_uint(bytes, "blocks back", 0, BLOCKS_MAX - 1);
    if (back < shadow->count) {
        size_t index = shadow->count - 1 - back;
        struct shadow_block block = shadow->blocks[index];
        check_block(shadow, &shadow->blocks[index]);
        cupel_free(shadow->a, block.start, block.size, block.align);
        remove_block(shadow, index);
    }
}

static void mark_or_rewind(struct shadow *shadow, struct cupel_bytes *bytes) {
    if (cupel_draw_bool(bytes, "mark") && shadow->depth < MARKS_MAX) {
        shadow->marks[shadow->depth++] = cupel_arena_mark(&shadow->arena);
    } else if (shadow->depth > 0) {
        unsigned depth = (unsigned)cupel_draw_uint(bytes, "rewind to", 0, shadow->depth - 1);
        cupel_arena_rewind(&shadow->arena, shadow->marks[depth]);
        drop_since(shadow, depth);
    }
}

static void reset_or_trim(struct shadow *shadow, struct cupel_bytes *bytes) {
    if (cupel_draw_bool(bytes, "reset")) {
        cupel_arena_reset(&shadow->arena, cupel_draw_size(bytes, "bytes kept", 0, 20000));
        shadow->count = 0;
        shadow->depth = 0;
        CHECK_UINT_EQ(cupel_arena_stats(&shadow->arena).used_bytes, 0);
    } else {
        cupel_arena_trim(&shadow->arena);
        CHECK_UINT_EQ(cupel_arena_stats(&shadow->arena).spare_pages, 0);
    }
}

PROPERTY(arena, agrees_with_its_shadow, .longest = 2048) {
    static const char *const operations[] = {"acquire", "change", "release", "mark", "reset"};
    static void (*const run[])(struct shadow *, struct cupel_bytes *) = {acquire_one, change_one, release_one,
                                                                         mark_or_rewind, reset_or_trim};
    struct page_source source = new_source(a);
    struct shadow shadow = {0};
    struct cupel_arena_options options = {.page_size = cupel_draw_size(bytes, "page", 512, 5000)};
    options.page_size_max = options.page_size * cupel_draw_uint(bytes, "growth", 1, 5);
    options.redzone = 8 * cupel_draw_uint(bytes, "redzone", 0, 4);
    shadow.a = cupel_arena_init(&shadow.arena, &source.base, &options);
    while (cupel_draw_more(bytes, "operation")) {
        source.is_empty = cupel_draw_uint(bytes, "parent is empty", 0, 15) == 15;
        cupel_benign_begin();
        run[cupel_draw_pick(bytes, "which", operations, 5)](&shadow, bytes);
        cupel_benign_end();
        struct cupel_arena_stats stats = cupel_arena_stats(&shadow.arena);
        CHECK_UINT_EQ(stats.held_bytes, source.live_bytes);
        CHECK_UINT_EQ(stats.pages + stats.large_blocks, source.live_pages);
        CHECK_UINT_GE(stats.used_bytes_peak, stats.used_bytes);
        CHECK_UINT_LE(stats.used_bytes, stats.held_bytes);
    }
    for (size_t i = 0; i < shadow.count; i++) {
        check_block(&shadow, &shadow.blocks[i]);
    }
    cupel_arena_deinit(&shadow.arena);
    CHECK_UINT_EQ(source.live_pages, 0);
    CHECK_UINT_EQ(source.live_bytes, 0);
}

TEST(arena, contains_what_it_gave_and_nothing_else) {
    struct cupel_arena arena;
    struct cupel_allocator *a =
        cupel_arena_init(&arena, test_allocator(), &(struct cupel_arena_options){.page_size = 512});
    char outside;
    CHECK(!cupel_arena_contains(&arena, &outside));
    char *small[32];
    bool is_starved = false;
    for (size_t i = 0; i < 32 && !is_starved; i++) {
        small[i] = cupel_alloc(a, 64, 8);
        is_starved = small[i] == NULL;
    }
    char *large = is_starved ? NULL : cupel_alloc(a, 5000, 8);
    if (large == NULL) {
        cupel_arena_deinit(&arena);
    }
    STARVED(large == NULL);
    for (size_t i = 0; i < 32; i++) {
        CHECK(small[i] != NULL && cupel_arena_contains(&arena, small[i] + 63));
    }
    CHECK(cupel_arena_contains(&arena, large + 4999));
    CHECK(!cupel_arena_contains(&arena, &outside));
    CHECK(!cupel_arena_contains(&arena, arena.cursor));
    cupel_arena_reset(&arena, SIZE_MAX);
    CHECK(!cupel_arena_contains(&arena, small[0]));
    cupel_arena_deinit(&arena);
}

/* Growth onto memory that held other contents before: the new part is zero all the same, whether the block moved or
 * not. */
TEST(arena, zeroed_growth_is_zero_also_after_a_move) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), NULL);
    unsigned char *dirt = cupel_alloc(a, 4096, 16);
    STARVED(dirt == NULL);
    memset(dirt, 0xff, 4096);
    cupel_arena_reset(&arena, SIZE_MAX);
    unsigned char *block = cupel_alloc(a, 10, 1);
    STARVED(block == NULL);
    memset(block, 0x11, 10);
    unsigned char *other = cupel_alloc(a, 10, 1); /* stands behind it: growth must move */
    STARVED(other == NULL);
    unsigned char *moved = a->ops->remap(a, block, 10, 1, 1000, CUPEL_ZEROED, CUPEL_SITE());
    STARVED(moved == NULL);
    CHECK_PTR_NE(moved, block);
    for (size_t i = 0; i < 1000; i++) {
        REQUIRE_INT_EQ(moved[i], i < 10 ? 0x11 : 0);
    }
    cupel_arena_deinit(&arena);
}
