/* Goal: every mode of the global allocator keeps the contract of malloc, and no mode is left while its blocks are live.
 * Method: the same calls in each mode; switches at the right and the wrong time. What cannot be undone (fast mode that
 * has allocated, counters that do not agree) happens in a forked child, whose exit status is the line that went wrong.
 */
#include "alloc/mode.h"
#include "harness/harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct cupel_block *block_at(const struct cupel_index *index, const void *base) {
    return cupel_index_at(index, base);
}

/* In a child a CHECK would be heard by nobody. */
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            _exit(__LINE__ % 250 + 1);                                                                                 \
        }                                                                                                              \
    } while (false)

static int status_of_child(void (*run)(void)) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        run();
        _exit(0);
    }
    int status = 0;
    REQUIRE_INT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 251;
}

static void set_mode(enum cupel_alloc_mode mode) {
    struct cupel_error error = {.text = ""};
    if (!cupel_set_alloc_mode(mode, &error)) {
        REQUIRE_FAIL("%s", error.text);
    }
}

static uint64_t live_blocks(void) {
    uint64_t live = UINT64_MAX;
    (void)cupel_global_live_blocks(&live);
    return live;
}

/* True where every call kept the contract; leaves nothing live. */
static bool keeps_contract(void) {
    bool ok = true;
    char *block = cupel_global_malloc(100);
    ok = ok && block != NULL && (uintptr_t)block % _Alignof(max_align_t) == 0;
    memset(block, 0x5a, 100);
    block = cupel_global_realloc(block, 100000);
    ok = ok && block != NULL && block[0] == 0x5a && block[99] == 0x5a;
    block = cupel_global_realloc(block, 0);
    ok = ok && block != NULL;
    cupel_global_free(block);
    char *zeroed = cupel_global_calloc(10, 100);
    for (int i = 0; i < 1000; i++) {
        ok = ok && zeroed[i] == 0;
    }
    cupel_global_free(zeroed);
    volatile size_t huge = SIZE_MAX / 4 + 2; /* times 4 is 4, but for what does not fit */
    ok = ok && cupel_global_calloc(huge, 4) == NULL;
    void *first = cupel_global_malloc(0);
    void *second = cupel_global_calloc(0, 8);
    void *third = cupel_global_realloc(NULL, 0);
    ok = ok && first != NULL && second != NULL && third != NULL && first != second && second != third;
    cupel_global_free(first);
    cupel_global_free(second);
    cupel_global_free(third);
    cupel_global_free(NULL);
    return ok;
}

static bool keeps_sized_contract(void) {
    struct cupel_allocator *a = cupel_global();
    char *plain = cupel_alloc(a, 40, 8);
    char *aligned = cupel_alloc_zeroed(a, 100, 4096);
    bool ok = plain != NULL && aligned != NULL && (uintptr_t)aligned % 4096 == 0 && aligned[99] == 0;
    aligned[0] = 3;
    aligned = cupel_realloc(a, aligned, 100, 4096, 9000);
    ok = ok && aligned != NULL && (uintptr_t)aligned % 4096 == 0 && aligned[0] == 3;
    plain = cupel_realloc(a, plain, 40, 8, 50);
    ok = ok && plain != NULL && cupel_resize(a, plain, 50, 8, 50);
    ok = ok && cupel_alloc(a, 8, 3) == NULL && cupel_alloc(a, SIZE_MAX, 8) == NULL;
    cupel_free(a, aligned, 9000, 4096);
    cupel_global_free(plain);
    void *other = cupel_global_malloc(24);
    cupel_free(a, other, 24, _Alignof(max_align_t));
    return ok;
}

static void run_fast(void) {
    struct cupel_error error;
    EXPECT(cupel_alloc_mode() == CUPEL_MODE_FAST);
    EXPECT(cupel_global_is_balanced());
    EXPECT(keeps_contract());
    EXPECT(keeps_sized_contract());
    uint64_t live;
    EXPECT(!cupel_global_live_blocks(&live));
    EXPECT(!cupel_global_is_balanced());
    EXPECT(cupel_set_alloc_mode(CUPEL_MODE_FAST, &error));
    EXPECT(!cupel_set_alloc_mode(CUPEL_MODE_COUNTING, &error));
    EXPECT(strstr(error.text, "before the first allocation") != NULL);
    EXPECT(!cupel_set_alloc_functions(NULL, NULL, NULL, NULL, &error));
}

static void run_fast_sized(void) {
    void *block = cupel_alloc(cupel_global(), 8, 8);
    EXPECT(block != NULL);
    EXPECT(!cupel_set_alloc_mode(CUPEL_MODE_COUNTING, NULL));
    cupel_free(cupel_global(), block, 8, 8);
    EXPECT(!cupel_set_alloc_mode(CUPEL_MODE_COUNTING, NULL));
}

static void run_fast_freeing_only(void) {
    cupel_global_free(NULL);
    EXPECT(cupel_set_alloc_mode(CUPEL_MODE_COUNTING, NULL));
}

TEST(mode, fast_is_left_only_before_its_first_block, .tags = "slow") {
    CHECK_INT_EQ(status_of_child(run_fast), 0);
    CHECK_INT_EQ(status_of_child(run_fast_sized), 0);
    CHECK_INT_EQ(status_of_child(run_fast_freeing_only), 0);
}

TEST(mode, all_that_count_keep_the_contract, .no_sweep = "it compares the process's own counts, with nothing to spare",
     .tags = "slow") {
    static const enum cupel_alloc_mode counted[] = {CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING, CUPEL_MODE_DEBUG};
    for (size_t i = 0; i < 3; i++) {
        set_mode(counted[i]);
        CHECK(keeps_contract());
        CHECK(keeps_sized_contract());
        CHECK_UINT_EQ(live_blocks(), 0);
        CHECK(cupel_global_is_balanced());
    }
    set_mode(CUPEL_MODE_FAST);
}

TEST(mode, a_live_block_holds_its_mode, .no_sweep = "it compares the process's own counts, with nothing to spare") {
    static const enum cupel_alloc_mode counted[] = {CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING};
    for (size_t i = 0; i < 2; i++) {
        set_mode(counted[i]);
        void *first = cupel_global_malloc(10);
        void *second = cupel_alloc(cupel_global(), 10, 64);
        struct cupel_error error;
        CHECK(!cupel_set_alloc_mode(counted[1 - i], &error));
        CHECK_STR_CONTAINS(error.text, "2 blocks of mode");
        CHECK_STR_CONTAINS(error.text, cupel_alloc_mode_name(counted[i]));
        CHECK(!cupel_set_alloc_functions(NULL, NULL, NULL, NULL, &error));
        CHECK_INT_EQ(cupel_alloc_mode(), counted[i]);
        cupel_free(cupel_global(), second, 10, 64);
        CHECK_UINT_EQ(live_blocks(), 1);
        CHECK(!cupel_set_alloc_mode(CUPEL_MODE_FAST, &error));
        CHECK_STR_CONTAINS(error.text, "1 block of mode");
        cupel_global_free(first);
    }
    set_mode(CUPEL_MODE_FAST);
}

static void count_finding(void *user, const struct cupel_finding *finding) {
    unsigned *kinds = user;
    *kinds |= 1U << finding->kind;
}

TEST(mode, debug_finds_what_is_done_wrong, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    unsigned kinds = 0;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.catches_faults = false;
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = count_finding, .user = &kinds};
    cupel_set_global_debug_options(&options);
    set_mode(CUPEL_MODE_DEBUG);
    REQUIRE(cupel_global_debug() != NULL);
    char *block = cupel_global_calloc(10, 10);
    REQUIRE(block != NULL);
    CHECK_INT_EQ(block[99], 0);
    block = cupel_global_realloc(block, 1000);
    REQUIRE(block != NULL);
    CHECK_UINT_EQ(live_blocks(), 1);
    CHECK(!cupel_set_alloc_mode(CUPEL_MODE_FAST, NULL));
    cupel_global_free(block);
    CHECK_UINT_EQ(kinds, 0);
    cupel_global_free(block);
    CHECK_UINT_EQ(kinds, 1U << CUPEL_FINDING_DOUBLE_FREE);
    CHECK(cupel_global_realloc(block, 1) == NULL);
    CHECK_UINT_EQ(kinds, 1U << CUPEL_FINDING_DOUBLE_FREE | 1U << CUPEL_FINDING_RESIZE_AFTER_FREE);
    block = cupel_alloc(cupel_global(), 10, 4096);
    cupel_free(cupel_global(), block, 10, 4096);
    set_mode(CUPEL_MODE_FAST);
    CHECK(cupel_global_debug() == NULL);
}

static void run_leak_and_foreign_free(void) {
    struct cupel_error error;
    EXPECT(cupel_set_alloc_mode(CUPEL_MODE_COUNTING, NULL));
    void *leaked = cupel_global_malloc(10);
    EXPECT(leaked != NULL);
    cupel_global_free(malloc(10));
    uint64_t live;
    EXPECT(cupel_global_live_blocks(&live) && live == 0);
    EXPECT(!cupel_global_is_balanced());
    EXPECT(!cupel_set_alloc_mode(CUPEL_MODE_TRACKING, &error));
    EXPECT(strstr(error.text, "not the same ones") != NULL);
    free(leaked);
}

TEST(mode, a_leak_and_a_foreign_free_do_not_cancel, .tags = "slow") {
    CHECK_INT_EQ(status_of_child(run_leak_and_foreign_free), 0);
}

TEST(mode, tracking_knows_sizes_and_callers,
     .no_sweep = "it compares the process's own counts, with nothing to spare") {
    set_mode(CUPEL_MODE_TRACKING);
    struct cupel_tracking *tracking = cupel_global_tracking();
    REQUIRE(tracking != NULL);
    void *first = cupel_global_malloc(10);
    void *second = cupel_global_calloc(2, 10);
    const struct cupel_block *known = cupel_index_at(&tracking->index, second);
    REQUIRE(known != NULL);
    CHECK_UINT_EQ(known->size, 20);
    uintptr_t site = (uintptr_t)known->frames[0];
    uintptr_t other_site = (uintptr_t)block_at(&tracking->index, first)->frames[0];
    /* Both stand in this function, so near each other, but not at one place. */
    CHECK(site != other_site && site - other_site + 4096 < 8192);
    second = cupel_global_realloc(second, 30);
    CHECK_UINT_EQ(block_at(&tracking->index, second)->size, 30);
    cupel_global_free(second);
    CHECK_UINT_EQ(tracking->findings, 0);
    char foreign[16];
    cupel_global_free(foreign);
    CHECK(cupel_global_realloc(foreign, 10) == NULL);
    CHECK_UINT_EQ(tracking->findings, 2);
    cupel_global_free(first);
    set_mode(CUPEL_MODE_FAST);
    CHECK(cupel_global_tracking() == NULL);
    CHECK_UINT_EQ(cupel_index_memory_bytes(&tracking->index), 0); /* its memory went back */
}

/* Functions of a program's own, which count their calls in what `user` points to. */
struct calls {
    unsigned mallocs, reallocs, frees;
    bool is_empty;
};

static void *own_malloc(void *user, size_t size) {
    struct calls *calls = user;
    calls->mallocs++;
    return calls->is_empty || size == 0 ? NULL : malloc(size);
}

static void *own_realloc(void *user, void *block, size_t size) {
    struct calls *calls = user;
    calls->reallocs++;
    return calls->is_empty || size == 0 ? NULL : realloc(block, size);
}

static void own_free(void *user, void *block) {
    struct calls *calls = user;
    calls->frees++;
    free(block);
}

TEST(mode, stands_on_functions_of_the_program,
     .no_sweep = "it compares the process's own counts, with nothing to spare") {
    struct calls calls = {0};
    struct cupel_error error;
    CHECK(!cupel_set_alloc_functions(own_malloc, NULL, own_free, &calls, &error));
    CHECK_STR_CONTAINS(error.text, "malloc, realloc and free, or none");
    static const enum cupel_alloc_mode counted[] = {CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING};
    for (size_t i = 0; i < 2; i++) {
        set_mode(counted[i]);
        REQUIRE(cupel_set_alloc_functions(own_malloc, own_realloc, own_free, &calls, &error));
        CHECK(keeps_contract());
        CHECK(keeps_sized_contract());
        CHECK_UINT_GT(calls.mallocs, 5);
        CHECK_UINT_GT(calls.reallocs, 0);
        CHECK_UINT_EQ(calls.frees, calls.mallocs);
        void *kept = cupel_global_malloc(10);
        calls.is_empty = true;
        CHECK(cupel_global_malloc(10) == NULL);
        CHECK(cupel_global_calloc(10, 10) == NULL);
        CHECK(cupel_global_realloc(kept, 20) == NULL);
        CHECK(cupel_alloc(cupel_global(), 10, 64) == NULL);
        CHECK_UINT_EQ(live_blocks(), 1);
        calls = (struct calls){0};
        cupel_global_free(kept);
        calls = (struct calls){0};
        REQUIRE(cupel_set_alloc_functions(NULL, NULL, NULL, NULL, &error));
        cupel_global_free(cupel_global_malloc(10));
        CHECK_UINT_EQ(calls.mallocs + calls.frees, 0);
    }
    set_mode(CUPEL_MODE_FAST);
}

static void run_functions_in_fast_mode(void) {
    struct calls calls = {0};
    EXPECT(cupel_set_alloc_functions(own_malloc, own_realloc, own_free, &calls, NULL));
    EXPECT(keeps_contract());
    EXPECT(keeps_sized_contract());
    EXPECT(calls.mallocs > 5 && calls.mallocs == calls.frees);
    EXPECT(!cupel_set_alloc_functions(NULL, NULL, NULL, NULL, NULL));
}

TEST(mode, functions_serve_fast_mode, .tags = "slow") {
    CHECK_INT_EQ(status_of_child(run_functions_in_fast_mode), 0);
}

TEST(mode, environment_is_read_on_demand) {
    struct cupel_error error = {.text = ""};
    REQUIRE_INT_EQ(unsetenv("CUPEL_ALLOC"), 0);
    CHECK(cupel_set_alloc_mode_from_environment(&error));
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_FAST);
    REQUIRE_INT_EQ(setenv("CUPEL_ALLOC", "mode=counting", 1), 0);
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_FAST);
    CHECK(cupel_set_alloc_mode_from_environment(&error));
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_COUNTING);
    REQUIRE_INT_EQ(setenv("CUPEL_ALLOC", "mode=quick", 1), 0);
    CHECK(!cupel_set_alloc_mode_from_environment(&error));
    CHECK_STR_CONTAINS(error.text, "quick");
    CHECK_UINT_GT(error.column, 0);
    REQUIRE_INT_EQ(setenv("CUPEL_ALLOC", "mode=tracking:depth=3", 1), 0);
    CHECK(!cupel_set_alloc_mode_from_environment(&error));
    CHECK_STR_CONTAINS(error.text, "depth");
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_COUNTING);
    REQUIRE_INT_EQ(setenv("CUPEL_ALLOC", "mode=debug:frames=33", 1), 0);
    CHECK(!cupel_set_alloc_mode_from_environment(&error));
    CHECK_STR_CONTAINS(error.text, "frames");
    CHECK_UINT_EQ(error.column, 19);
    REQUIRE_INT_EQ(setenv("CUPEL_ALLOC", "frames=3:mode=debug:catch-faults=0", 1), 0);
    CHECK(cupel_set_alloc_mode_from_environment(&error));
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_DEBUG);
    cupel_global_free(cupel_global_malloc(1));
    REQUIRE_INT_EQ(unsetenv("CUPEL_ALLOC"), 0);
    set_mode(CUPEL_MODE_FAST);
}

static pthread_barrier_t together;

static void *churn(void *unused) {
    (void)unused;
    (void)pthread_barrier_wait(&together);
    void *blocks[8] = {NULL};
    for (unsigned i = 0; i < 2000; i++) {
        cupel_global_free(blocks[i % 8]);
        blocks[i % 8] = cupel_global_realloc(cupel_global_malloc(i % 100), i % 1000);
    }
    for (unsigned i = 0; i < 8; i++) {
        cupel_global_free(blocks[i]);
    }
    return NULL;
}

/* Long enough that two threads are at it at the same moment even on a busy machine. */
static void *count_up_and_down(void *unused) {
    (void)unused;
    (void)pthread_barrier_wait(&together);
    for (unsigned i = 0; i < 100000; i++) {
        cupel_global_free(cupel_global_malloc(8));
    }
    return NULL;
}

TEST(mode, no_count_is_lost_between_threads, .no_sweep = "it compares the process's own counts, with nothing to spare",
     .tags = "slow") {
    set_mode(CUPEL_MODE_COUNTING);
    pthread_t threads[4];
    REQUIRE_INT_EQ(pthread_barrier_init(&together, NULL, 4), 0);
    for (size_t i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, count_up_and_down, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&together);
    CHECK_UINT_EQ(live_blocks(), 0);
    CHECK(cupel_global_is_balanced());
    set_mode(CUPEL_MODE_FAST);
}

TEST(mode, threads_share_counters_and_records,
     .no_sweep = "it compares the process's own counts, with nothing to spare", .tags = "slow") {
    static const enum cupel_alloc_mode counted[] = {CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING};
    for (size_t i = 0; i < 2; i++) {
        set_mode(counted[i]);
        pthread_t threads[4];
        REQUIRE_INT_EQ(pthread_barrier_init(&together, NULL, 4), 0);
        for (size_t j = 0; j < 4; j++) {
            REQUIRE_INT_EQ(pthread_create(&threads[j], NULL, churn, NULL), 0);
        }
        for (size_t j = 0; j < 4; j++) {
            REQUIRE_INT_EQ(pthread_join(threads[j], NULL), 0);
        }
        (void)pthread_barrier_destroy(&together);
        CHECK_UINT_EQ(live_blocks(), 0);
        CHECK(cupel_global_is_balanced());
    }
    set_mode(CUPEL_MODE_FAST);
}

static void run_threads_in_fast_mode(void) {
    pthread_t threads[4];
    EXPECT(pthread_barrier_init(&together, NULL, 4) == 0);
    for (size_t j = 0; j < 4; j++) {
        EXPECT(pthread_create(&threads[j], NULL, churn, NULL) == 0);
    }
    for (size_t j = 0; j < 4; j++) {
        EXPECT(pthread_join(threads[j], NULL) == 0);
    }
}

TEST(mode, threads_may_make_the_first_allocation_together, .tags = "slow") {
    CHECK_INT_EQ(status_of_child(run_threads_in_fast_mode), 0);
}
