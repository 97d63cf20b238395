/* Goal: blocks of an arena keep place and contents until their mark is rewound, and pages come and go as the header
 * says. Method: sequences by hand. */
#include "alloc/arena.h"
#include "alloc/tests/page_source.h"
#include "harness/harness.h"

#include <string.h>

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
    cupel_benign_begin(); /* it reaches the parent, and fails either way */
    CHECK(cupel_alloc(a, PTRDIFF_MAX, 8) == NULL);
    cupel_benign_end();
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

TEST(arena, newest_block_grows_to_the_end_of_its_page_and_no_further) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), &small_pages);
    char *block = cupel_alloc(a, 100, 1);
    bool is_starved = block == NULL;
    /* Not over large_size, above which a block has a page of its own: so blocks stand between. */
    while (!is_starved && (size_t)(arena.end - arena.cursor) > 100) {
        block = cupel_alloc(a, 50, 1);
    }
    if (!is_starved) {
        size_t last = (size_t)(arena.end - (unsigned char *)block) - arena.options.redzone;
        CHECK(!cupel_resize(a, block, 50, 1, last + 1));
        CHECK(cupel_resize(a, block, 50, 1, last));
        CHECK_PTR_EQ(arena.cursor, arena.end);
        CHECK_UINT_EQ(cupel_arena_stats(&arena).pages, 1);
    }
    cupel_arena_deinit(&arena);
    STARVED(is_starved);
}

TEST(arena, blocks_after_a_rewind_are_free_of_later_marks) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), NULL);
    bool is_starved = cupel_alloc(a, 16, 8) == NULL;
    struct cupel_arena_mark early = cupel_arena_mark(&arena);
    is_starved = is_starved || cupel_alloc(a, 500, 8) == NULL;
    struct cupel_arena_mark late = cupel_arena_mark(&arena);
    CHECK(is_starved || late.position > early.position);
    cupel_arena_rewind(&arena, early);
    void *block = is_starved ? NULL : cupel_alloc(a, 16, 8);
    CHECK(is_starved || cupel_resize(a, block, 16, 8, 32));
    CHECK(is_starved || cupel_arena_stats(&arena).used_bytes_peak >= 516);
    cupel_arena_deinit(&arena);
    STARVED(is_starved);
}

TEST(arena, headers_of_pages_do_not_count_as_used) {
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, test_allocator(), &small_pages);
    bool is_starved = false;
    while (!is_starved && cupel_arena_stats(&arena).pages < 2) {
        is_starved = cupel_alloc(a, 8, 8) == NULL;
    }
    if (!is_starved) {
        CHECK_UINT_LT(cupel_arena_stats(&arena).used_bytes, 1024 + 8 + arena.options.redzone);
        CHECK_UINT_GE(cupel_arena_stats(&arena).used_bytes, 1024 - 64);
    }
    cupel_arena_deinit(&arena);
    STARVED(is_starved);
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
