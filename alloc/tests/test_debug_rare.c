/* Goal: what happens seldom is right too: faults are told and handed on as they were, roots in huge mappings count,
 * leaks that are equal stand in one order, a system that refuses at each step, addresses that no process has. Method:
 * programs' own handlers, tables of system functions that refuse, and findings collected through the sink. */
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/debug_seen.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

/* A touch that the compiler keeps. */
static unsigned char touch(const void *address) {
    return *(const volatile unsigned char *)address;
}

static struct cupel_allocator *begin(struct cupel_debug *debug, const char *text) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    REQUIRE(cupel_debug_parse(&options, text, NULL));
    struct cupel_allocator *a = cupel_debug_init(debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    return a;
}

TEST(debug_rare, a_read_of_freed_memory_is_told_and_ends_the_program, .no_sweep = KERNEL, .tags = "slow crash",
     .expect_signal = SIGSEGV, .expect_stderr = "use-after-free") {
    struct cupel_debug debug;
    struct cupel_allocator *a = begin(&debug, "");
    void *block = cupel_alloc(a, 100000, 8);
    cupel_free(a, block, 100000, 8);
    (void)touch(block);
}

TEST(debug_rare, a_write_behind_a_guarded_block_is_told, .no_sweep = KERNEL, .tags = "slow crash",
     .expect_signal = SIGSEGV, .expect_stderr = "out-of-bounds") {
    struct cupel_debug debug;
    struct cupel_allocator *a = begin(&debug, "guard-every=1");
    unsigned char *block = cupel_alloc(a, 4096, 1);
    REQUIRE(block != NULL);
    *(volatile unsigned char *)(block + 4096) = 1;
}

static sigjmp_buf home;
static volatile sig_atomic_t handled, number_seen;

static void go_home(int number) {
    number_seen = number;
    handled++;
    siglongjmp(home, 1);
}

static void go_home_with(int number, siginfo_t *info, void *context) {
    (void)context;
    CHECK(info->si_addr != NULL);
    go_home(number);
}

/* Faults in freed memory under a handler from before; returns the findings. */
static uint64_t fault_under(const struct sigaction *action, int number, bool is_raised) {
    static struct seen seen;
    struct cupel_debug debug;
    struct sigaction before, after;
    REQUIRE_INT_EQ(sigaction(number, action, &before), 0);
    struct cupel_debug_options options = seen_options(&seen);
    options.catches_faults = true;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 100000, 8);
    cupel_free(a, block, 100000, 8);
    handled = 0;
    if (sigsetjmp(home, 1) == 0) {
        if (is_raised) {
            (void)raise(number); /* sent, not a fault: told of nothing, and handed on */
        } else {
            (void)touch(block);
        }
    }
    uint64_t findings = cupel_debug_deinit(&debug);
    CHECK_INT_EQ(sigaction(number, &before, &after), 0);
    CHECK((after.sa_flags & SA_SIGINFO) == (action->sa_flags & SA_SIGINFO)); /* it was put back */
    return findings;
}

TEST(debug_rare, handlers_from_before_have_their_turn, .no_sweep = KERNEL, .tags = "slow crash") {
    struct sigaction plain = {.sa_handler = go_home};
    struct sigaction full = {.sa_sigaction = go_home_with, .sa_flags = SA_SIGINFO};
    CHECK_UINT_EQ(fault_under(&plain, SIGSEGV, false), 1);
    CHECK_INT_EQ(handled, 1);
    CHECK_INT_EQ(number_seen, SIGSEGV);
    CHECK_UINT_EQ(fault_under(&full, SIGSEGV, false), 1);
    CHECK_INT_EQ(handled, 1);
    CHECK_UINT_EQ(fault_under(&plain, SIGBUS, true), 0);
    CHECK_INT_EQ(handled, 1);
    CHECK_INT_EQ(number_seen, SIGBUS);
}

TEST(debug_rare, what_a_huge_mapping_holds_is_reachable, .no_sweep = KERNEL, .tags = "slow") {
    enum { HUGE = 64 << 20, PAGE = 4096 };
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    unsigned char *huge = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE((void *)huge != MAP_FAILED);
    void **place = (void **)(void *)(huge + 40 * (HUGE / 64) + 5 * PAGE);
    *place = cupel_alloc(a, 1000, 8);
    REQUIRE(*place != NULL);
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 1);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_REACHABLE);
    cupel_free(a, *place, 1000, 8);
    CHECK_INT_EQ(munmap(huge, HUGE), 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
}

enum { SITES = 8 };
static void *volatile kept[2 * SITES];

/* A site for each n, whatever the code around it. */
static void keep_from(struct cupel_allocator *a, unsigned n, unsigned blocks, size_t size) {
    enum { CODE = 16 };
    static const char here[SITES * CODE];
    for (unsigned i = 0; i < blocks; i++) {
        kept[2 * n + i] = a->ops->acquire(a, size, 8, 0, &here[n * CODE]);
        REQUIRE(kept[2 * n + i] != NULL);
    }
}

TEST(debug_rare, equal_leaks_stand_in_one_order, .no_sweep = KERNEL, .tags = "slow leak") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.frames = 1;
    options.leak_groups_max = 3;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    keep_from(a, 0, 1, 10);
    keep_from(a, 1, 1, 100);
    keep_from(a, 2, 2, 50); /* as many bytes in more blocks: first */
    keep_from(a, 3, 1, 100);
    keep_from(a, 4, 1, 20);
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 6);
    REQUIRE(seen.count == 3);
    CHECK_UINT_EQ(seen.all[0].blocks, 2);
    CHECK_UINT_EQ(seen.all[1].bytes, 100);
    CHECK_UINT_EQ(seen.all[2].bytes, 100);
    CHECK(seen.all[1].traces[0].trace < seen.all[2].traces[0].trace);
    debug.state->options.leak_groups_max = 0;
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 6); /* counted, and none told */
    CHECK_UINT_EQ(seen.count, 3);
    debug.state->options.leaks = CUPEL_DEBUG_LEAKS_UNREACHABLE;
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 0); /* `kept` points to all */
    debug.state->options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 3);
}

static unsigned calls_left;

static void *reserve_some(size_t length) {
    return calls_left == 0 ? NULL : (calls_left--, cupel__system.reserve(length));
}

static bool commit_some(void *base, size_t length) {
    return calls_left == 0 ? false : (calls_left--, cupel__system.commit(base, length));
}

TEST(debug_rare, a_system_that_refuses_records_is_borne, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel__system refusing = cupel__system;
    refusing.reserve = reserve_some;
    refusing.commit = commit_some;
    for (calls_left = 0; calls_left < 2;) {
        unsigned calls = calls_left;
        CHECK(cupel__meta_begin(&refusing, NULL) == NULL); /* no addresses; addresses and no pages */
        calls_left = calls + 1;
    }
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    REQUIRE(block != NULL);
    debug.state->system = &refusing;
    for (unsigned i = 0; i < 3; i++) { /* for the marks, for the table, for its pages */
        calls_left = i;
        CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 1);
    }
    debug.state->meta.next = debug.state->meta.committed; /* the next record needs pages */
    calls_left = 0;
    CHECK(cupel_alloc(a, 1000, 8) == NULL);
    debug.state->system = &cupel__system;
    void *other = cupel_alloc(a, 1000, 8);
    CHECK(other != NULL);
    cupel_free(a, other, 1000, 8);
    cupel_free(a, block, 40, 8);
    CHECK_UINT_GE(cupel_debug_deinit(&debug), 1);
}

TEST(debug_rare, addresses_of_no_process_lead_nowhere, .no_sweep = KERNEL) {
    struct cupel_debug_block block;
    CHECK(cupel__map_find(UINTPTR_MAX) == NULL);
    CHECK(cupel__map_find(0) == NULL);
    CHECK(!cupel_debug_find(NULL, &block));
    static struct cupel__span span;
    CHECK(sizeof(void *) < 8 || !cupel__map_set((const void *)(UINTPTR_MAX - 65535), 65536, &span));
    /* A table that no span ever needed: clearing makes none. */
    CHECK(cupel__map_set((const void *)0x10000, 65536, NULL));
    CHECK(cupel__map_find(0x10000) == NULL);
}

/* Frees a block twice, a hundred spans apart; returns how many stacks are known of it then. */
static unsigned stacks_of_long_ago(size_t kept_bytes) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.kept_metadata_bytes = kept_bytes;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *first = cupel_alloc(a, 40, 8);
    cupel_free(a, first, 40, 8);
    for (unsigned i = 0; i < 100; i++) {
        void *block = cupel_alloc(a, 40000, 8);
        REQUIRE(block != NULL);
        cupel_free(a, block, 40000, 8);
    }
    cupel_free(a, first, 40, 8);
    REQUIRE(seen.count == 1);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_DOUBLE_FREE);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
    return seen.all[0].trace_count;
}

TEST(debug_rare, kept_records_name_blocks_of_long_ago, .no_sweep = KERNEL, .tags = "slow") {
    CHECK_UINT_EQ(stacks_of_long_ago(SIZE_MAX), 3);
    CHECK_UINT_EQ(stacks_of_long_ago(4096), 1);
}
