/* Goal: the bounds of stacks are found where they can be, and where they cannot nothing beyond them is read; and chains
 * of frame pointers that lead nowhere end. Method: threads that have asked too often, limits that are changed, a kernel
 * that refuses, and frame pointers that are overwritten for the time of one walk. */
#include "alloc/src/frames.h"
#include "alloc/src/maps.h"
#include "alloc/src/stack.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define HERE ((uintptr_t)__builtin_frame_address(0))

/* Pushes all that a thread remembers of stacks out, by asking of as many other mappings. */
static void forget_stacks(void) {
    struct cupel__stack stack;
    for (unsigned i = 0; i < 4; i++) {
        char *pages = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(pages != MAP_FAILED);
        REQUIRE(mprotect(pages + 4096, 4096, PROT_READ) == 0);
        CHECK(!cupel__stack_find((uintptr_t)pages, &stack)); /* not readable */
        REQUIRE(cupel__stack_find((uintptr_t)pages + 4096, &stack));
        CHECK_UINT_EQ(stack.low, (uintptr_t)pages + 4096);
        CHECK_UINT_EQ(stack.high, (uintptr_t)pages + 8192);
        REQUIRE(munmap(pages, 3 * 4096) == 0);
    }
}

/* Runs in a thread, whose own memory of stacks is fresh. */
static void *ask_too_often(void *user) {
    struct cupel__stack stack;
    const void *frames[4] = {NULL};
    bool *is_right = user;
    for (unsigned i = 0; i < 4096; i++) {
        *is_right = *is_right && !cupel__stack_find(16, &stack); /* nothing is there */
    }
    *is_right = *is_right && !cupel__stack_find(HERE, &stack);
    *is_right = *is_right && cupel__frames_collect(frames, frames, 4) == 1 && frames[0] == frames;
    return NULL;
}

TEST(stacks, of_a_thread_that_asks_too_often_are_unknown, .tags = "slow") {
    bool is_right = true;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, ask_too_often, &is_right) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(is_right);
    struct cupel__stack stack;
    CHECK(cupel__stack_find(HERE, &stack)); /* others are not concerned */
    CHECK(HERE >= stack.low && HERE < stack.high);
}

#if defined(__x86_64__)
#define ALONE                                                                                                          \
    .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .may_leave = CUPEL_LEFT_LIMITS,                            \
    .no_sweep = "the kernel refuses by itself"

/* The main stack may grow, as far as its limit says, which is not asked for too much. */
static const struct {
    rlim_t limit;
    bool is_refused;
    uintptr_t room; /* at least that much is in bounds */
} limits[] = {{1 << 20, false, 1 << 20},
              {RLIM_INFINITY, false, 64 << 20},
              {4096, false, 4096}, /* less than there is already */
              {1 << 20, true, 64 << 20}};

TEST(stacks, the_main_one_grows_to_its_limit, ALONE, CUPEL_TABLE(limits)) {
    struct cupel__stack stack;
    struct rlimit limit;
    size_t row = test_row_index();
    REQUIRE(getrlimit(RLIMIT_STACK, &limit) == 0);
    limit.rlim_cur = limits[row].limit <= limit.rlim_max ? limits[row].limit : limit.rlim_max;
    if (limit.rlim_cur != limits[row].limit) {
        cupel_test_skip("the limit may not be raised so far");
    }
    REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
    forget_stacks();
    if (limits[row].is_refused) {
        refuse((struct refusal){SYS_prlimit64, EPERM, 0, 0});
    }
    REQUIRE(cupel__stack_find(HERE, &stack));
    CHECK(stack.high > HERE);
    CHECK_UINT_GE(stack.high - stack.low, limits[row].room);
    CHECK_UINT_LE(stack.high - stack.low, (uintptr_t)65 << 20);
}

static bool never(void *user, const struct cupel__mapping *mapping) {
    (void)user;
    (void)mapping;
    return true;
}

TEST(stacks, are_unknown_where_mappings_cannot_be_read, ALONE) {
    struct cupel__stack stack;
    forget_stacks();
    refuse((struct refusal){SYS_openat, EMFILE, 3, O_RDONLY | O_CLOEXEC});
    errno = 0;
    CHECK(!cupel__stack_find(HERE, &stack));
    CHECK_INT_EQ(errno, 0);
    CHECK(!cupel__maps_walk(never, NULL));
}
#endif

static unsigned private_mappings, shared_mappings;

static bool count_mapping(void *user, const struct cupel__mapping *mapping) {
    const struct cupel__mapping *wanted = user;
    if (mapping->low == wanted->low) {
        CHECK_UINT_EQ(mapping->high, wanted->high);
        CHECK(mapping->is_readable);
        CHECK_INT_EQ(mapping->is_private, wanted->is_private);
        *(mapping->is_private ? &private_mappings : &shared_mappings) += 1;
    }
    return true;
}

TEST(stacks, mappings_are_read_as_they_are) {
    private_mappings = shared_mappings = 0;
    for (unsigned i = 0; i < 2; i++) {
        int kind = i == 0 ? MAP_PRIVATE : MAP_SHARED;
        char *pages = mmap(NULL, 3 * 4096, PROT_NONE, kind | MAP_ANONYMOUS, -1, 0);
        REQUIRE(pages != MAP_FAILED);
        REQUIRE(mprotect(pages + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
        struct cupel__mapping wanted = {
            .low = (uintptr_t)pages + 4096, .high = (uintptr_t)pages + 8192, .is_private = i == 0};
        CHECK(cupel__maps_walk(count_mapping, &wanted));
        REQUIRE(munmap(pages, 3 * 4096) == 0);
    }
    CHECK_UINT_EQ(private_mappings, 1);
    CHECK_UINT_EQ(shared_mappings, 1);
}

#if defined(__x86_64__)
/* Walks from a frame whose caller's frame is said to be `where`. */
__attribute__((noinline)) static unsigned collect_with(uintptr_t where, const void *site, const void *frames[],
                                                       unsigned max) {
    volatile uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t before = frame[0];
    frame[0] = where;
    unsigned count = cupel__frames_collect(site, frames, max);
    frame[0] = before;
    return count;
}

/* The site is this function's caller's return address, so that what follows it counts. */
TEST(stacks, frame_pointers_that_lead_nowhere_end_the_walk) {
    const void *frames[8] = {NULL};
    struct cupel__stack stack;
    volatile uintptr_t fake[4] = {0, 0, 0, 0};
    const void *site = (const void *)&fake; /* an address that the first fake frame returns to */
    REQUIRE(cupel__stack_find(HERE, &stack));
    fake[1] = (uintptr_t)site;
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 1); /* it says it is the last */
    fake[0] = (uintptr_t)&fake[2];
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 1); /* the next returns to nowhere */
    fake[3] = 77;
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 2);
    CHECK_PTR_EQ(frames[1], (const void *)77);
    fake[2] = (uintptr_t)&fake[2] + 1; /* not aligned */
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 2);
    fake[2] = stack.high; /* beyond the stack */
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 2);
    fake[2] = 16; /* below it */
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 8), 2);
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 2), 2); /* there is no room for more */
    CHECK_UINT_EQ(collect_with((uintptr_t)fake, site, frames, 1), 1);
}

__attribute__((noinline)) static unsigned collect_from(unsigned depth, const void *site, const void *frames[]) {
    if (depth == 0) {
        return cupel__frames_collect(site, frames, 8);
    }
    unsigned count = collect_from(depth - 1, site, frames);
    __asm__ volatile("" : "+r"(count));
    return count;
}

TEST(stacks, a_site_that_is_too_far_is_not_met) {
    const void *frames[8] = {NULL};
    CHECK_UINT_EQ(collect_from(100, frames, frames), 1);
    CHECK_PTR_EQ(frames[0], frames);
}
#endif
