/* Goal: the counting layer's numbers are what happened, and nothing it does changes a request. Method: scripted
 * requests with known totals, a failing parent, a leak and a double release that cancel in numbers only, and threads.
 */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <pthread.h>
#include <string.h>

TEST(counting, counts_blocks_bytes_and_peaks) {
    struct cupel_counting counting;
    struct cupel_allocator *c = cupel_counting_init(&counting, test_allocator());
    void *first = cupel_alloc(c, 100, 8);
    void *second = cupel_alloc(c, 50, 16);
    if (first == NULL || second == NULL) {
        cupel_free(c, first, 100, 8);
        cupel_free(c, second, 50, 16);
    }
    STARVED(first == NULL || second == NULL);
    CHECK_UINT_EQ(counting.counts.live_bytes, 150);
    CHECK_UINT_EQ(counting.counts.address_sum, (uint64_t)(uintptr_t)first + (uintptr_t)second);
    cupel_free(c, first, 100, 8);
    first = cupel_realloc(c, second, 50, 16, 80);
    if (first == NULL) {
        cupel_free(c, second, 50, 16);
    }
    STARVED(first == NULL);
    CHECK_UINT_EQ(counting.counts.address_sum, (uintptr_t)first);
    second = cupel_realloc(c, first, 80, 16, 10);
    if (second == NULL) {
        cupel_free(c, first, 80, 16);
    }
    STARVED(second == NULL);
    first = second;
    const struct cupel_counts *counts = &counting.counts;
    CHECK_UINT_EQ(counts->acquired, 2);
    CHECK_UINT_EQ(counts->released, 1);
    CHECK_UINT_EQ(counts->resized, 2);
    CHECK_UINT_EQ(counts->live_blocks, 1);
    CHECK_UINT_EQ(counts->live_blocks_peak, 2);
    CHECK_UINT_EQ(counts->live_bytes, 10);
    CHECK_UINT_EQ(counts->live_bytes_peak, 150);
    CHECK_UINT_EQ(counts->bytes_acquired, 180);
    CHECK(!cupel_counts_are_balanced(counts));
    cupel_free(c, first, 10, 16);
    CHECK(cupel_counts_are_balanced(counts));
}

TEST(counting, counts_a_failed_request_and_nothing_else) {
    struct cupel_failing failing;
    struct cupel_counting counting;
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "alloc:2+;grow:1+", NULL);
    struct cupel_allocator *c = cupel_counting_init(&counting, f);
    unsigned char *block = cupel_alloc(c, 24, 8);
    STARVED(block == NULL);
    memset(block, 7, 24);
    struct cupel_counts before = counting.counts;
    CHECK(cupel_alloc(c, 1, 1) == NULL);
    CHECK(cupel_realloc(c, block, 24, 8, 48) == NULL);
    CHECK(!cupel_resize(c, block, 24, 8, 25));
    before.failed = 2;
    CHECK_MEM_EQ(&counting.counts, &before, sizeof before);
    CHECK_INT_EQ(block[23], 7);
    cupel_free(c, block, 24, 8);
    CHECK(cupel_counts_are_balanced(&counting.counts));
}

/* A parent that hands out addresses and never looks at them, so that a double release may really be made. */
static void *fake_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    static char blocks[4][64];
    static unsigned next;
    (void)self, (void)size, (void)align, (void)flags, (void)site;
    return blocks[next++ % 4];
}
static void fake_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self, (void)block, (void)size, (void)align, (void)site;
}

TEST(counting, leak_and_double_release_do_not_cancel) {
    static const struct cupel_allocator_ops ops = {.name = "fake", .acquire = fake_acquire, .release = fake_release};
    struct cupel_allocator fake = {&ops};
    struct cupel_counting counting;
    struct cupel_allocator *c = cupel_counting_init(&counting, &fake);
    void *leaked = cupel_alloc(c, 64, 1);
    void *released_twice = cupel_alloc(c, 64, 1);
    CHECK_PTR_NE(leaked, released_twice);
    cupel_free(c, released_twice, 64, 1);
    cupel_free(c, released_twice, 64, 1);
    CHECK_UINT_EQ(counting.counts.live_blocks, 0);
    CHECK_UINT_EQ(counting.counts.live_bytes, 0);
    CHECK(!cupel_counts_are_balanced(&counting.counts));
}

enum { THREADS = 4, ROUNDS = 10000 };

static pthread_barrier_t barrier; /* all begin at once, so that they really meet */

static void *churn(void *allocator) {
    (void)pthread_barrier_wait(&barrier);
    for (size_t i = 1; i <= ROUNDS; i++) {
        void *block = cupel_alloc(allocator, i % 100 + 1, 8);
        void *moved = block == NULL ? NULL : cupel_realloc(allocator, block, i % 100 + 1, 8, 200);
        if (moved != NULL) {
            cupel_free(allocator, moved, 200, 8);
        }
    }
    return NULL;
}

TEST(counting, shared_counts_are_exact_over_threads, .no_sweep = "it compares exact counts of requests",
     .tags = "slow") {
    struct cupel_counting counting;
    struct cupel_allocator *c = cupel_counting_init_shared(&counting, cupel_libc());
    pthread_t threads[THREADS];
    REQUIRE_INT_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, churn, c), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE_INT_EQ(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&barrier);
    struct cupel_counts counts = cupel_counting_read(&counting);
    CHECK_UINT_EQ(counts.acquired, THREADS * ROUNDS);
    CHECK_UINT_EQ(counts.released, THREADS * ROUNDS);
    CHECK_UINT_EQ(counts.resized, THREADS * ROUNDS);
    CHECK_UINT_EQ(counts.bytes_acquired, (uint64_t)THREADS * ROUNDS * 200);
    CHECK_UINT_GE(counts.live_bytes_peak, 200);
    CHECK_UINT_LE(counts.live_bytes_peak, THREADS * 200);
    CHECK_UINT_GE(counts.live_blocks_peak, 1);
    CHECK_UINT_LE(counts.live_blocks_peak, THREADS);
    CHECK(cupel_counts_are_balanced(&counts));
}

TEST(counting, hands_usable_and_site_through) {
    struct cupel_counting counting;
    struct cupel_allocator *c = cupel_counting_init(&counting, cupel_libc());
    void *block = cupel_alloc(c, 3, 1);
    STARVED(block == NULL);
    CHECK_UINT_EQ(cupel_usable(c, block, 3, 1), cupel_usable(cupel_libc(), block, 3, 1));
    cupel_free(c, block, 3, 1);
}

TEST(counting, keeps_the_contract, .tags = "slow") {
    struct cupel_counting layer;
    struct cupel_allocator *a = cupel_counting_init(&layer, cupel_libc());
    check_contract(a, (struct contract_limits){1 << 17, 64});
    check_refusals(a);
    CHECK(cupel_counts_are_balanced(&layer.counts));
}
