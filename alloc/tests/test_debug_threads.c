/* Goal: the debug allocator serves many threads, survives fork, refuses requests inside requests, and tells of two
 * threads at work on one block. Method: threads that free each other's blocks, a sink that starts a thread while the
 * block is held, and children of a process with threads. */
#include "alloc/src/debug_thread.h"
#include "alloc/tests/debug_seen.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, EXCHANGES = 20000, PLACES = 64 };

struct crowd {
    struct cupel_allocator *a;
    void *places[PLACES];
    bool is_over;
};

/* Sizes are told by the place, so that whoever frees a block knows. */
static size_t size_of_place(unsigned place) {
    return 16 + place * 40;
}

static bool exchange_one(struct crowd *crowd, unsigned i) {
    unsigned place = i * 7 % PLACES;
    void *block = cupel_alloc(crowd->a, size_of_place(place), 8);
    if (block == NULL) {
        return false;
    }
    memset(block, (int)i, size_of_place(place));
    block = __atomic_exchange_n(&crowd->places[place], block, __ATOMIC_ACQ_REL);
    if (block != NULL) {
        cupel_free(crowd->a, block, size_of_place(place), 8);
    }
    return true;
}

static void *exchange(void *user) {
    struct crowd *crowd = user;
    unsigned i = 0;
    while (i < EXCHANGES && exchange_one(crowd, i)) {
        i++;
    }
    return i < EXCHANGES ? crowd : NULL;
}

/* At work until the last child has ended: the thread sanitizer takes a thread that has ended and is not joined yet when
 * the process forks for one that the child has lost. */
static void *exchange_until_over(void *user) {
    struct crowd *crowd = user;
    unsigned i = 0;
    while (!__atomic_load_n(&crowd->is_over, __ATOMIC_RELAXED) && exchange_one(crowd, i)) {
        i++;
    }
    return NULL;
}

TEST(debug_threads, free_each_others_blocks, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct crowd crowd = {.a = cupel_debug_init(&debug, cupel_pages(), &options, NULL)};
    REQUIRE(crowd.a != NULL);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, exchange, &crowd), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        REQUIRE_INT_EQ(pthread_join(threads[i], &result), 0);
        CHECK(result == NULL);
    }
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.acquired, THREADS * EXCHANGES);
    CHECK_UINT_EQ(statistics.live_blocks, PLACES);
    for (unsigned i = 0; i < PLACES; i++) {
        cupel_free(crowd.a, crowd.places[i], size_of_place(i), 8);
    }
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.requested_bytes, 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

struct race {
    struct cupel_allocator *a;
    void *block;
    unsigned count;
    enum cupel_finding_kind kinds[4];
};

static void *free_meanwhile(void *user) {
    struct race *race = user;
    cupel_free(race->a, race->block, 40, 8);
    return NULL;
}

/* While the first finding is told its block is held. */
static void on_finding(void *user, const struct cupel_finding *finding) {
    struct race *race = user;
    race->kinds[race->count++ % 4] = finding->kind;
    pthread_t thread;
    if (race->count == 1 && pthread_create(&thread, NULL, free_meanwhile, race) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

TEST(debug_threads, two_at_work_on_one_block_are_told, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct race race = {.count = 0};
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = on_finding, .user = &race};
    race.a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(race.a != NULL);
    race.block = cupel_alloc(race.a, 40, 8);
    CHECK(!cupel_resize(race.a, race.block, 41, 8, 10));
    REQUIRE(race.count == 2);
    CHECK_INT_EQ(race.kinds[0], CUPEL_FINDING_WRONG_SIZE);
    CHECK_INT_EQ(race.kinds[1], CUPEL_FINDING_RACE);
    cupel_free(race.a, race.block, 40, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
}

TEST(debug_threads, a_request_inside_another_fails, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    cupel__debug_thread.is_inside = true; /* as a signal handler finds it */
    CHECK(cupel_alloc(a, 40, 8) == NULL);
    CHECK(!cupel_resize(a, block, 40, 8, 20));
    CHECK(cupel_realloc(a, block, 40, 8, 20) == NULL);
    cupel_free(a, block, 40, 8);
    cupel__debug_thread.is_inside = false;
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.reentered, 4);
    CHECK_UINT_EQ(statistics.live_blocks, 1);
    cupel_free(a, block, 40, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_threads, a_child_goes_on, .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow") {
    enum { FORKS = 8 };
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct crowd crowd = {.a = cupel_debug_init(&debug, cupel_pages(), &options, NULL)};
    REQUIRE(crowd.a != NULL);
    pthread_t thread;
    REQUIRE_INT_EQ(pthread_create(&thread, NULL, exchange_until_over, &crowd), 0);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            void *block = cupel_alloc(crowd.a, 100, 8);
            if (block != NULL) {
                cupel_free(crowd.a, block, 100, 8);
            }
            _exit(block == NULL);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_INT_EQ(status, 0);
    }
    __atomic_store_n(&crowd.is_over, true, __ATOMIC_RELAXED);
    REQUIRE_INT_EQ(pthread_join(thread, NULL), 0);
    for (unsigned i = 0; i < PLACES; i++) {
        if (crowd.places[i] != NULL) {
            cupel_free(crowd.a, crowd.places[i], size_of_place(i), 8);
        }
    }
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

static void *look_for_stack(void *user) {
    struct cupel_allocator *a = user;
    stack_t before;
    stack_t after;
    (void)sigaltstack(NULL, &before);
    cupel_free(a, cupel_alloc(a, 10, 1), 10, 1);
    (void)sigaltstack(NULL, &after);
    /* The sanitizers give each thread one. */
    bool has_one = (after.ss_flags & SS_DISABLE) == 0;
    return has_one && ((before.ss_flags & SS_DISABLE) != 0 || before.ss_sp == after.ss_sp) ? user : NULL;
}

TEST(debug_threads, have_a_stack_for_faults, .no_sweep = "its memory is the kernel's, which no sweep fails",
     .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.catches_faults = true;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    pthread_t thread;
    void *result = NULL;
    REQUIRE_INT_EQ(pthread_create(&thread, NULL, look_for_stack, a), 0);
    REQUIRE_INT_EQ(pthread_join(thread, &result), 0);
    CHECK_PTR_EQ(result, a);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
