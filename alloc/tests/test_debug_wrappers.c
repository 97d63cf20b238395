/* Goal: blocks are those of whoever calls the program's own wrappers of the allocator, in groups of leaks and in
 * queries, and wrappers are those that are named or declared and no others. Method: calls through wrappers of wrappers,
 * with each way to name them; files whose sections and symbols are none. */
#include "alloc/query.h"
#include "alloc/src/glob.h"
#include "alloc/src/symbols.h"
#include "alloc/src/wrappers.h"
#include "alloc/tests/debug_seen.h"

#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"
#define STAY   __asm__ volatile("" ::: "memory")
#if defined(__x86_64__) || defined(__i386__)
#define NOT_HERE NULL
#else
#define NOT_HERE "nobody made sure how stacks are walked here"
#endif

#ifdef __clang__
#define STEP __attribute__((noinline))
#else
#define STEP __attribute__((noinline, noclone, no_icf))
#endif

STEP static void *wrap_once(struct cupel_allocator *a) {
    void *block = cupel_alloc(a, 24, 8);
    STAY;
    return block;
}

CUPEL_ALLOCATION_WRAPPER static void *wrap_declared(struct cupel_allocator *a) {
    void *block = wrap_once(a);
    STAY;
    return block;
}

STEP static void *wrap_outermost(struct cupel_allocator *a) {
    void *block = wrap_declared(a);
    STAY;
    return block;
}

STEP static void *use_wrappers(struct cupel_allocator *a) {
    void *block = wrap_outermost(a);
    STAY;
    return block;
}

enum { ALL = 99 };

static const struct {
    const char *wrappers;
    unsigned frames; /* of wrappers */
} cases[] = {{"", 0},        {"wrap_once", 2},      {"wrap_*", 3},       {"*", ALL},       {"nobody,wrap_onc?", 2},
             {"wrap_on", 0}, {"wrap_outermost", 0}, {"wrap_once,,x", 2}, {"wrap_onces", 0}};

TEST(debug_wrappers, frames_of_wrappers_are_passed_over, .skip = NOT_HERE, .no_sweep = KERNEL, .tags = "slow",
     CUPEL_TABLE(cases)) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_query query;
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    unsigned expected = cases[test_row_index()].frames;
    (void)snprintf(options.wrappers, sizeof options.wrappers, "%s", cases[test_row_index()].wrappers);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = use_wrappers(a);
    (void)cupel_query(block, &query);
    REQUIRE(query.chain_count == 1);
    unsigned count = cupel_trace_frames(query.chain[0].allocated, frames, CUPEL_TRACE_FRAMES_MAX);
    REQUIRE(count > 4);
    unsigned actual = cupel__wrappers_of(options.wrappers, query.chain[0].allocated);
    if (expected == ALL) { /* up to the last, or one without a symbol */
        CHECK(actual >= 4 && actual < count);
        expected = actual;
    }
    CHECK_UINT_EQ(actual, expected);
    CHECK_PTR_EQ(query.chain[0].site, frames[expected]);
    cupel_free(a, block, 24, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_wrappers, leaks_are_of_who_calls_them, .skip = NOT_HERE, .no_sweep = KERNEL, .tags = "slow") {
    for (unsigned has_names = 0; has_names < 2; has_names++) {
        struct cupel_debug debug;
        struct seen seen;
        struct cupel_debug_options options = seen_options(&seen);
        REQUIRE(has_names == 0 || cupel_debug_parse(&options, "wrappers=wrap_once:wrappers=wrap_o*", NULL));
        options.leaks = CUPEL_DEBUG_LEAKS_ALL;
        options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = &seen};
        struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
        REQUIRE(a != NULL);
        void *volatile kept[2] = {use_wrappers(a), NULL}; /* so that both are reachable */
        kept[1] = use_wrappers(a);
        CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 2);
        REQUIRE_UINT_EQ(seen.count, has_names != 0 ? 1 : 2);
        CHECK_UINT_EQ(seen.all[0].blocks, has_names != 0 ? 2 : 1);
        CHECK_UINT_EQ(seen.all[0].wrapper_frames, has_names != 0 ? 3 : 0);
        for (unsigned i = 0; i < 2; i++) {
            cupel_free(a, kept[i], 24, 8);
        }
        (void)cupel_debug_deinit(&debug);
    }
}

TEST(debug_wrappers, declared_ones_need_no_name, .skip = NOT_HERE, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    const void *frames[2];
    REQUIRE(a != NULL);
    uintptr_t low;
    uintptr_t high;
    CHECK(cupel__section_in_file("/proc/self/exe", "cupel_wrappers", &low, &high) && low < high);
    /* The declared one alone, innermost. */
    void *block = wrap_declared(a);
    struct cupel_query query;
    (void)cupel_query(block, &query);
    REQUIRE(query.chain_count == 1);
    CHECK_UINT_EQ(cupel_trace_frames(query.chain[0].allocated, frames, 2), 2);
    CHECK_PTR_EQ(query.chain[0].site, frames[0]); /* wrap_once is none, and innermost */
    cupel_trace_id inner = cupel_trace_intern(&frames[1], 1);
    CHECK_UINT_EQ(cupel__wrappers_of("", inner), 0); /* the last frame is nobody's wrapper */
    const void *both[] = {frames[1], frames[0]};
    CHECK_UINT_EQ(cupel__wrappers_of("", cupel_trace_intern(both, 2)), 1);
    CHECK_UINT_EQ(cupel__wrappers_of("wrap_once", cupel_trace_intern(both, 2)), 1);
    const void *nowhere[] = {(const void *)16, frames[1], frames[0]};
    CHECK_UINT_EQ(cupel__wrappers_of("*", cupel_trace_intern(nowhere, 3)), 0);
    CHECK_UINT_EQ(cupel__wrappers_of("*", 0), 0);
    cupel_free(a, block, 24, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

/* Code of the kernel's own has no file; a declared wrapper behind it is passed over as far as it goes. */
TEST(debug_wrappers, modules_without_a_file_have_none, .skip = NOT_HERE, .tags = "slow") {
    const char *kernel = (const char *)getauxval(AT_SYSINFO_EHDR); // NOLINT(performance-no-int-to-ptr)
    if (kernel == NULL) {
        cupel_test_skip("the kernel lends no code here");
    }
    const void *const frames[] = {kernel + 0x600, kernel + 0x700};
    CHECK_UINT_EQ(cupel__wrappers_of("*", cupel_trace_intern(frames, 2)), 0);
    CHECK_UINT_EQ(cupel__wrappers_of("", cupel_trace_intern(frames, 2)), 0);
}

TEST(debug_wrappers, files_that_are_none_have_none) {
    uintptr_t low;
    uintptr_t high;
    CHECK(!cupel__section_in_file("/nonexistent", "cupel_wrappers", &low, &high));
    CHECK(!cupel__section_in_file("/dev/null", "cupel_wrappers", &low, &high));
    CHECK(!cupel__section_in_file("/proc/self/exe", "cupel_wrapper", &low, &high));
    CHECK(!cupel__section_in_file("/proc/self/exe", "a section's name that nobody has, and that is quite long", &low,
                                  &high));
    CHECK(!cupel__section_in_file(CUPEL_TEST_SOURCE_DIR "/README.md", "cupel_wrappers", &low, &high));
}

TEST(debug_wrappers, names_that_are_too_long_are_refused) {
    char text[2 * CUPEL_DEBUG_WRAPPERS_BYTES];
    struct cupel_debug_options options;
    struct cupel_error error;
    for (unsigned over = 0; over < 2; over++) {
        cupel_debug_defaults(&options);
        (void)snprintf(text, sizeof text, "wrappers=one:wrappers=%0*d", (int)(CUPEL_DEBUG_WRAPPERS_BYTES - 5 + over),
                       0);
        CHECK(cupel_debug_parse(&options, text, &error) == (over == 0));
    }
    CHECK_STR_CONTAINS(error.text, "more than 255 bytes");
    CHECK_STR_EQ(options.wrappers, "");
    CHECK(cupel_debug_parse(&options, "wrappers=one,two:wrappers=three", &error));
    CHECK_STR_EQ(options.wrappers, "one,two,three");
}

TEST(debug_wrappers, stars_stand_for_anything) {
    CHECK(cupel__glob("a*c?e", 5, "abbbcde", 7, false));
    CHECK(!cupel__glob("a*c?e", 5, "abbbcdf", 7, false));
    CHECK(cupel__glob("", 0, "", 0, false) && !cupel__glob("", 0, "a", 1, false));
    CHECK(cupel__glob("a", 1, "ab", 2, true) && cupel__glob("a**", 3, "a", 1, false));
}
