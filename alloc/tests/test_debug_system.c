/* Goal: where the kernel refuses what the debug allocator asks of it there is another way, or the request fails, and a
 * handler of faults has a stack where one can be had. Method: the table of system calls itself, each refused in turn,
 * and threads whose stacks for signals are looked at. */
#include "alloc/src/debug_fault.h"
#include "alloc/src/debug_host.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_state.h"
#include "alloc/src/wrappers.h"
#include "alloc/tests/debug_seen.h"
#include "alloc/tests/refusing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

enum { PAGE = 4096 };

/* Whether the page can be read: the kernel is asked to read it. */
static bool is_open(const void *page) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    bool is_read = write(ends[1], page, 1) == 1;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return is_read;
}

TEST(debug_system, pages_are_opened_closed_and_moved, .no_sweep = KERNEL, .tags = "crash") {
    char *units = cupel__system.reserve((size_t)2 * CUPEL__UNIT);
    REQUIRE(units != NULL);
    CHECK_UINT_EQ((uintptr_t)units % CUPEL__UNIT, 0);
    CHECK(!is_open(units));
    CHECK(cupel__system.commit(units, CUPEL__UNIT));
    memset(units, 7, CUPEL__UNIT);
    CHECK(cupel__system.guard(units, PAGE));
    CHECK(!is_open(units));
    CHECK(is_open(units + PAGE));
    CHECK(cupel__system.move(units + PAGE, units + CUPEL__UNIT, PAGE));
    CHECK(!is_open(units + PAGE));
    CHECK_INT_EQ(units[CUPEL__UNIT], 7);
    CHECK(cupel__system.revoke(units + CUPEL__UNIT, PAGE));
    CHECK(!is_open(units + CUPEL__UNIT));
    CHECK(!cupel__system.move(units + CUPEL__UNIT, units + 1, PAGE)); /* to no page */
    cupel__system.unreserve(units, (size_t)2 * CUPEL__UNIT);
    CHECK(cupel__system.reserve((size_t)15 << (8 * sizeof(size_t) - 4)) == NULL);
}

#if defined(__x86_64__)
#define ALONE .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .no_sweep = KERNEL, .may_leave = CUPEL_LEFT_LIMITS
enum { GUARD_ADVICE = 102, CLOSED = PROT_NONE };

/* Kernels before 6.13 know no guards: the page becomes a mapping of its own; where that is refused too, it stays. */
TEST(debug_system, guards_are_mappings_where_there_is_no_advice, ALONE) {
    char *units = cupel__system.reserve(CUPEL__UNIT);
    REQUIRE(units != NULL && cupel__system.commit(units, CUPEL__UNIT));
    refuse((struct refusal){SYS_madvise, EINVAL, 3, GUARD_ADVICE});
    CHECK(cupel__system.guard(units, PAGE));
    CHECK(!is_open(units));
    refuse((struct refusal){SYS_mmap, ENOMEM, 3, CLOSED});
    CHECK(!cupel__system.guard(units + PAGE, PAGE));
    CHECK(is_open(units + PAGE));
}

TEST(debug_system, what_was_moved_is_closed_in_either_way, ALONE) {
    char *units = cupel__system.reserve((size_t)2 * CUPEL__UNIT);
    REQUIRE(units != NULL && cupel__system.commit(units, CUPEL__UNIT));
    memset(units, 7, CUPEL__UNIT);
    refuse((struct refusal){SYS_mmap, ENOMEM, 3, CLOSED});
    CHECK(cupel__system.move(units, units + CUPEL__UNIT, PAGE)); /* its permissions are taken away instead */
    CHECK(!is_open(units));
    CHECK_INT_EQ(units[CUPEL__UNIT], 7);
    refuse((struct refusal){SYS_mprotect, ENOMEM, 3, CLOSED});
    CHECK(!cupel__system.move(units + PAGE, units + CUPEL__UNIT + PAGE, PAGE));
    CHECK(is_open(units + PAGE)); /* and is told as not done */
}

TEST(debug_system, an_allocator_works_without_advice, ALONE) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.guard_every = 1;
    refuse((struct refusal){SYS_madvise, EINVAL, 0, 0});
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < 2000; i++) {
        char *block = cupel_alloc(a, 1 + i % 500, 8);
        REQUIRE(block != NULL);
        memset(block, 1, 1 + i % 500);
        cupel_free(a, block, 1 + i % 500, 8);
    }
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

/* Where addresses are limited no piece of them takes too much; what the limit says is asked each time. */
static const struct {
    rlim_t limit;
    bool is_refused, is_limited;
} limits[] = {{RLIM_INFINITY, false, false}, {(rlim_t)16 << 30, false, true}, {(rlim_t)16 << 30, true, false}};

TEST(debug_system, addresses_may_be_limited, ALONE, CUPEL_TABLE(limits)) {
    const struct rlimit limit = {limits[test_row_index()].limit, RLIM_INFINITY};
    if (!refusal_is_borne((struct refusal){SYS_munmap, 0, 0, 0}) || setrlimit(RLIMIT_AS, &limit) != 0) {
        cupel_test_skip("addresses are limited already, or a sanitizer takes them");
    }
    if (limits[test_row_index()].is_refused) {
        refuse((struct refusal){SYS_prlimit64, EPERM, 0, 0});
    }
    CHECK_UINT_EQ(cupel__address_limit(), limits[test_row_index()].is_limited ? limit.rlim_cur : SIZE_MAX);
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 100, 8);
    REQUIRE(block != NULL);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_LE(debug.state->addresses.reserved_bytes,
                  limits[test_row_index()].is_limited ? limit.rlim_cur / 64 + CUPEL__UNIT : SIZE_MAX);
    cupel_free(a, block, 100, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_system, mappings_are_counted_without_the_kernels_word, ALONE) {
    size_t known = cupel__span_count_default();
    CHECK_UINT_GT(known, 1000);
    refuse((struct refusal){SYS_openat, EMFILE, 3, O_RDONLY | O_CLOEXEC});
    CHECK_UINT_EQ(cupel__span_count_default(), 65530 / 3);
}

/* What a thread has as its stack for signals after it was given one. */
struct given {
    bool is_refused;
    struct refusal refusal;
    bool has_own;  /* it has one already */
    bool has_it;   /* it is given one */
    stack_t after; /* what it has then */
};

static void *take_stack(void *user) {
    static char own[65536];
    struct given *given = user;
    stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    stack_t none = {.ss_flags = SS_DISABLE};
    (void)sigaltstack(given->has_own ? &stack : &none, NULL);
    if (given->is_refused) {
        refuse(given->refusal);
    }
    cupel__debug_altstack();
    if (!given->is_refused) {
        (void)sigaltstack(NULL, &given->after);
    } else {
        given->after.ss_flags = SS_DISABLE;
    }
    if (given->has_own) {
        (void)sigaltstack(&none, NULL); /* another stack than the thread was given, when it ends */
    }
    return NULL;
}

static struct given givens[] = {
    {.has_it = true},
    {.has_own = true},
    {.is_refused = true, .refusal = {SYS_sigaltstack, EPERM, 0, 0}},
    {.is_refused = true, .refusal = {SYS_mmap, ENOMEM, 4, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK}},
    {.is_refused = true, .refusal = {SYS_sigaltstack, EPERM, 2, 0}}, /* asked, but not set */
};

TEST(debug_system, threads_are_given_a_stack_for_faults, ALONE, CUPEL_TABLE(givens)) {
    struct given *given = &givens[test_row_index()];
    if (given->is_refused && !refusal_is_borne(given->refusal)) {
        cupel_test_skip("a sanitizer needs this call itself");
    }
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, take_stack, given) == 0 && pthread_join(thread, NULL) == 0);
    CHECK_INT_EQ((given->after.ss_flags & SS_DISABLE) == 0, given->has_it || given->has_own);
    if (given->has_it) {
        CHECK(!is_open(given->after.ss_sp)); /* it went with its thread */
    }
}

TEST(debug_system, wrappers_need_memory_to_be_known, ALONE) {
    const void *nowhere[] = {(const void *)16};
    const void *here[] = {(const char *)(uintptr_t)&cupel__wrappers_of + 1};
    cupel_trace_id unknown = cupel_trace_intern(nowhere, 1);
    cupel_trace_id known = cupel_trace_intern(here, 1);
    CHECK_UINT_EQ(cupel__wrappers_of("", 0), 0);
    CHECK_UINT_EQ(cupel__wrappers_of("*", 0), 0);
    CHECK_UINT_EQ(cupel__wrappers_of("*", unknown), 0); /* in no module */
    const void *kernels[] = {(const char *)getauxval(AT_SYSINFO_EHDR) + 17};
    CHECK_UINT_EQ(cupel__wrappers_of("*", cupel_trace_intern(kernels, 1)), 0); /* in one without a file */
    CHECK_UINT_EQ(cupel__wrappers_of("cupel__wrappers_o?", known), cupel__wrappers_of("*", known));
    refuse((struct refusal){SYS_mmap, ENOMEM, 4, MAP_PRIVATE | MAP_ANONYMOUS});
    CHECK_UINT_EQ(cupel__wrappers_of("*", known), 0);
    CHECK(cupel__wrappers_open("*") == NULL);
}

TEST(debug_system, spans_need_a_place_in_the_map, ALONE) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 100, 8);
    REQUIRE(block != NULL);
    char *nowhere = (char *)((uintptr_t)1 << 45);
    CHECK(cupel__map_find((uintptr_t)nowhere) == NULL);
    refuse((struct refusal){SYS_mmap, ENOMEM, 4, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE});
    CHECK(!cupel__map_set(nowhere, CUPEL__UNIT, cupel__map_find((uintptr_t)block)));
    CHECK(cupel__map_find((uintptr_t)nowhere) == NULL);
    cupel_free(a, block, 100, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
#endif
