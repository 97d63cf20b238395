/* Goal: blocks of an arena keep place and contents until their mark is rewound, and pages come and go as the header
 * says. Method: sequences by hand; random sequences against a shadow model. */
#include "alloc/arena.h"
#include "harness/harness.h"

#include <string.h>

/* A parent that counts its live pages and fails where told. */
struct page_source {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    size_t live_pages;
    size_t live_bytes;
    bool is_empty;
};

static void *source_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct page_source *source = (struct page_source *)self;
    void *page = source->is_empty ? NULL : source->parent->ops->acquire(source->parent, size, align, flags, site);
    if (page != NULL) {
        source->live_pages++;
        source->live_bytes += size;
    }
    return page;
}

static bool source_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site) {
    struct page_source *source = (struct page_source *)self;
    if (!source->parent->ops->resize(source->parent, block, size, align, new_size, site)) {
        return false;
    }
    source->live_bytes += new_size - size;
    return true;
}

static void *source_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site) {
    struct page_source *source = (struct page_source *)self;
    void *moved =
        source->is_empty ? NULL : source->parent->ops->remap(source->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        source->live_bytes += new_size - size;
    }
    return moved;
}

static void source_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct page_source *source = (struct page_source *)self;
    source->live_pages--;
    source->live_bytes -= size;
    source->parent->ops->release(source->parent, block, size, align, site);
}

static const struct cupel_allocator_ops source_ops = {.name = "source",
                                                      .acquire = source_acquire,
                                                      .resize = source_resize,
                                                      .remap = source_remap,
                                                      .release = source_release};

static struct page_source new_source(struct cupel_allocator *parent) {
    return (struct page_source){.base.ops = &source_ops, .parent = parent};
}

static const struct cupel_arena_options small_pages = {.page_size = 1024, .page_size_max = 4096};

TEST(arena, acquires_nothing_before_the_first_block) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    cupel_arena_init(&arena, &source.base, NULL);
    CHECK_UINT_EQ(source.live_pages, 0);
    cupel_arena_rewind(&arena, cupel_arena_mark(&arena));
    cupel_arena_reset(&arena, 0);
    cupel_arena_trim(&arena);
    cupel_arena_deinit(&arena);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_pages, 0);
}

TEST(arena, blocks_stand_side_by_side) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), NULL);
    char *first = cupel_alloc(a, 8, 8);
    STARVED(first == NULL);
    char *second = cupel_alloc(a, 8, 8);
    char *empty = cupel_alloc(a, 0, 1);
    char *other_empty = cupel_alloc(a, 0, 1);
    CHECK_INT_EQ(second - first, (int)(8 + arena.options.redzone));
    CHECK(empty != other_empty);
    CHECK(empty > second && other_empty > empty);
    cupel_arena_deinit(&arena);
}

TEST(arena, refuses_invalid_requests) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, NULL);
    CHECK(cupel_alloc(a, 8, 0) == NULL);
    CHECK(cupel_alloc(a, 8, 24) == NULL);
    CHECK(cupel_alloc(a, (size_t)PTRDIFF_MAX + 1, 8) == NULL);
    CHECK(cupel_alloc(a, PTRDIFF_MAX, 8) == NULL);
    CHECK_UINT_EQ(source.live_pages, 0);
    cupel_arena_deinit(&arena);
}

TEST(arena, pages_grow_up_to_the_bound) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    size_t sizes[6] = {0};
    size_t count = 0;
    size_t before = 0;
    while (count < 6) {
        void *block = cupel_alloc(a, 100, 1);
        if (block == NULL) {
            cupel_arena_deinit(&arena);
        }
        STARVED(block == NULL);
        if (source.live_bytes != before) {
            sizes[count++] = source.live_bytes - before;
            before = source.live_bytes;
        }
    }
    const size_t expected[6] = {1024, 2048, 4096, 4096, 4096, 4096};
    CHECK_MEM_EQ(sizes, expected, sizeof expected);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).pages, 6);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).held_bytes, source.live_bytes);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_bytes, 0);
}

TEST(arena, a_failed_page_changes_nothing) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    char *block = cupel_alloc(a, 200, 1);
    STARVED(block == NULL);
    memset(block, 0x11, 200);
    source.is_empty = true;
    while (cupel_alloc(a, 200, 1) != NULL) {
    }
    struct cupel_arena before = arena;
    CHECK(cupel_alloc(a, 200, 1) == NULL);
    CHECK(cupel_alloc(a, 5000, 1) == NULL);
    CHECK(cupel_realloc(a, block, 200, 1, 210) == NULL);
    CHECK(cupel_realloc(a, block, 200, 1, 5000) == NULL);
    CHECK_MEM_EQ(&arena, &before, sizeof arena);
    CHECK_INT_EQ(block[199], 0x11);
    source.is_empty = false;
    void *late = cupel_alloc(a, 200, 1);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_bytes, 0);
    STARVED(late == NULL);
}

TEST(arena, newest_block_changes_in_place) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), NULL);
    char *first = cupel_alloc(a, 16, 8);
    STARVED(first == NULL);
    char *second = cupel_alloc(a, 16, 8);
    memset(second, 0x22, 16);
    CHECK(!cupel_resize(a, first, 16, 8, 17));
    CHECK(cupel_resize(a, second, 16, 8, 1000));
    CHECK_PTR_EQ(cupel_realloc(a, second, 1000, 8, 2000), second);
    CHECK_INT_EQ(second[15], 0x22);
    memset(second, 0x33, 2000);
    CHECK(cupel_resize(a, second, 2000, 8, 24));
    char *third = cupel_alloc(a, 8, 8);
    CHECK_INT_EQ(third - second, (int)(24 + arena.options.redzone));
    cupel_free(a, third, 8, 8);
    cupel_free(a, second, 24, 8);
    CHECK(cupel_resize(a, first, 16, 8, 4000));
    cupel_free(a, first, 4000, 8);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).used_bytes, 0);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).used_bytes_peak,
                  16 + 2000 + 2 * arena.options.redzone > 4000 + arena.options.redzone
                      ? 16 + 2000 + 2 * arena.options.redzone
                      : 4000 + arena.options.redzone);
    cupel_arena_deinit(&arena);
}

TEST(arena, blocks_from_before_a_mark_stay_as_they_are) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), NULL);
    char *outer = cupel_alloc(a, 16, 8);
    STARVED(outer == NULL);
    memset(outer, 0x44, 16);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    CHECK(!cupel_resize(a, outer, 16, 8, 32));
    CHECK(cupel_resize(a, outer, 16, 8, 8));
    char *inner = cupel_alloc(a, 8, 8);
    CHECK_INT_EQ(inner - outer, (int)(16 + arena.options.redzone));
    cupel_arena_rewind(&arena, mark);
    CHECK(!cupel_resize(a, outer, 8, 8, 16));
    CHECK_PTR_EQ(cupel_alloc(a, 8, 8), inner);
    CHECK_INT_EQ(outer[7], 0x44);
    cupel_arena_deinit(&arena);
}

TEST(arena, rewind_keeps_small_pages_and_returns_large_ones) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    char *outer = cupel_alloc(a, 5000, 1);
    STARVED(outer == NULL);
    memset(outer, 0x55, 5000);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    for (int round = 0; round < 3; round++) {
        bool is_starved = false;
        for (int i = 0; i < 20; i++) {
            is_starved = is_starved || cupel_alloc(a, 200, 1) == NULL;
        }
        is_starved = is_starved || cupel_alloc(a, 6000, 64) == NULL;
        if (is_starved) {
            cupel_arena_deinit(&arena);
        }
        STARVED(is_starved);
        CHECK_UINT_EQ(cupel_arena_stats(&arena).large_blocks, 2);
        cupel_arena_rewind(&arena, mark);
        struct cupel_arena_stats stats = cupel_arena_stats(&arena);
        CHECK_UINT_EQ(stats.large_blocks, 1);
        CHECK_UINT_EQ(stats.spare_pages, stats.pages);
        CHECK_UINT_EQ(source.live_pages, 1 + stats.pages);
        CHECK_UINT_GE(stats.pages, 2);
        CHECK_UINT_LE(stats.pages, 3);
    }
    CHECK_INT_EQ(outer[4999], 0x55);
    cupel_arena_trim(&arena);
    CHECK_UINT_EQ(source.live_pages, 1);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_bytes, 0);
}

TEST(arena, reset_keeps_what_it_is_told) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    bool is_starved = cupel_alloc(a, 5000, 1) == NULL;
    for (int i = 0; i < 40; i++) {
        is_starved = is_starved || cupel_alloc(a, 200, 1) == NULL;
    }
    if (is_starved) {
        cupel_arena_deinit(&arena);
    }
    STARVED(is_starved);
    cupel_arena_reset(&arena, SIZE_MAX);
    size_t pages = cupel_arena_stats(&arena).pages;
    CHECK_UINT_GE(pages, 4);
    CHECK_UINT_EQ(source.live_pages, pages);
    cupel_arena_reset(&arena, 1024 + 2048 + 4095);
    CHECK_UINT_EQ(source.live_bytes, 1024 + 2048);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).spare_pages, 2);
    CHECK(cupel_alloc(a, 200, 1) != NULL);
    CHECK_UINT_EQ(source.live_pages, 2);
    cupel_arena_reset(&arena, 0);
    CHECK_UINT_EQ(source.live_bytes, 0);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).used_bytes, 0);
    cupel_arena_deinit(&arena);
}

TEST(arena, large_blocks_come_and_go_in_any_order) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    char *blocks[4];
    size_t got = 0;
    while (got < 4 && (blocks[got] = cupel_alloc(a, 3000 + got, (size_t)16 << got)) != NULL) {
        memset(blocks[got], (int)got + 1, 3000 + got);
        got++;
    }
    if (got < 4) {
        cupel_arena_deinit(&arena);
    }
    STARVED(got < 4);
    CHECK_UINT_EQ((uintptr_t)blocks[3] % 128, 0);
    cupel_free(a, blocks[1], 3001, 32);
    CHECK_UINT_EQ(source.live_pages, 3);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    char *newer = cupel_alloc(a, 4000, 1);
    char *moved = cupel_realloc(a, blocks[2], 3002, 64, 90000);
    bool is_starved = newer == NULL || moved == NULL;
    if (is_starved) {
        cupel_arena_deinit(&arena);
    }
    STARVED(is_starved);
    CHECK_INT_EQ(moved[3001], 3);
    CHECK_UINT_EQ((uintptr_t)moved % 64, 0);
    memset(moved, 7, 90000);
    cupel_arena_rewind(&arena, mark);
    CHECK_UINT_EQ(source.live_pages, 3); /* the moved one is still from before the mark */
    CHECK_INT_EQ(moved[89999], 7);
    CHECK_INT_EQ(blocks[0][2999], 1);
    CHECK_INT_EQ(blocks[3][3002], 4);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_bytes, 0);
}

TEST(arena, blocks_cross_between_small_and_large) {
    struct page_source source = new_source(test_allocator());
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, &source.base, &small_pages);
    unsigned char *block = cupel_alloc(a, 100, 4);
    STARVED(block == NULL);
    memset(block, 0x66, 100);
    CHECK(!cupel_resize(a, block, 100, 4, 2000));
    unsigned char *grown = a->ops->remap(a, block, 100, 4, 2000, CUPEL_ZEROED, NULL);
    if (grown == NULL) {
        cupel_arena_deinit(&arena);
    }
    STARVED(grown == NULL);
    CHECK_INT_EQ(grown[99], 0x66);
    CHECK_INT_EQ(grown[100], 0);
    CHECK_INT_EQ(grown[1999], 0);
    CHECK(!cupel_resize(a, grown, 2000, 4, 50));
    unsigned char *shrunk = cupel_realloc(a, grown, 2000, 4, 50);
    CHECK_INT_EQ(shrunk[49], 0x66);
    CHECK_UINT_EQ(cupel_arena_stats(&arena).large_blocks, 0);
    cupel_arena_deinit(&arena);
    CHECK_UINT_EQ(source.live_bytes, 0);
}

TEST(arena, stands_on_an_arena) {
    struct cupel_arena outer;
    struct cupel_arena inner;
    struct cupel_allocator *a =
        cupel_arena_init(&inner, cupel_arena_init(&outer, test_allocator(), NULL), &small_pages);
    char *block = cupel_alloc(a, 100, 1);
    STARVED(block == NULL);
    memset(block, 1, 100);
    cupel_arena_deinit(&inner);
    CHECK_UINT_EQ(cupel_arena_stats(&outer).used_bytes, 0);
    cupel_arena_deinit(&outer);
}

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
    for (size_t i = 0; i < 32; i++) {
        small[i] = cupel_alloc(a, 64, 8);
        STARVED(small[i] == NULL);
    }
    char *large = cupel_alloc(a, 5000, 8);
    STARVED(large == NULL);
    for (size_t i = 0; i < 32; i++) {
        CHECK(cupel_arena_contains(&arena, small[i] + 63));
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
