/* Goal: a plan fails exactly the requests that it names, a failed request changes nothing, and plans survive being
 * written and read. Method: tables of plans with the pattern of failures each must give, tables of malformed plans with
 * the column of their error, and a property over drawn plans. */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Twelve acquires of 10, 20, ... bytes; 'x' is a failure. */
static const struct pattern {
    const char *plan;
    const char *result;
} patterns[] = {
    {"", "............"},
    {"alloc:1", "x..........."},
    {"alloc:3", "..x........."},
    {"alloc:12", "...........x"},
    {"alloc:13", "............"},
    {"alloc:4+", "...xxxxxxxxx"},
    {"any:2,9", ".x......x..."},
    {"alloc:*/4", "...x...x...x"},
    {"alloc:*/1", "xxxxxxxxxxxx"},
    {"alloc:0%", "............"},
    {"alloc:100%", "xxxxxxxxxxxx"},
    {"alloc:100%3..5", "..xxx......."},
    {"alloc:100%11..", "..........xx"},
    {"alloc:>100", "....xxxxxxxx"},
    {"alloc:>0", "xxxxxxxxxxxx"},
    {"alloc:1+@size=30..50", "..xxx......."},
    {"alloc:2@size=30..50", "...x........"},
    {"alloc:2;alloc:5", ".x..x......."},
    {"grow:1+", "............"},
    {"vm:1+;read:1+=EIO;clock:1", "............"},
    {"alloc:3=null", "..x........."},
    {"grow:1+=move;alloc:2", ".x.........."},
    {"100@0;7@0;1@100;0@0", "............"},
    {"2@0;3@100;1@0;0@100", "..xxx.xxxxxx"},
    {"5;@100", ".....xxxxxxx"},
    {"4@0;1@100", "....xxxxxxxx"},
    {"4@0;1@100;0", "....x......."},
};

TEST(failing, fails_exactly_the_requests_of_the_plan, .no_sweep = "the faults of its own plan are what is looked at",
     TABLE(patterns)) {
    const struct pattern *row = test_row();
    struct cupel_failing failing;
    struct cupel_error error = {"", 0, 0};
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), row->plan, &error);
    cupel_note("plan %s: %s", row->plan, error.text);
    REQUIRE(f != NULL);
    char result[13] = "";
    void *blocks[12];
    unsigned failed = 0;
    for (size_t i = 0; i < 12; i++) {
        blocks[i] = cupel_alloc(f, 10 * (i + 1), 8);
        result[i] = blocks[i] == NULL ? 'x' : '.';
        failed += blocks[i] == NULL;
    }
    for (size_t i = 0; i < 12; i++) {
        cupel_free(f, blocks[i], 10 * (i + 1), 8);
    }
    CHECK_STR_EQ(result, row->result);
    CHECK_UINT_EQ(failing.injected, failed);
    CHECK_UINT_EQ(failing.ok_before + failing.ok_after, 12 - failed);
    CHECK_UINT_EQ(failing.ok_before, strcspn(row->result, "x"));
    CHECK_UINT_EQ(failing.calls, 12);
    CHECK_UINT_EQ(failing.live_bytes, 0);
}

TEST(failing, tells_operations_apart_and_changes_nothing,
     .no_sweep = "the faults of its own plan are what is looked at") {
    struct cupel_failing failing;
    struct cupel_counting counting;
    struct cupel_allocator *f =
        cupel_failing_init(&failing, cupel_counting_init(&counting, cupel_libc()), "grow:1,2", NULL);
    REQUIRE(f != NULL);
    char *block = cupel_alloc(f, 6, 1);
    REQUIRE(block != NULL);
    memcpy(block, "cupel", 6);
    struct cupel_counts before = counting.counts;
    CHECK(!cupel_resize(f, block, 6, 1, 6));
    CHECK(cupel_realloc(f, block, 6, 1, 600) == NULL);
    CHECK_MEM_EQ(&counting.counts, &before, sizeof before); /* the parent was not asked */
    CHECK_STR_EQ(block, "cupel");
    CHECK_UINT_EQ(failing.grow_calls, 2);
    CHECK_UINT_EQ(failing.calls, 2);
    CHECK_UINT_EQ(failing.injected, 1);
    CHECK_UINT_EQ(failing.injected_benign, 1); /* the resize in place: its caller may go on */
    block = cupel_realloc(f, block, 6, 1, 600);
    REQUIRE(block != NULL);
    CHECK_UINT_EQ(failing.live_bytes, 600);
    CHECK_UINT_EQ(failing.ok_before, 1);
    CHECK_UINT_EQ(failing.ok_after, 1);
    cupel_free(f, block, 600, 1);
}

TEST(failing, moves_each_growth_and_refuses_before_it_moves,
     .no_sweep = "the faults of its own plan are what is looked at") {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, test_allocator(), "grow:1+=move;alloc:3", NULL);
    REQUIRE(f != NULL);
    char *block = cupel_alloc(f, 100, 1);
    REQUIRE(block != NULL);
    memcpy(block, "cupel", 6);
    CHECK(!cupel_resize(f, block, 100, 1, 50));
    const char *volatile before = block;
    block = cupel_realloc(f, block, 100, 1, 101);
    REQUIRE(block != NULL);
    CHECK(block != before);
    CHECK_STR_EQ(block, "cupel");
    CHECK(cupel_realloc(f, block, 101, 1, 102) == NULL);
    CHECK_STR_EQ(block, "cupel");
    CHECK_UINT_EQ(failing.moved, 2);
    CHECK_UINT_EQ(failing.injected, 1);
    CHECK_UINT_EQ(failing.live_bytes, 101);
    cupel_free(f, block, 101, 1);
}

static struct cupel_failing_event events[8];
static unsigned event_count;

static void note_event(const struct cupel_failing *failing, const struct cupel_failing_event *event) {
    const void *frames[4];
    (void)failing;
    CHECK_UINT_GE(cupel_failing_frames(event->site, frames, 4), 1);
    CHECK(frames[0] == event->site);
    events[event_count++] = *event;
}

TEST(failing, tells_of_each_request, .no_sweep = "the faults of its own plan are what is looked at") {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, test_allocator(), "alloc:3", NULL);
    REQUIRE(f != NULL);
    event_count = 0;
    failing.on_request = note_event;
    void *first = cupel_alloc(f, 10, 64);
    void *second = cupel_alloc(f, 20, 8);
    CHECK(cupel_realloc(f, second, 20, 8, 50) == NULL);
    bool is_resized = cupel_resize(f, first, 10, 64, 5);
    cupel_free(f, second, 20, 8);
    cupel_free(f, first, is_resized ? 5 : 10, 64);
    REQUIRE_UINT_EQ(event_count, 4);
    CHECK_UINT_EQ(events[0].align, 64);
    CHECK_UINT_EQ(events[0].live_bytes, 10);
    CHECK_UINT_EQ(events[1].calls, 1u << CUPEL_FAULT_ALLOC);
    CHECK(!events[1].is_refused);
    CHECK_UINT_EQ(events[2].calls, 1u << CUPEL_FAULT_ALLOC | 1u << CUPEL_FAULT_GROW);
    CHECK(events[2].is_refused);
    CHECK_UINT_EQ(events[2].live_bytes, 60);
    CHECK_UINT_EQ(events[2].new_size, 50);
    CHECK_UINT_EQ(events[3].calls, 1u << CUPEL_FAULT_GROW);
}

TEST(failing, a_budget_counts_live_bytes_only, .no_sweep = "the faults of its own plan are what is looked at") {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "any:>100", NULL);
    REQUIRE(f != NULL);
    void *block = cupel_alloc(f, 60, 8);
    REQUIRE(block != NULL);
    CHECK(cupel_alloc(f, 41, 8) == NULL);
    CHECK(cupel_realloc(f, block, 60, 8, 101) == NULL);
    block = cupel_realloc(f, block, 60, 8, 100);
    REQUIRE(block != NULL);
    CHECK(cupel_alloc(f, 1, 8) == NULL);
    cupel_free(f, block, 100, 8);
    block = cupel_alloc(f, 100, 8);
    CHECK(block != NULL);
    cupel_free(f, block, 100, 8);
}

TEST(failing, draws_the_same_requests_from_the_same_seed,
     .no_sweep = "the faults of its own plan are what is looked at") {
    bool drawn[3][400];
    unsigned counts[3] = {0, 0, 0};
    for (unsigned run = 0; run < 3; run++) {
        struct cupel_failing failing;
        struct cupel_fault_plan plan;
        struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), NULL, NULL);
        REQUIRE(cupel_fault_plan_parse(&plan, "alloc:25%", NULL));
        plan.seed = run == 2 ? 8 : 7;
        cupel_failing_set(&failing, &plan);
        for (unsigned i = 0; i < 400; i++) {
            void *block = cupel_alloc(f, 1, 1);
            drawn[run][i] = block == NULL;
            counts[run] += block == NULL;
            cupel_free(f, block, 1, 1);
        }
        CHECK_UINT_GT(counts[run], 60); /* the seeds are fixed, so this cannot wander */
        CHECK_UINT_LT(counts[run], 140);
    }
    CHECK(memcmp(drawn[0], drawn[1], sizeof drawn[0]) == 0);
    CHECK(memcmp(drawn[0], drawn[2], sizeof drawn[0]) != 0);
}

TEST(failing, benign_windows_nest_and_count_apart) {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "alloc:1+", NULL);
    cupel_failing_benign_begin(&failing);
    cupel_failing_benign_begin(&failing);
    CHECK(cupel_alloc(f, 1, 1) == NULL);
    cupel_failing_benign_end(&failing);
    CHECK(cupel_alloc(f, 1, 1) == NULL);
    cupel_failing_benign_end(&failing);
    CHECK(cupel_alloc(f, 1, 1) == NULL);
    CHECK_UINT_EQ(failing.injected_benign, 2);
    CHECK_UINT_EQ(failing.injected, 1);
}

TEST(failing, disarmed_it_counts_and_the_plan_waits, .no_sweep = "the faults of its own plan are what is looked at") {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "alloc:1", NULL);
    failing.is_armed = false;
    void *block = cupel_alloc(f, 5, 1);
    CHECK(block != NULL);
    CHECK_UINT_EQ(failing.calls, 1);
    failing.is_armed = true;
    CHECK(cupel_alloc(f, 5, 1) == NULL);
    struct cupel_fault_plan plan = failing.plan;
    cupel_failing_set(&failing, &plan);
    CHECK_UINT_EQ(failing.calls, 0);
    CHECK_UINT_EQ(failing.injected, 0);
    CHECK_UINT_EQ(failing.live_bytes, 5); /* blocks outlive a plan */
    CHECK(cupel_alloc(f, 5, 1) == NULL);
    cupel_failing_set(&failing, NULL);
    cupel_free(f, block, 5, 1);
    CHECK_UINT_EQ(failing.live_bytes, 0);
}

static __attribute__((noinline)) void *named_site(struct cupel_allocator *f) {
    void *block = cupel_alloc(f, 9, 1);
    __asm__ volatile("");
    return block;
}

TEST(failing, fails_by_function_and_keeps_the_stack, .no_sweep = "the faults of its own plan are what is looked at",
     .tags = "slow") {
    struct cupel_failing failing;
    struct cupel_error error = {"", 0, 0};
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "alloc:2+@named_site", &error);
    cupel_note("%s", error.text);
    REQUIRE(f != NULL);
    void *first = named_site(f);
    void *elsewhere = cupel_alloc(f, 9, 1);
    CHECK(first != NULL);
    CHECK(elsewhere != NULL);
    CHECK(named_site(f) == NULL);
    CHECK_UINT_GE(failing.frame_count, 1);
    const char *start = (const char *)(uintptr_t)named_site;
    CHECK((const char *)failing.frames[0] > start);
    CHECK((const char *)failing.frames[0] < start + 4096);
    cupel_free(f, first, 9, 1);
    cupel_free(f, elsewhere, 9, 1);
}

/* What compilers split off a function keeps its name with a suffix. */
static void *dotted_site(struct cupel_allocator *f) __asm__("split_function.part.0");
static __attribute__((noinline)) void *dotted_site(struct cupel_allocator *f) {
    void *block = cupel_alloc(f, 9, 1);
    __asm__ volatile("");
    return block;
}

TEST(failing, knows_a_function_by_its_parts, .tags = "slow") {
    struct cupel_failing failing;
    struct cupel_allocator *f = cupel_failing_init(&failing, cupel_libc(), "alloc:1@split_function", NULL);
    REQUIRE(f != NULL);
    CHECK(dotted_site(f) == NULL);
    CHECK(cupel_failing_init(&failing, cupel_libc(), "alloc:1@split_funct", NULL) == NULL);
}

TEST(failing, says_where_a_place_cannot_be_found, .tags = "slow") {
    struct cupel_failing failing;
    struct cupel_error error = {"", 0, 0};
    CHECK(cupel_failing_init(&failing, cupel_libc(), "alloc:1@no_such_function", &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "no_such_function");
    CHECK(cupel_failing_init(&failing, cupel_libc(), "alloc:1@test_failing.c:9", &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "debug information");
}

TEST(failing, a_rule_of_another_thread_is_passed_over) {
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1#2=ENOMEM", NULL));
    struct cupel_fault_request request = {.calls = 1u << CUPEL_FAULT_ALLOC, .size = 1, .thread = 1};
    CHECK(cupel_fault_plan_next(&plan, &request) == NULL);
    request.thread = 2;
    const struct cupel_fault_rule *rule = cupel_fault_plan_next(&plan, &request);
    REQUIRE(rule != NULL);
    CHECK_INT_EQ(cupel_fault_errno(rule), ENOMEM);
    CHECK(cupel_fault_plan_next(&plan, &request) == NULL);
}

static const struct malformed {
    const char *plan;
    unsigned column;
} malformed[] = {
    {"alloc", 6},
    {"alloc:", 7},
    {"alloc:0", 7},
    {"aloc:1", 1},
    {"alloc:1;", 9},
    {"alloc:1;;grow:2", 9},
    {" alloc:1", 1},
    {"alloc:1 ", 8},
    {"alloc:x", 7},
    {"alloc:5,5", 9},
    {"alloc:5,", 9},
    {"alloc:*5", 8},
    {"alloc:*/0", 9},
    {"alloc:101%", 7},
    {"alloc:5%0..", 9},
    {"alloc:5%3", 10},
    {"alloc:5%3..2", 12},
    {"alloc:>", 8},
    {"alloc:18446744073709551616", 7},
    {"alloc:1=EWHAT", 9},
    {"alloc:1=", 9},
    {"alloc:1=move", 9},
    {"alloc:1@", 9},
    {"alloc:1@size=5", 15},
    {"alloc:1@size=5..4", 17},
    {"alloc:1@file.c:", 16},
    {"alloc:1@file.c:x", 16},
    {"alloc:1@a b", 10},
    {"alloc:1#0", 9},
    {"alloc:1+2", 9},
    {"alloc:1;alloc:2;alloc:3;alloc:4;alloc:5;alloc:6;alloc:7;alloc:8;alloc:9", 65},
    {"5@101", 3},
    {"5@", 3},
    {"5@3;x", 5},
    {"1@1;1@1;1@1;1@1;1@1;1@1;1@1;1@1;1@1", 33},
    {"alloc:1@a2345678901234567890123456789012345678901234567890123456789012345", 9},
};

TEST(failing, says_the_column_of_what_is_wrong, TABLE(malformed)) {
    const struct malformed *row = test_row();
    struct cupel_fault_plan plan;
    struct cupel_error error = {"", 0, 0};
    cupel_note("plan \"%s\"", row->plan);
    CHECK(!cupel_fault_plan_parse(&plan, row->plan, &error));
    CHECK_UINT_EQ(error.column, row->column);
    CHECK_UINT_EQ(plan.count, 0);
    char place[32];
    (void)snprintf(place, sizeof place, "column %u: ", row->column);
    CHECK_STR_CONTAINS(error.text, place);
    CHECK(!cupel_fault_plan_parse(&plan, row->plan, NULL));
}

/* Any text: what parses must be written as a text that parses to the same, and whose text is the same again. */
PROPERTY(failing, plans_survive_being_written, .longest = 256) {
    static const char *const calls[] = {"alloc:", "grow:", "any:", "vm:", "read:"};
    static const char *const whens[] = {"1", "77+", "2,3", "*/5", "50%", "3%4..9", "3%4..", ">4096", "3#2"};
    static const char *const hows[] = {"", "=null", "=EIO", "=short", "=move"};
    static const char *const wheres[] = {"", "@size=1..8", "@parse_line", "@src/a.c:12"};
    char text[1024] = "";
    if (cupel_draw_bool(bytes, "whole")) {
        do {
            size_t length = strlen(text);
            (void)snprintf(
                text + length, sizeof text - length, "%s%s%s%s%s", length == 0 ? "" : ";",
                calls[cupel_draw_pick(bytes, "call", calls, 5)], whens[cupel_draw_pick(bytes, "when", whens, 9)],
                hows[cupel_draw_pick(bytes, "how", hows, 5)], wheres[cupel_draw_pick(bytes, "where", wheres, 4)]);
        } while (strlen(text) < 200 && cupel_draw_more(bytes, "rule"));
    } else {
        (void)cupel_draw_string(bytes, "plan", text, sizeof text);
    }
    struct cupel_fault_plan plan;
    struct cupel_error error = {"", 0, 0};
    if (!cupel_fault_plan_parse(&plan, text, &error)) {
        CHECK_UINT_GE(error.column, 1);
        CHECK_UINT_LE(error.column, strlen(text) + 1);
        return;
    }
    char first[1024];
    char second[1024];
    int length = cupel_fault_plan_format(&plan, first, sizeof first);
    REQUIRE_INT_EQ(length, (int64_t)strlen(first));
    struct cupel_fault_plan again;
    cupel_note("%s", first);
    REQUIRE(cupel_fault_plan_parse(&again, first, &error));
    CHECK_MEM_EQ(&again, &plan, sizeof plan);
    (void)cupel_fault_plan_format(&again, second, sizeof second);
    CHECK_STR_EQ(second, first);
    char little[4] = "zzz";
    CHECK_INT_EQ(cupel_fault_plan_format(&plan, little, sizeof little), length);
    CHECK(strncmp(little, first, 3) == 0);
    CHECK_UINT_LE(strlen(little), 3);
}

TEST(failing, reads_the_environment, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow",
     .may_leave = CUPEL_LEFT_ENVIRONMENT) {
    struct cupel_fault_plan plan;
    struct cupel_error error = {"", 0, 0};
    char text[64];
    (void)unsetenv("CUPEL_FAULT");
    (void)unsetenv("OPENSSL_MALLOC_FAILURES");
    (void)setenv("MALLOC_NUMBER_TO_FAIL", "0", 1);
    REQUIRE(cupel_fault_plan_from_environment(&plan, &error));
    (void)cupel_fault_plan_format(&plan, text, sizeof text);
    CHECK_STR_EQ(text, "alloc:1");
    (void)setenv("MALLOC_NUMBER_TO_FAIL", "12x", 1);
    CHECK(!cupel_fault_plan_from_environment(&plan, &error));
    CHECK_STR_CONTAINS(error.text, "MALLOC_NUMBER_TO_FAIL: column 3");
    (void)setenv("OPENSSL_MALLOC_FAILURES", "3@0;0@40", 1);
    (void)setenv("CUPEL_SEED", "0x20", 1);
    REQUIRE(cupel_fault_plan_from_environment(&plan, &error));
    (void)cupel_fault_plan_format(&plan, text, sizeof text);
    CHECK_STR_EQ(text, "alloc:40%4..");
    CHECK_UINT_EQ(plan.seed, 32);
    (void)setenv("CUPEL_FAULT", "grow:2", 1);
    REQUIRE(cupel_fault_plan_from_environment(&plan, &error));
    CHECK_INT_EQ(plan.rules[0].call, CUPEL_FAULT_GROW);
    (void)unsetenv("CUPEL_FAULT");
    (void)unsetenv("OPENSSL_MALLOC_FAILURES");
    (void)unsetenv("MALLOC_NUMBER_TO_FAIL");
    (void)unsetenv("CUPEL_SEED");
}

TEST(failing, keeps_the_contract, .tags = "slow") {
    struct cupel_failing layer;
    struct cupel_allocator *a = cupel_failing_init(&layer, cupel_libc(), "", NULL);
    check_contract(a, (struct contract_limits){1 << 17, 64});
    check_refusals(a);
    CHECK_UINT_EQ(layer.live_bytes, 0);
}

TEST(failing, other_calls_are_asked_and_counted_apart) {
    struct cupel_failing failing;
    struct cupel_allocator *a =
        cupel_failing_init(&failing, cupel_libc(), "read:2=short;write:1+=ENOSPC;clock:1=back;alloc:1", NULL);
    REQUIRE(a != NULL);
    CHECK(cupel_failing_ask(&failing, CUPEL_FAULT_READ, 100, true, NULL) == NULL);
    CHECK(cupel_failing_ask(&failing, CUPEL_FAULT_READ, 1, false, NULL) == NULL); /* no part of it can be transferred */
    CHECK(cupel_failing_ask(&failing, CUPEL_FAULT_OPEN, 0, false, NULL) == NULL);
    CHECK_UINT_EQ(failing.injected + failing.injected_benign, 0);
    const struct cupel_fault_rule *rule = cupel_failing_ask(&failing, CUPEL_FAULT_READ, 100, true, NULL);
    REQUIRE(rule != NULL);
    CHECK_STR_EQ(rule->how, "short");
    CHECK_UINT_EQ(failing.first.calls, 1u << CUPEL_FAULT_READ);
    CHECK_UINT_EQ(failing.first.new_size, 100);
    REQUIRE(cupel_failing_ask(&failing, CUPEL_FAULT_CLOCK, 0, false, NULL) != NULL);
    CHECK_UINT_EQ(failing.injected, 0); /* who goes on after these is right */
    CHECK_UINT_EQ(failing.injected_benign, 2);
    for (unsigned i = 0; i < 2; i++) {
        rule = cupel_failing_ask(&failing, CUPEL_FAULT_WRITE, 10, true, NULL);
        REQUIRE(rule != NULL);
        CHECK_INT_EQ(cupel_fault_errno(rule), ENOSPC);
    }
    CHECK_UINT_EQ(failing.injected, 2);
    CHECK_UINT_EQ(failing.asked[CUPEL_FAULT_READ], 3);
    CHECK_UINT_EQ(failing.asked_short[CUPEL_FAULT_READ], 2);
    CHECK_UINT_EQ(failing.asked[CUPEL_FAULT_WRITE], 2);
    CHECK_UINT_EQ(failing.calls, 0);
    CHECK(cupel_alloc(a, 1, 1) == NULL);
}

TEST(failing, words_belong_to_their_calls) {
    struct cupel_fault_plan plan;
    CHECK(!cupel_fault_plan_parse(&plan, "read:1=back", NULL));
    CHECK(!cupel_fault_plan_parse(&plan, "alloc:1=forward", NULL));
    REQUIRE(cupel_fault_plan_parse(&plan, "clock:3=forward", NULL));
    char text[64];
    (void)cupel_fault_plan_format(&plan, text, sizeof text);
    CHECK_STR_EQ(text, "clock:3=forward");
}
