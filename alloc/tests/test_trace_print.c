/* Goal: a printed trace names function, file and line, also of inlined calls, and no program that is asked for them can
 * spoil it. Method: each program that is there is asked about a known stack; then ones that answer nonsense, nothing,
 * or without end. */
#include "alloc/lines.h"
#include "alloc/src/symboliser.h"
#include "alloc/tests/unwind_inline.h"
#include "alloc/trace.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NOT_HERE NULL
#else
#define NOT_HERE "stacks are walked by tables on x86-64 only"
#endif

static char text[16384];

static void put(void *user, const char *part, size_t length) {
    (void)user;
    strncat(text, part, length < sizeof text - 1 - strlen(text) ? length : 0);
}

/* Prints with the program of this path. */
static const char *print_with(const char *program, cupel_trace_id id) {
    text[0] = '\0';
    REQUIRE(setenv("CUPEL_SYMBOLISER", program, 1) == 0);
    cupel_trace_print(id, false, put, NULL);
    REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
    return text;
}

static const char *const programs[] = {CUPEL_TEST_BINARY_DIR "/bin/cupel-symbolise", "/usr/bin/addr2line",
                                       "/usr/bin/llvm-symbolizer"};

TEST(trace_print, names_lines_and_inlined_calls, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change", CUPEL_TABLE(programs)) {
    const char *program = programs[test_row_index()];
    char wanted[128];
    if (access(program, X_OK) != 0) {
        cupel_test_skip("this program is not here");
    }
#if !defined(CUPEL_HAVE_LIBDW)
    if (test_row_index() == 0) {
        cupel_test_skip("cupel-symbolise was built without libdw");
    }
#endif
    print_with(program, unwind_inline_take());
    CHECK_STR_CONTAINS(text, "    #0 unwind_inline_take+0x");
    CHECK_STR_CONTAINS(text, "    #1 ");
    (void)snprintf(wanted, sizeof wanted, "unwind_inline.c:%d", unwind_inline_innermost);
    CHECK_STR_CONTAINS(text, wanted);
    if (strstr(program, "addr2line") != NULL) {
        return; /* binutils 2.40 does not see inlined calls in what clang writes */
    }
    (void)snprintf(wanted, sizeof wanted, "unwind_inline.c:%d, inlined into", unwind_inline_innermost);
    CHECK_STR_CONTAINS(text, "    #0 innermost_inlined at ");
    CHECK_STR_CONTAINS(text, wanted);
    (void)snprintf(wanted, sizeof wanted, "unwind_inline.c:%d, inlined into", unwind_inline_next);
    CHECK_STR_CONTAINS(text, "    #0 next_inlined at ");
    CHECK_STR_CONTAINS(text, wanted);
}

struct counted {
    unsigned visits, next, wrong;
};

static void count_line(void *user, unsigned which, const char *function, const char *place, bool is_inlined) {
    struct counted *counted = user;
    counted->visits++;
    counted->wrong += which != counted->next || strstr(place, "/unwind_inline.c:") == NULL || function[0] == '\0';
    counted->next += !is_inlined;
}

/* More than one question has room for. */
TEST(trace_print, lines_of_many_offsets, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change") {
    enum { COUNT = 70 };
    const void *frame;
    Dl_info info;
    uintptr_t offsets[COUNT];
#if !defined(CUPEL_HAVE_LIBDW)
    cupel_test_skip("cupel-symbolise was built without libdw");
#endif
    REQUIRE(cupel_trace_frames(unwind_inline_take(), &frame, 1) == 1 && dladdr(frame, &info) != 0);
    for (unsigned i = 0; i < COUNT; i++) {
        offsets[i] = (uintptr_t)frame - 1 - (uintptr_t)info.dli_fbase;
    }
    struct counted counted = {0, 0, 0};
    REQUIRE(setenv("CUPEL_SYMBOLISER", programs[0], 1) == 0);
    CHECK(cupel_lines_ask("/proc/self/exe", offsets, 0, count_line, &counted));
    CHECK(!cupel_lines_ask("/nonexistent", offsets, COUNT, count_line, &counted));
    CHECK_UINT_EQ(counted.visits, 0);
    char path[1024];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    REQUIRE(length > 0);
    path[length] = '\0';
    CHECK(cupel_lines_ask(path, offsets, COUNT, count_line, &counted));
    CHECK_UINT_EQ(counted.visits, 3 * COUNT); /* each with two calls that were inlined */
    CHECK_UINT_EQ(counted.next, COUNT);
    CHECK_UINT_EQ(counted.wrong, 0);
    REQUIRE(cupel__symboliser_enter()); /* somebody else asks */
    CHECK(!cupel_lines_ask(path, offsets, 1, count_line, &counted));
    cupel__symboliser_leave();
    REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
}

/* What stands there whoever is asked. */
static void check_plain(void) {
    CHECK_STR_CONTAINS(text, "    #0 unwind_inline_take+0x");
    CHECK_STR_CONTAINS(text, "alloc_unwind+0x");
    CHECK_STR_CONTAINS(text, "    #3 ");
    CHECK(strstr(text, "inlined") == NULL);
}

TEST(trace_print, does_without_an_answer, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change") {
    static const char *const useless[] = {"/nonexistent", "/bin/false", "/bin/true", "/bin/echo", "/bin/cat"};
    for (unsigned i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        print_with(useless[i], unwind_inline_take());
        check_plain();
    }
    if (access("/usr/bin/yes", X_OK) == 0) {
        print_with("/usr/bin/yes", unwind_inline_take());
        check_plain();
    }
}

static cupel_trace_id inner_id;

static void put_and_print(void *user, const char *part, size_t length) {
    (void)part;
    (void)length;
    if (inner_id != 0) {
        cupel_trace_id id = inner_id;
        inner_id = 0;
        cupel_trace_print(id, false, put, user);
    }
}

/* A fault while a report is printed is reported too. */
TEST(trace_print, one_report_inside_another, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change") {
    cupel_trace_id id = unwind_inline_take();
    inner_id = id;
    text[0] = '\0';
    cupel_trace_print(id, true, put_and_print, NULL);
    CHECK_STR_CONTAINS(text, "unwind_inline_take+0x");
    inner_id = id;
    text[0] = '\0';
    REQUIRE(setenv("CUPEL_SYMBOLISER", "/bin/true", 1) == 0);
    cupel_trace_print(id, false, put_and_print, NULL);
    REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
    check_plain();
}

#if defined(DLFO_STRUCT_HAS_EH_DBASE)
/* An address in a module that is in none of its functions. */
TEST(trace_print, of_no_function, .skip = NOT_HERE) {
    const void *frames[1];
    struct dl_find_object object = {0};
    REQUIRE(_dl_find_object((void *)(uintptr_t)&strlen, &object) == 0);
    frames[0] = (const char *)object.dlfo_map_start + 17;
    text[0] = '\0';
    cupel_trace_print(cupel_trace_intern(frames, 1), true, put, NULL);
    CHECK_STR_CONTAINS(text, "    #0 (/");
    CHECK_STR_CONTAINS(text, "+0x10)\n");
}
#endif

TEST(trace_print, of_nothing) {
    text[0] = '\0';
    cupel_trace_print(0, true, put, NULL);
    CHECK_STR_EQ(text, "");
    const void *nowhere[] = {(const void *)0x1234, (const void *)0x10};
    cupel_trace_print(cupel_trace_intern(nowhere, 2), true, put, NULL);
    CHECK_STR_EQ(text, "    #0 0x1234\n    #1 0x10\n");
}
