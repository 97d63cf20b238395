/* Goal: rules meet frames whatever is known of them: addresses alone, inlined calls without a line, names with brackets
 * in them, more frames than there is room for; and files of rules that cannot be read are no rules. Method: traces made
 * by hand, a script that says what is wanted of their lines, and a kernel that refuses. */
#include "alloc/suppressions.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALONE                                                                                                          \
    .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .may_leave = CUPEL_LEFT_ENVIRONMENT,                       \
    .no_sweep = "it needs an environment that it can change"

static struct cupel_error error;

static bool meets(const char *text, const struct cupel_finding *finding) {
    CHECK(cupel_suppressions_check(text, &error));
    return cupel_suppressions_match(text, finding);
}

__attribute__((noinline)) static cupel_trace_id corners_place(void) {
    struct cupel_trace_start start = cupel_trace_start_here();
    cupel_trace_id id = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 1);
    __asm__ volatile("" : "+r"(id));
    return id;
}

static struct cupel_finding found_at(cupel_trace_id id) {
    return (struct cupel_finding){
        .kind = CUPEL_FINDING_DOUBLE_FREE, .trace_count = 1, .traces = {{.role = "freed", .trace = id}}};
}

TEST(suppressions_corners, addresses_alone_are_nobodys) {
    const void *nowhere[] = {(const void *)0x1234};
    struct cupel_finding finding = found_at(cupel_trace_intern(nowhere, 1));
    CHECK(!meets("double-free:*", &finding));
    CHECK(!meets("double-free:0x1234", &finding));
    CHECK(!meets("{\nname\nMemcheck:Free\nobj:*\n}", &finding));
    CHECK(meets("{\nname\nMemcheck:Free\n...\n}", &finding));
}

TEST(suppressions_corners, patterns_may_end_in_anything) {
    struct cupel_finding finding = found_at(corners_place());
    CHECK(meets("double-free:^cupel__test_suppressions_corners_patterns***", &finding));
    CHECK(!meets("double-free:^test_suppressions_corners_patterns***", &finding));
    CHECK(meets("{\nname\ncupel:double-free\nfun:***\n}", &finding));
    CHECK(meets("double-free:$", &finding));                           /* the end of any name */
    CHECK(meets("double-free:^", &finding));                           /* or its beginning */
    CHECK(!meets("{\nname\ncupel:double-free\nfun:_Z\n}", &finding));  /* no operator, and nothing else */
    CHECK(meets("{\nname\ncupel:double-free\nfun:_Zdl\n}", &finding)); /* an operator, whoever called it */
    CHECK(!meets("{\nname\ncupel:double-free\nobj:_Zdl\nfun:*\n}", &finding));
    CHECK(!meets("{\nname\nMemcheck:Leak\nmatch-leak-kinds: indirect\nfun:*\n}", &finding));
}

/* A leak that is reachable still, or not, and which words of valgrind name it. */
static const struct {
    const char *kinds;
    bool is_lost, is_reachable;
} leak_kinds[] = {{"all", true, true},       {"definite", true, false},  {"indirect", true, false},
                  {"possible", true, false}, {"reachable", false, true}, {"definite,reachable", true, true},
                  {"none", false, false}};

TEST(suppressions_corners, kinds_of_leaks_are_valgrinds, CUPEL_TABLE(leak_kinds)) {
    char text[128];
    struct cupel_finding finding = found_at(corners_place());
    (void)snprintf(text, sizeof text, "{\nname\nMemcheck:Leak\nmatch-leak-kinds: %s\n...\n}",
                   leak_kinds[test_row_index()].kinds);
    finding.kind = CUPEL_FINDING_LEAK;
    CHECK_INT_EQ(meets(text, &finding), leak_kinds[test_row_index()].is_lost);
    finding.kind = CUPEL_FINDING_REACHABLE;
    CHECK_INT_EQ(meets(text, &finding), leak_kinds[test_row_index()].is_reachable);
}

TEST(suppressions_corners, what_begins_as_a_kind_is_none) {
    struct cupel_finding finding = found_at(corners_place());
    finding.kind = CUPEL_FINDING_USE_AFTER_FREE;
    CHECK(meets("{\nname\nMemcheck:Addr16\n...\n}", &finding));
    CHECK(meets("{\nname\nMemcheck:Addr\n...\n}", &finding)); /* of any size */
    CHECK(!meets("{\nname\nMemcheck:Adds4\n...\n}", &finding));
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK(!cupel_suppressions_check(text, &error));
    CHECK(strlen(error.text) < 200); /* what is shown of a line has an end */
    CHECK(!cupel_suppressions_check("{\n", &error));
    CHECK(!cupel_suppressions_check("{", &error));
}

/* Asks with a program that says these lines of the one frame. */
static bool meets_with(const char *lines, const char *text, const struct cupel_finding *finding) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/asked", test_directory());
    FILE *stream = fopen(path, "w");
    REQUIRE(stream != NULL);
    (void)fprintf(stream, "#!/bin/sh\n%s\n", lines);
    bool is_written = fclose(stream) == 0;
    REQUIRE(is_written && chmod(path, 0755) == 0);
    REQUIRE(setenv("CUPEL_SYMBOLISER", path, 1) == 0);
    bool is_met = meets(text, finding);
    REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
    return is_met;
}

TEST(suppressions_corners, lines_of_inlined_calls_are_frames, ALONE) {
    struct cupel_finding finding = found_at(corners_place());
    static const char said[] = "printf '0x1\\ninner\\na.c:1\\nouter(int)\\nbbb (c).c:2\\nlast\\nno_line\\n'";
    CHECK(meets_with(said, "double-free:src:a.c", &finding));
    CHECK(meets_with(said, "{\nname\ncupel:double-free\nfun:inner\nsrc:bbb*\nsrc:no_line\n}", &finding));
    CHECK(meets_with(said, "{\nname\ncupel:double-free\nsrc:a.c\n...\nsrc:no_line\n}", &finding));
    CHECK(!meets_with(said, "double-free:src:c.c", &finding));
    CHECK(!meets_with("printf '0x1\\n(\\na.c:1\\nf\\nb.c:1\\n'", "double-free:src:c.c", &finding));
    CHECK(meets_with("printf '0x1\\nf(\\na.c:1\\ng\\nb.c:1\\n'", "double-free:src:b.c", &finding));
    CHECK(!meets_with("printf '0x1\\n at \\na.c:1\\ng\\nb.c:1\\n'", "double-free:fun:x", &finding));
}

/* More lines than a stack has room for, and longer ones than a trace keeps: what comes first is known. */
TEST(suppressions_corners, what_is_too_much_is_cut, ALONE) {
    struct cupel_finding finding = found_at(corners_place());
    static const char many[] = "echo 0x1; i=0; while [ $i -lt 100 ]; do echo f$i; echo a$i.c:1; i=$((i + 1)); done";
    CHECK(meets_with(many, "double-free:src:^a50.c$", &finding));
    CHECK(!meets_with(many, "double-free:src:^a90.c$", &finding));
    static const char longer[] = "echo 0x1; echo f; echo a.c:1; head -c 9000 /dev/zero | tr '\\0' x; echo; echo b.c:1";
    CHECK(meets_with(longer, "double-free:src:^a.c$", &finding));
    CHECK(!meets_with(longer, "double-free:src:^b.c$", &finding));
}

#if defined(__x86_64__)
TEST(suppressions_corners, without_memory_nothing_is_met, ALONE) {
    struct cupel_finding finding = found_at(corners_place());
    char path[512];
    REQUIRE(meets("{\nname\ncupel:double-free\n...\n}", &finding));
    (void)snprintf(path, sizeof path, "%s/rules", test_directory());
    FILE *stream = fopen(path, "w");
    REQUIRE(stream != NULL && fputs("double-free:a\n", stream) >= 0 && fclose(stream) == 0);
    const char *rules = cupel_suppressions_load(path, &error);
    REQUIRE(rules != NULL);
    CHECK_STR_EQ(rules, "double-free:a\n");
    refuse((struct refusal){SYS_read, EIO, 3, 14}); /* of all that the file has */
    rules = cupel_suppressions_load(path, &error);  /* which is then as if empty */
    CHECK(rules != NULL && rules[0] == '\0');
    refuse((struct refusal){SYS_mmap, ENOMEM, 4, MAP_PRIVATE | MAP_ANONYMOUS});
    CHECK(!meets("{\nname\ncupel:double-free\n...\n}", &finding));
    CHECK(cupel_suppressions_load(path, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "rules cannot be read");
}
#endif
