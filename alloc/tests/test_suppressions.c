/* Goal: rules in the forms of sanitizers and of valgrind meet the findings that they name and no others, and say where
 * they are malformed. Method: texts of rules against findings with stacks of functions of this file, and an allocator
 * with rules, whose counts must know of no finding that they met. */
#include "alloc/suppressions.h"
#include "alloc/tests/debug_seen.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

/* A stack: suppressed_inner, suppressed_outer, the test, the runner. */
__attribute__((noinline)) static cupel_trace_id suppressed_inner(void) {
    const struct cupel_trace_start start = cupel_trace_start_here();
    cupel_trace_id trace = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 16);
    return trace;
}

__attribute__((noinline)) static cupel_trace_id suppressed_outer(void) {
    /* Code of this function at both ends, for the start of the trace is the caller of the function above. */
    cupel_trace_id trace = suppressed_inner();
    __asm__ volatile("/* other code than other_place has, for compilers fold what is the same */" : "+r"(trace));
    return trace;
}

__attribute__((noinline)) static cupel_trace_id other_place(void) {
    cupel_trace_id trace = suppressed_inner();
    __asm__ volatile("" : "+r"(trace));
    return trace;
}

static void note_lines(void *user, const char *text, size_t length) {
    *(bool *)user |= memmem(text, length, "test_suppressions.c:", 20) != NULL;
}

/* Whether there are debug info and somebody who reads it. */
static bool has_lines(cupel_trace_id trace) {
    bool has_any = false;
    cupel_trace_print(trace, false, note_lines, &has_any);
    return has_any;
}

static bool meets(const char *text, const struct cupel_finding *finding) {
    struct cupel_error error = {.text = ""};
    bool is_right = cupel_suppressions_check(text, &error);
    CHECK_STR_EQ(error.text, "");
    return is_right && cupel_suppressions_match(text, finding);
}

TEST(suppressions, lines_are_those_of_sanitizers, .no_sweep = KERNEL, .tags = "slow") {
    const struct cupel_finding leak = {.kind = CUPEL_FINDING_LEAK,
                                       .trace_count = 2,
                                       .traces = {{.role = "resized last", .trace = other_place()},
                                                  {.role = "allocated", .trace = suppressed_outer()}}};
    CHECK(meets("leak:suppressed_outer", &leak));
    CHECK(meets("leak:other_place", &leak)); /* any of its stacks */
    CHECK(meets("# known\n\n  leak:nobody\r\n\t*:pressed_out \n", &leak));
    CHECK(meets("leak:^suppressed_o*er$", &leak));
    CHECK(meets("leak:s?ppressed_outer", &leak));
    CHECK(meets("leak:tests/alloc_debug", &leak)); /* the module */
    CHECK(meets("leak:obj:alloc_debug$", &leak));
    CHECK(meets("leak:src:test_suppressions.c", &leak) == has_lines(leak.traces[1].trace));
    CHECK(!meets("", &leak));
    CHECK(!meets("leak:^pressed_outer", &leak));
    CHECK(!meets("leak:suppressed_oute$", &leak));
    CHECK(!meets("leak:s?uppressed_outer", &leak));
    CHECK(!meets("leak:obj:suppressed_outer", &leak));
    CHECK(!meets("leak:fun:test_suppressions.c", &leak));
    CHECK(!meets("leak:src:suppressed_outer", &leak));
    CHECK(!meets("double-free:suppressed_outer", &leak));
    CHECK(!meets("still-reachable:suppressed_outer", &leak));
    struct cupel_finding reachable = leak;
    reachable.kind = CUPEL_FINDING_REACHABLE;
    CHECK(meets("leak:suppressed_outer", &reachable));
    CHECK(meets("still-reachable:suppressed_outer", &reachable));
    const struct cupel_finding bare = {.kind = CUPEL_FINDING_LEAK};
    CHECK(!meets("*:*", &bare)); /* nobody stands on no stack */
}

TEST(suppressions, blocks_are_those_of_valgrind, .no_sweep = KERNEL, .tags = "slow") {
    const struct cupel_finding leak = {.kind = CUPEL_FINDING_LEAK,
                                       .trace_count = 2,
                                       .traces = {{.role = "resized last", .trace = other_place()},
                                                  {.role = "allocated", .trace = suppressed_outer()}}};
    CHECK(meets("{\n   a name\n   Memcheck:Leak\n   match-leak-kinds: definite\n   fun:malloc\n"
                "   fun:suppressed_outer\n}\n",
                &leak));
    CHECK(meets("{\nname\nMemcheck:Leak\nfun:suppressed_outer\n}", &leak));
    CHECK(meets("{\nname\nMemcheck:Leak\n...\nfun:*blocks_are_those*\n}", &leak));
    CHECK(meets("{\nname\ncupel:leak\nfun:suppr*\n...\nobj:*/alloc_debug\n}", &leak));
    CHECK(meets("{\nname\nMemcheck,Addrcheck:Leak\nobj:*\nfun:*\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Leak\nfun:other_place\n}", &leak)); /* not who allocated it */
    CHECK(!meets("{\nname\nMemcheck:Leak\nfun:malloc\nfun:realloc\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Leak\nfun:uppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Leak\nmatch-leak-kinds: reachable\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Free\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Cond\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nHelgrind:Race\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Leak\nfun:suppressed_outer\nfun:suppressed_outer\n}", &leak));
    CHECK(!meets("{\nname\nMemcheck:Leak\n...\nfun:nobody\n}", &leak));
    struct cupel_finding finding = leak;
    finding.kind = CUPEL_FINDING_DOUBLE_FREE; /* the first stack is the mistake's */
    CHECK(meets("{\nname\nMemcheck:Free\nfun:free\nfun:other_place\n}", &finding));
    CHECK(!meets("{\nname\nMemcheck:Free\nfun:suppressed_outer\n}", &finding));
    finding.kind = CUPEL_FINDING_USE_AFTER_FREE;
    CHECK(meets("{\nname\nMemcheck:Addr8\nfun:_Znwm\nfun:other_place\n}", &finding));
}

static void check_wrong(const char *text, unsigned line, unsigned column, const char *what) {
    struct cupel_error error = {.text = ""};
    CHECK(!cupel_suppressions_check(text, &error));
    CHECK_UINT_EQ(error.line, line);
    CHECK_UINT_EQ(error.column, column);
    CHECK_STR_CONTAINS(error.text, what);
}

TEST(suppressions, what_is_no_rule_is_told_with_its_place) {
    check_wrong("leak:a\n\n  nonsense\n", 3, 3, "KIND:PATTERN");
    check_wrong("leaks:a\n", 1, 1, "no kind of finding");
    check_wrong("leak:", 1, 1, "no pattern");
    check_wrong("{\nname\n", 2, 1, "a block begins with its name");
    check_wrong("{\nname\nnonsense\n", 3, 1, "a block begins with its name");
    check_wrong("{\nname\ncupel:nonsense\nfun:a\n}", 3, 1, "a block begins with its name");
    check_wrong("{\nname\nMemcheck:Leak\nfun:a\n", 4, 1, "not closed");
    check_wrong("{\nname\nMemcheck:Leak\n}\n", 4, 1, "no frame");
    check_wrong("{\nname\nMemcheck:Leak\nnonsense\n}\n", 4, 1, "a frame is fun:");
    char text[1024] = "{\nname\nMemcheck:Leak\n";
    for (unsigned i = 0; i < 25; i++) {
        (void)strcat(text, "...\n");
    }
    check_wrong(text, 28, 1, "too many frames");
    CHECK(cupel_suppressions_check("", NULL));
    CHECK(!cupel_suppressions_check("x", NULL));
}

__attribute__((noinline)) static void free_known(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void free_unknown(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    __asm__ volatile("/* other code than free_known has */" ::: "memory");
}

__attribute__((noinline)) static void *keep_known(struct cupel_allocator *a, size_t size) {
    void *block = cupel_alloc(a, size, 8);
    __asm__ volatile("" : "+r"(block));
    return block;
}

TEST(suppressions, what_rules_meet_is_neither_told_nor_counted, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.suppressions = "double-free:free_known\nleak:keep_known\n";
    options.leak_groups_max = 1;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    cupel_free(a, block, 40, 8);
    for (volatile unsigned i = 0; i < 3; i++) { /* the rules are asked once, and hold each time */
        free_known(a, block);
    }
    CHECK_UINT_EQ(cupel_debug_findings(&debug), 0);
    CHECK_UINT_EQ(seen.count, 0);
    for (volatile unsigned i = 0; i < 2; i++) {
        free_unknown(a, block);
    }
    CHECK_UINT_EQ(cupel_debug_findings(&debug), 2);
    CHECK_UINT_EQ(seen.count, 1);
    void *large = keep_known(a, 5000); /* the largest group, which leaves its place to the next */
    void *small = cupel_alloc(a, 50, 8);
    CHECK(large != NULL && small != NULL);
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 1);
    REQUIRE(seen.count == 2);
    CHECK_UINT_EQ(seen.all[1].bytes, 50);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.silenced, 4);
    CHECK_UINT_EQ(statistics.suppressed, 1);
    cupel_free(a, large, 5000, 8);
    cupel_free(a, small, 50, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 3);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    CHECK_INT_EQ(fputs(text, file) < 0, 0);
    REQUIRE_INT_EQ(fclose(file), 0);
}

TEST(suppressions, come_from_a_file, .no_sweep = KERNEL, .tags = "slow") {
    char path[512];
    char text[600];
    struct cupel_debug_options options;
    struct cupel_error error = {.text = ""};
    cupel_debug_defaults(&options);
    (void)snprintf(path, sizeof path, "%s/known", test_directory());
    (void)snprintf(text, sizeof text, "suppressions=%s:frames=3", path);
    CHECK(!cupel_debug_parse(&options, text, &error));
    CHECK_STR_CONTAINS(error.text, "cannot be read");
    CHECK(options.suppressions == NULL);
    write_file(path, "leak:a\nnonsense\n");
    CHECK(!cupel_debug_parse(&options, text, &error));
    CHECK_STR_CONTAINS(error.text, "known:2:1: a suppression is KIND:PATTERN");
    CHECK(options.suppressions == NULL);
    write_file(path, "leak:a\n");
    REQUIRE(cupel_debug_parse(&options, text, &error));
    CHECK_STR_EQ(options.suppressions, "leak:a\n");
    CHECK_UINT_EQ(options.frames, 3);
    write_file(path, "");
    REQUIRE(cupel_debug_parse(&options, text, &error));
    CHECK_STR_EQ(options.suppressions, "");
    CHECK(cupel_suppressions_load("/", &error) == NULL);
    CHECK_INT_EQ(unlink(path), 0);
}
