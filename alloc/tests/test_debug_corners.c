/* Goal: what happens rarely is right too: damage that is found when a span retires or gives pages back, forgotten
 * ranges that are cut, records that run out, a system that does not move pages, stacks of other threads. Method: white
 * looks and tables of system functions that refuse. */
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/debug_seen.h"

#include <pthread.h>
#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

enum { BLOCKS = 3000 };
static unsigned char *blocks[BLOCKS];

static void fill(struct cupel_allocator *a, size_t size) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = cupel_alloc(a, size, 8);
        REQUIRE(blocks[i] != NULL);
    }
}

TEST(debug_corners, damage_is_found_when_a_span_retires, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < 8; i++) {
        blocks[i] = cupel_alloc(a, 40, 8);
        REQUIRE(blocks[i] != NULL);
    }
    for (unsigned i = 0; i < 7; i++) {
        cupel_free(a, blocks[i], 40, 8);
        ((volatile unsigned char *)blocks[i])[i] = 1;
    }
    CHECK_UINT_EQ(seen.count, 0);
    cupel_free(a, blocks[7], 40, 8);
    /* Four are told of one retirement, which is done under a lock; those of one trace once; all are counted. */
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WRITE_AFTER_FREE);
    CHECK_UINT_EQ(seen.all[0].damage_offset, 0);
    CHECK_PTR_EQ(seen.all[0].base, blocks[0]);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 7);
}

TEST(debug_corners, damage_is_found_when_pages_are_given_back, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    fill(a, 40);
    cupel_free(a, blocks[100], 40, 8);
    ((volatile unsigned char *)blocks[100])[39] = 1;
    for (unsigned i = 1; i < 600; i++) { /* the first block keeps the first span */
        if (i != 100) {
            cupel_free(a, blocks[i], 40, 8);
        }
    }
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WRITE_AFTER_FREE);
    CHECK_UINT_EQ(seen.all[0].damage_offset, 39);
    cupel_free(a, blocks[0], 40, 8);
    for (unsigned i = 600; i < BLOCKS; i++) {
        cupel_free(a, blocks[i], 40, 8);
    }
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

TEST(debug_corners, forgotten_ranges_are_cut_to_size, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.address_bytes = (size_t)4 << 20;
    options.kept_metadata_bytes = 0;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    enum { ROUNDS = 500, LIVE = 4 }; /* so many at once, each whole until it goes */
    size_t sizes[LIVE] = {0};
    for (unsigned i = 0; i < ROUNDS + LIVE; i++) {
        unsigned char **place = &blocks[i % LIVE];
        size_t *size = &sizes[i % LIVE];
        if (i >= LIVE) {
            unsigned char value = (unsigned char)(i - LIVE);
            CHECK((*place)[0] == value && memcmp(*place, *place + 1, *size - 1) == 0);
            cupel_free(a, *place, *size, 16);
        }
        if (i < ROUNDS) {
            *size = 40000 + i % 5 * 60000;
            *place = cupel_alloc_zeroed(a, *size, 16);
            REQUIRE(*place != NULL);
            CHECK((*place)[0] == 0 && (*place)[*size - 1] == 0);
            memset(*place, (int)i, *size);
        }
    }
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_GT(statistics.reused_spans, 300);
    CHECK_UINT_EQ(statistics.mapped_bytes, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK_UINT_EQ(seen.count, 1); /* the warning */
}

TEST(debug_corners, records_that_run_out_fail_requests, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    REQUIRE(block != NULL);
    unsigned char *end = debug.state->meta.end;
    for (size_t room = 0; room <= 1024; room += 512) { /* none, for a header, for a header and too few records */
        debug.state->meta.end = debug.state->meta.next + room;
        CHECK(cupel_alloc(a, 1000, 8) == NULL);
        CHECK(room > 0 || cupel_alloc(a, 100000, 8) == NULL);
    }
    CHECK(cupel_realloc(a, block, 40, 8, 1000) == NULL);
    debug.state->meta.end = end;
    void *other = cupel_alloc(a, 1000, 8);
    CHECK(other != NULL);
    cupel_free(a, other, 1000, 8);
    cupel_free(a, block, 40, 8);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.live_blocks, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

static bool do_not_move(void *from, void *to, size_t length) {
    (void)from, (void)to, (void)length;
    return false;
}

TEST(debug_corners, where_pages_cannot_move_they_are_copied, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    struct cupel__system still = cupel__system;
    still.move = do_not_move;
    debug.state->pages = &still;
    unsigned char *block = cupel_alloc(a, 100000, 8);
    void *behind = cupel_alloc(a, 100000, 8);
    REQUIRE(block != NULL && behind != NULL);
    memset(block, 7, 100000);
    unsigned char *moved = cupel_realloc(a, block, 100000, 8, 1000000);
    REQUIRE(moved != NULL && moved != block);
    CHECK(moved[0] == 7 && memcmp(moved, moved + 1, 99999) == 0);
    for (unsigned i = 0; i < 1000; i++) { /* spans retire, and nothing is kept ready */
        cupel_free(a, cupel_alloc(a, 500, 8), 500, 8);
    }
    cupel_free(a, moved, 1000000, 8);
    cupel_free(a, behind, 100000, 8);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.moves, 0);
    CHECK_UINT_GT(statistics.revocations, 2);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

struct visitor {
    struct cupel_allocator *a;
    void *variable;
    pthread_barrier_t both;
};

static void *show_variable(void *user) {
    struct visitor *visitor = user;
    long variable[16] = {0};
    cupel_free(visitor->a, cupel_alloc(visitor->a, 8, 8), 8, 8); /* from here on the thread is known */
    visitor->variable = &variable[8];
    (void)pthread_barrier_wait(&visitor->both);
    (void)pthread_barrier_wait(&visitor->both);
    return NULL;
}

TEST(debug_corners, a_stack_of_another_thread_is_known, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct visitor visitor = {.a = cupel_debug_init(&debug, cupel_pages(), &options, NULL)};
    REQUIRE(visitor.a != NULL);
    REQUIRE_INT_EQ(pthread_barrier_init(&visitor.both, NULL, 2), 0);
    pthread_t thread;
    REQUIRE_INT_EQ(pthread_create(&thread, NULL, show_variable, &visitor), 0);
    (void)pthread_barrier_wait(&visitor.both);
    cupel_free(visitor.a, visitor.variable, 8, 8);
    (void)pthread_barrier_wait(&visitor.both);
    REQUIRE_INT_EQ(pthread_join(thread, NULL), 0);
    (void)pthread_barrier_destroy(&visitor.both);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_STACK);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

TEST(debug_corners, the_nearest_block_of_a_wild_pointer_is_told, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned char *block = cupel_alloc(a, 40, 8);
    REQUIRE(block != NULL);
    unsigned char *far = block + (3 << CUPEL__UNIT_SHIFT); /* addresses of nobody yet */
    cupel_free(a, far, 8, 8);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WILD);
    CHECK(seen.all[0].has_block && seen.all[0].is_live);
    CHECK_PTR_EQ(seen.all[0].base, block);
    cupel_free(a, block, 40, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}
