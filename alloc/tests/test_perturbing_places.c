/* Goal: each placement keeps its law where its bounds are: slabs that fill and go, sizes and alignments that are too
 * large for it, memory that lacks; and options are read digit by digit. Method: scripted requests at those bounds. */
#include "alloc/fixed.h"
#include "alloc/libc.h"
#include "alloc/pages.h"
#include "alloc/perturbing.h"
#include "alloc/tests/page_source.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#define KERNEL .no_sweep = "its memory is the kernel's, which no sweep fails"

static struct cupel_perturbing layer;

static struct cupel_allocator *placed(enum cupel_placement placement, struct cupel_allocator *parent) {
    return cupel_perturbing_init(&layer, parent, &(struct cupel_perturbing_options){.placement = placement});
}

enum { SLAB_BLOCKS = 7, CUT = 2048 }; /* of that size there is room for so many on a slab of 16 KiB */

TEST(perturbing_places, slabs_go_with_their_last_block, KERNEL) {
    struct page_source source = new_source(cupel_pages());
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_ADJACENT, &source.base);
    void *blocks[4][SLAB_BLOCKS];
    for (unsigned slab = 0; slab < 4; slab++) {
        for (unsigned i = 0; i < SLAB_BLOCKS; i++) {
            blocks[slab][i] = cupel_alloc(a, CUT, 16);
            REQUIRE(blocks[slab][i] != NULL);
        }
        CHECK_UINT_EQ(source.live_pages, slab + 1);
    }
    /* One in the middle, then the oldest, then the one behind the newest; the newest stays for what comes. */
    static const unsigned order[] = {1, 0, 2, 3};
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < SLAB_BLOCKS; j++) {
            CHECK_UINT_EQ(source.live_pages, 4 - i);
            cupel_free(a, blocks[order[i]][j], CUT, 16);
        }
    }
    CHECK_UINT_EQ(source.live_pages, 1);
    void *again = cupel_alloc(a, CUT, 16);
    CHECK_PTR_EQ(again, blocks[3][0]);
    cupel_free(a, again, CUT, 16);
    cupel_perturbing_deinit(&layer);
    CHECK_UINT_EQ(source.live_pages, 0);
}

TEST(perturbing_places, the_last_block_of_a_slab_grows_to_its_end, KERNEL) {
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_ADJACENT, cupel_pages());
    char *empty = cupel_alloc(a, 0, 1);
    REQUIRE(empty != NULL);
    CHECK(cupel_resize(a, empty, 0, 1, 10));
    memset(empty, 1, 10);
    char *blocks[SLAB_BLOCKS];
    for (unsigned i = 0; i < SLAB_BLOCKS; i++) {
        blocks[i] = cupel_alloc(a, CUT, 8);
        REQUIRE(blocks[i] != NULL);
    }
    char *last = cupel_alloc(a, 500, 8);
    REQUIRE(last != NULL && last == blocks[SLAB_BLOCKS - 1] + CUT);
    CHECK(cupel_resize(a, last, 500, 8, 1900));
    CHECK(!cupel_resize(a, last, 1900, 8, CUT));     /* the slab ends before that */
    CHECK(!cupel_resize(a, blocks[0], 100, 8, 200)); /* something stands behind it */
    CHECK(cupel_resize(a, last, 1900, 8, 0));
    cupel_free(a, last, 0, 8);
    for (unsigned i = 0; i < SLAB_BLOCKS; i++) {
        cupel_free(a, blocks[i], CUT, 8);
    }
    cupel_free(a, empty, 10, 1);
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing_places, too_large_to_be_moved_up, KERNEL) {
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_MISALIGNED, cupel_pages());
    char *block = cupel_alloc(a, 100, 64);
    REQUIRE(block != NULL);
    CHECK_UINT_EQ((uintptr_t)block % 128, 64);
    CHECK(!cupel_resize(a, block, 100, 64, PTRDIFF_MAX));
    cupel_free(a, block, 100, 64);
    /* The largest alignment cannot be doubled: such a block stands where the parent puts it. */
    block = cupel_alloc(a, 100, CUPEL_ALIGN_MAX);
    if (block == NULL) {
        cupel_test_skip("there is no room for the largest alignment");
    }
    CHECK_UINT_EQ((uintptr_t)block % CUPEL_ALIGN_MAX, 0);
    CHECK(cupel_resize(a, block, 100, CUPEL_ALIGN_MAX, 200));
    cupel_free(a, block, 200, CUPEL_ALIGN_MAX);
    block = cupel_alloc(a, 100, CUPEL_ALIGN_MAX);
    REQUIRE(block != NULL);
    cupel_perturbing_deinit(&layer);
    cupel_perturbing_release_late(CUPEL_PLACEMENT_MISALIGNED, cupel_pages(), block, 100, CUPEL_ALIGN_MAX);
}

TEST(perturbing_places, blocks_that_outlive_their_slab_take_it_along, KERNEL) {
    struct page_source source = new_source(cupel_pages());
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_ADJACENT, &source.base);
    void *one = cupel_alloc(a, 100, 8);
    void *two = cupel_alloc(a, 100, 8);
    REQUIRE(one != NULL && two != NULL);
    cupel_perturbing_deinit(&layer);
    CHECK_UINT_EQ(source.live_pages, 1);
    cupel_perturbing_release_late(CUPEL_PLACEMENT_ADJACENT, &source.base, one, 100, 8);
    CHECK_UINT_EQ(source.live_pages, 1);
    cupel_perturbing_release_late(CUPEL_PLACEMENT_ADJACENT, &source.base, two, 100, 8);
    CHECK_UINT_EQ(source.live_pages, 0);
}

TEST(perturbing_places, what_is_held_back_is_bounded_in_bytes, KERNEL, .tags = "slow") {
    struct page_source source = new_source(cupel_pages());
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_NEVER, &source.base);
    enum { SIZE = 24 << 20, BLOCKS = 5 };
    for (unsigned i = 0; i < BLOCKS; i++) {
        void *block = cupel_alloc(a, SIZE, 8);
        REQUIRE(block != NULL);
        cupel_free(a, block, SIZE, 8);
        CHECK_UINT_EQ(source.live_pages, i < 2 ? i + 1 : 2); /* 64 MiB at most */
    }
    cupel_perturbing_deinit(&layer);
    CHECK_UINT_EQ(source.live_pages, 0);
}

#if defined(__x86_64__)
/* Without a ring to hold blocks in they go at once. */
TEST(perturbing_places, nothing_is_held_back_without_memory_for_it, .isolate = CUPEL_ISOLATE_PROCESS,
     .tags = "slow crash", KERNEL) {
    struct page_source source = new_source(cupel_pages());
    struct cupel_allocator *a = placed(CUPEL_PLACEMENT_NEVER, &source.base);
    refuse((struct refusal){SYS_mmap, ENOMEM, 2, 32768 * 3 * sizeof(void *)});
    void *block = cupel_alloc(a, 100, 8);
    REQUIRE(block != NULL);
    CHECK_UINT_EQ(source.live_pages, 1);
    cupel_free(a, block, 100, 8);
    CHECK_UINT_EQ(source.live_pages, 0);
    cupel_perturbing_deinit(&layer);
}
#endif

/* A text, the column of what is wrong there (0: nothing), and what it says then. */
static const struct {
    const char *text;
    unsigned column;
    struct cupel_perturbing_options options;
} texts[] = {
    {"fresh:0xff", 0, {.fills_fresh = true, .fresh = 255}},
    {"freed:0x1f,fresh:7", 0, {.fills_fresh = true, .fresh = 7, .fills_freed = true, .freed = 0x1f}},
    {"fresh", 1, {0}},
    {"fresh:", 7, {0}},
    {"fresh:0x", 7, {0}},
    {"fresh:0xg", 7, {0}},
    {"fresh:1a", 7, {0}},
    {"fresh:01", 0, {.fills_fresh = true, .fresh = 1}},
    {"fresh:1x2", 7, {0}},
    {"fresh:012", 0, {.fills_fresh = true, .fresh = 12}},
    {"fresh:256", 7, {0}},
    {"fresh:99999999999999999999999999", 7, {0}}, /* times ten */
    {"fresh:18446744073709551616", 7, {0}},       /* plus six */
    {"seed:18446744073709551616", 6, {0}},
    {"seed:x", 6, {0}},
    {"placement:nowhere", 11, {0}},
    {"nothing:1", 1, {0}},
    {"fresh:1,a_word_that_is_much_longer_than_what_is_shown_of_it", 9, {0}},
};

TEST(perturbing_places, options_are_read_digit_by_digit, CUPEL_TABLE(texts)) {
    size_t row = test_row_index();
    struct cupel_perturbing_options options;
    struct cupel_error error = {.text = ""};
    bool is_good = cupel_perturbing_parse(&options, texts[row].text, &error);
    CHECK_INT_EQ(is_good, texts[row].column == 0);
    CHECK_UINT_EQ(is_good ? 0 : error.column, texts[row].column);
    CHECK_UINT_EQ(options.fresh, texts[row].options.fresh);
    CHECK_UINT_EQ(options.freed, texts[row].options.freed);
    CHECK_INT_EQ(options.fills_fresh, texts[row].options.fills_fresh);
    CHECK_INT_EQ(options.fills_freed, texts[row].options.fills_freed);
    if (strlen(texts[row].text) > 50) {
        CHECK_STR_CONTAINS(error.text, "'a_word_that_is_much_longer_than_what_is_' is");
    }
}
