/* Goal: an index is right at its bounds: bases that are taken, blocks for which there was no room where they moved,
 * ranges beyond all addresses, tables that cannot be had. Method: each back end, with memory that ends when it is told
 * to. */
#include "alloc/index.h"
#include "alloc/libc.h"
#include "alloc/tests/page_source.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define OWN_MEMORY .no_sweep = "its memory ends when it is told to"

static const void *at(uintptr_t address) {
    return (const void *)address;
}

static enum cupel_index_status put(struct cupel_index *index, uintptr_t base, size_t size) {
    const struct cupel_block block = {.base = at(base), .size = size, .align = 8};
    return cupel_index_insert(index, &block);
}

static const enum cupel_index_kind kinds[] = {CUPEL_INDEX_HASH, CUPEL_INDEX_MEMTABLE, CUPEL_INDEX_PAGES};

static void begin(struct cupel_index *index, struct cupel_allocator *memory) {
    struct cupel_index_options options = {.kind = kinds[test_row_index()], .memory = memory};
    if (options.kind == CUPEL_INDEX_MEMTABLE) {
        options.low = at(0x10000);
        options.high = at(0x200000);
    }
    REQUIRE(cupel_index_init_with(index, &options) == CUPEL_INDEX_OK);
}

TEST(index_corners, an_empty_one_knows_nothing, CUPEL_TABLE(kinds), OWN_MEMORY) {
    struct cupel_index index;
    begin(&index, cupel_libc());
    CHECK(cupel_index_at(&index, at(0x20000)) == NULL);
    CHECK(cupel_index_containing(&index, at(0x20000)) == NULL);
    CHECK(!cupel_index_remove(&index, at(0x20000)));
    CHECK_INT_EQ(cupel_index_move(&index, at(0x20000), at(0x30000), 8), CUPEL_INDEX_UNKNOWN);
    cupel_index_deinit(&index);
}

TEST(index_corners, a_base_that_is_taken_stays, CUPEL_TABLE(kinds), OWN_MEMORY) {
    struct cupel_index index;
    begin(&index, cupel_libc());
    REQUIRE(put(&index, 0x20000, 16) == CUPEL_INDEX_OK && put(&index, 0x30000, 32) == CUPEL_INDEX_OK);
    CHECK_INT_EQ(put(&index, 0x30000, 8), CUPEL_INDEX_TAKEN);
    CHECK_INT_EQ(cupel_index_move(&index, at(0x20000), at(0x30000), 8), CUPEL_INDEX_TAKEN);
    CHECK_INT_EQ(cupel_index_move(&index, at(0x20000), at(UINTPTR_MAX - 3), 8), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK_INT_EQ(cupel_index_move(&index, at(0x20000), at(0x20000), 24), CUPEL_INDEX_OK);
    const struct cupel_block *block = cupel_index_containing(&index, at(0x20017));
    REQUIRE(block != NULL);
    CHECK_UINT_EQ(block->size, 24);
    CHECK_UINT_EQ(index.count, 2);
    CHECK(cupel_index_containing(&index, at(16)) == NULL);          /* below all */
    CHECK(cupel_index_containing(&index, at(UINTPTR_MAX)) == NULL); /* and above */
    CHECK(cupel_index_containing(&index, at(0x1fffff)) == NULL);
    cupel_index_deinit(&index);
}

static uintptr_t visited[8];
static unsigned visits, visits_max;

static bool visit(void *user, const void *record) {
    const struct cupel_extent *extent = record;
    (void)user;
    REQUIRE(visits < 8);
    visited[visits++] = (uintptr_t)extent->base;
    return visits < visits_max;
}

static void walk_range(struct cupel_index *index, uintptr_t low, uintptr_t high, unsigned most) {
    visits = 0;
    visits_max = most;
    cupel_index_range(index, at(low), at(high), visit, NULL);
}

/* Blocks that moved to where the tree has no room, for there was no memory: they are known all the same, in order. */
TEST(index_corners, blocks_without_room_are_strays, OWN_MEMORY) {
    enum { FAR = 0x10000000 };
    struct page_source source = new_source(cupel_libc());
    struct cupel_index index;
    const struct cupel_index_options options = {.kind = CUPEL_INDEX_PAGES, .memory = &source.base};
    REQUIRE(cupel_index_init_with(&index, &options) == CUPEL_INDEX_OK);
    for (uintptr_t i = 1; i <= 4; i++) {
        REQUIRE(put(&index, i * 0x100, 16) == CUPEL_INDEX_OK);
    }
    source.is_empty = true;
    CHECK_INT_EQ(cupel_index_move(&index, at(0x200), at(FAR), 16), CUPEL_INDEX_OK);
    CHECK_INT_EQ(cupel_index_move(&index, at(0x300), at((uintptr_t)2 * FAR), 16), CUPEL_INDEX_OK);
    CHECK_UINT_EQ(index.count, 4);
    CHECK(index.stray != 0);
    CHECK(cupel_index_at(&index, at(FAR)) != NULL);
    CHECK(cupel_index_containing(&index, at((uintptr_t)2 * FAR + 15)) != NULL);
    CHECK_INT_EQ(put(&index, FAR, 16), CUPEL_INDEX_TAKEN);
    CHECK_INT_EQ(cupel_index_move(&index, at(0x100), at(FAR), 16), CUPEL_INDEX_TAKEN);
    CHECK_INT_EQ(cupel_index_resize(&index, at(FAR), 32), CUPEL_INDEX_OK);
    CHECK(cupel_index_containing(&index, at(FAR + 31)) != NULL);
    walk_range(&index, 0, UINTPTR_MAX, 8);
    CHECK_UINT_EQ(visits, 4);
    CHECK(visited[0] == 0x100 && visited[1] == 0x400 && visited[2] == FAR && visited[3] == (uintptr_t)2 * FAR);
    walk_range(&index, 0, UINTPTR_MAX, 3); /* the visitor has enough at a stray */
    CHECK_UINT_EQ(visits, 3);
    walk_range(&index, 0, UINTPTR_MAX, 1); /* or before the first */
    CHECK_UINT_EQ(visits, 1);
    walk_range(&index, 0x110, FAR + 1, 8); /* from and to */
    CHECK(visits == 2 && visited[0] == 0x400 && visited[1] == FAR);
    /* A stray among the others. */
    CHECK_INT_EQ(cupel_index_move(&index, at((uintptr_t)2 * FAR), at(0x180), 16), CUPEL_INDEX_OK);
    source.is_empty = false;
    CHECK_INT_EQ(put(&index, (uintptr_t)3 * FAR, 16), CUPEL_INDEX_OK);
    walk_range(&index, 0, UINTPTR_MAX, 8);
    CHECK(visits == 5 && visited[3] == FAR && visited[4] == (uintptr_t)3 * FAR);
    walk_range(&index, 0, UINTPTR_MAX, 4);
    CHECK_UINT_EQ(visits, 4);
    CHECK(cupel_index_remove(&index, at(FAR)));
    CHECK(index.stray == 0);
    cupel_index_deinit(&index);
    CHECK_UINT_EQ(source.live_pages, 0);
}

TEST(index_corners, ranges_beyond_all_addresses_are_empty, CUPEL_TABLE(kinds), OWN_MEMORY) {
    struct cupel_index index;
    begin(&index, cupel_libc());
    REQUIRE(put(&index, 0x20000, 16) == CUPEL_INDEX_OK);
    walk_range(&index, UINTPTR_MAX - 100, UINTPTR_MAX, 8);
    CHECK_UINT_EQ(visits, 0);
    walk_range(&index, 0x20010, 0x30000, 8);
    CHECK_UINT_EQ(visits, 0);
    walk_range(&index, 0, 0x20001, 8);
    CHECK_UINT_EQ(visits, 1);
    cupel_index_deinit(&index);
}

TEST(index_corners, a_table_needs_addresses_and_memory, OWN_MEMORY) {
    struct page_source source = new_source(cupel_libc());
    struct cupel_index index;
    struct cupel_index_options options = {.kind = CUPEL_INDEX_MEMTABLE, .memory = &source.base, .low = at(0x1000)};
    CHECK_INT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_OUT_OF_RANGE);
    options.high = at(0x1000);
    CHECK_INT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_OUT_OF_RANGE);
    options.high = at(0x2000);
    source.is_empty = true;
    CHECK_INT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_NO_MEMORY);
    cupel_index_deinit(&index); /* it is as if zeroed */
    source.is_empty = false;
    REQUIRE(cupel_index_init_with(&index, &options) == CUPEL_INDEX_OK);
    CHECK_INT_EQ(put(&index, 0xfff, 8), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK_INT_EQ(put(&index, 0x1fff, 0), CUPEL_INDEX_OK);
    cupel_index_deinit(&index);
}

#if defined(__x86_64__)
TEST(index_corners, a_table_of_all_addresses_may_be_refused, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash",
     .no_sweep = "the kernel refuses by itself") {
    struct cupel_index index;
    const struct cupel_index_options options = {.kind = CUPEL_INDEX_MEMTABLE};
    refuse((struct refusal){SYS_mmap, ENOMEM, 4, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE});
    CHECK_INT_EQ(cupel_index_init_with(&index, &options), CUPEL_INDEX_NO_MEMORY);
}
#endif
