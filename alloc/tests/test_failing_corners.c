/* Goal: plans hold at their bounds: rules whose numbers are the other way round, more threads than are told apart,
 * calls for I/O made by one function, functions that are nowhere. Method: plans in text or made by hand, asked
 * directly. */
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "harness/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define OWN_FAULTS .no_sweep = "the faults of its own plan are what is looked at"

static struct cupel_failing failing;
static struct cupel_error error;

TEST(failing_corners, a_pair_may_come_in_any_order, OWN_FAULTS) {
    struct cupel_allocator *a = cupel_failing_init(&failing, cupel_libc(), "alloc:2,4", &error);
    REQUIRE(a != NULL);
    struct cupel_fault_plan plan = failing.plan;
    plan.rules[0].first = 4;
    plan.rules[0].second = 2;
    cupel_failing_set(&failing, &plan);
    for (unsigned i = 1; i <= 5; i++) {
        void *block = cupel_alloc(a, 8, 8);
        CHECK_INT_EQ(block == NULL, i == 2 || i == 4);
        cupel_free(a, block, 8, 8);
    }
    CHECK_UINT_EQ(failing.injected, 2);
    CHECK(!cupel_fault_plan_parse(&plan, "alloc:18446744073709551615,1", &error));
    CHECK_UINT_EQ(error.column, 28);
}

static void *ask_once(void *user) {
    void *block = cupel_alloc(user, 8, 8);
    bool is_refused = block == NULL;
    cupel_free(user, block, 8, 8);
    return is_refused ? user : NULL;
}

TEST(failing_corners, threads_beyond_the_last_share_a_number, OWN_FAULTS, .tags = "slow") {
    struct cupel_allocator *a = cupel_failing_init(&failing, cupel_libc(), "alloc:2#65", &error);
    REQUIRE(a != NULL);
    unsigned refused = 0;
    for (unsigned i = 1; i <= CUPEL_FAULT_THREADS_MAX + 3; i++) {
        pthread_t thread;
        void *result = NULL;
        REQUIRE(pthread_create(&thread, NULL, ask_once, a) == 0 && pthread_join(thread, &result) == 0);
        refused += result != NULL;
        CHECK_INT_EQ(result != NULL, i == CUPEL_FAULT_THREADS_MAX + 2); /* the second of those that are number 65 */
    }
    CHECK_UINT_EQ(refused, 1);
}

__attribute__((noinline)) static const struct cupel_fault_rule *corners_reader(void) {
    const struct cupel_fault_rule *rule =
        cupel_failing_ask(&failing, CUPEL_FAULT_READ, 10, false, __builtin_return_address(0));
    __asm__ volatile("" : "+r"(rule));
    return rule;
}

TEST(failing_corners, calls_of_one_function_fail, OWN_FAULTS, .tags = "slow") {
    REQUIRE(cupel_failing_init(&failing, cupel_libc(), "read:1@cupel__test_failing_corners_calls_of_one_function_fail",
                               &error) != NULL);
    CHECK(failing.wants_frames);
    const struct cupel_fault_rule *rule = corners_reader();
    CHECK(rule != NULL);
    CHECK(corners_reader() == NULL); /* the second */
    /* Not armed, or without a plan, nothing fails, and all is counted. */
    cupel_failing_set(&failing, NULL);
    CHECK(corners_reader() == NULL);
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "read:1+", &error));
    cupel_failing_set(&failing, &plan);
    failing.is_armed = false;
    CHECK(corners_reader() == NULL);
    CHECK_UINT_EQ(failing.asked[CUPEL_FAULT_READ], 1);
    failing.is_armed = true;
    CHECK(corners_reader() != NULL);
}

/* A function of another module, which nobody here calls: its code lies above this one's. */
TEST(failing_corners, requests_of_others_are_granted, OWN_FAULTS, .tags = "slow") {
    struct cupel_allocator *a = cupel_failing_init(&failing, cupel_libc(), "alloc:1@fopen", &error);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 8, 8);
    CHECK(block != NULL);
    cupel_free(a, block, 8, 8);
    char text[4] = "abc";
    CHECK_INT_EQ(cupel_fault_plan_format(&failing.plan, text, 0), 13);
    CHECK_STR_EQ(text, "abc");
}

__attribute__((noinline)) static unsigned frames_from(unsigned depth, const void *site, const void *frames[]) {
    unsigned count = depth == 0 ? cupel_failing_frames(site, frames, 8) : frames_from(depth - 1, site, frames);
    __asm__ volatile("" : "+r"(count));
    return count;
}

TEST(failing_corners, a_site_that_is_too_far_stands_alone, .tags = "slow") {
    const void *frames[8] = {NULL};
    CHECK_UINT_EQ(frames_from(300, frames, frames), 1);
    CHECK_PTR_EQ(frames[0], frames);
    CHECK_UINT_EQ(frames_from(3, __builtin_return_address(0), frames), 8);
}

TEST(failing_corners, functions_that_are_nowhere_are_told_once) {
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1@no_such_function;alloc:2@nor_this_one", NULL));
    CHECK(!cupel_fault_plan_resolve(&plan, &error));
    CHECK_STR_CONTAINS(error.text, "rule 1: no loaded module has a function \"no_such_function\"");
}

/* Two refusals, or a move after a refusal: the first refusal stands. */
TEST(failing_corners, a_refusal_goes_before_a_move, OWN_FAULTS) {
    static const char *const plans[] = {"grow:1=move;grow:1", "grow:1;grow:1=move", "grow:1;grow:1"};
    for (unsigned i = 0; i < 3; i++) {
        struct cupel_fault_plan plan;
        struct cupel_fault_request request = {.calls = 1u << CUPEL_FAULT_GROW, .size = 1, .thread = 1};
        REQUIRE(cupel_fault_plan_parse(&plan, plans[i], &error));
        const struct cupel_fault_rule *rule = cupel_fault_plan_next(&plan, &request);
        REQUIRE(rule != NULL);
        CHECK_STR_EQ(rule->how, "");
        CHECK_PTR_EQ(rule, &plan.rules[i == 0]);
        CHECK_UINT_EQ(plan.rules[0].seen + plan.rules[1].seen, 2);
    }
    struct cupel_fault_plan plan;
    struct cupel_fault_request request = {.calls = 1u << CUPEL_FAULT_GROW, .size = 1, .thread = 1};
    REQUIRE(cupel_fault_plan_parse(&plan, "grow:1=move;grow:1=move", &error));
    CHECK_PTR_EQ(cupel_fault_plan_next(&plan, &request), &plan.rules[0]);
}

/* A plan, and the column at which it is refused with these words. */
static const struct {
    const char *plan;
    unsigned column;
    const char *said;
} refused[] = {
    {"alloc", 6, "ends where ':' must follow the call"},
    {"alloc;1", 6, "';' stands where ':' must follow"},
    {"alloc:*4", 8, "'4' stands where '/' must follow '*'"},
    {"alloc:*/0", 9, "a distance of at least 1"},
    {"alloc:1x", 8, "'x' stands where '+'"},
    {"alloc:1+x", 9, "';' or the end must follow the rule"},
    {"alloc:1:2", 8, "':' stands where '+'"},
    {"1@0x", 4, "';' or the end must follow the field"},
    {"a_word_that_is_very_much_longer_than_what_is_shown", 1, "'a_word_that_is_very_much_longer_' stands"},
};

TEST(failing_corners, plans_are_refused_where_they_go_wrong, CUPEL_TABLE(refused)) {
    struct cupel_fault_plan plan;
    CHECK(!cupel_fault_plan_parse(&plan, refused[test_row_index()].plan, &error));
    CHECK_UINT_EQ(error.column, refused[test_row_index()].column);
    CHECK_STR_CONTAINS(error.text, refused[test_row_index()].said);
    CHECK_UINT_EQ(plan.count, 0);
}

TEST(failing_corners, numbers_of_the_c_library_are_read_whole, .isolate = CUPEL_ISOLATE_PROCESS,
     .may_leave = CUPEL_LEFT_ENVIRONMENT, .no_sweep = "it needs an environment that it can change") {
    struct cupel_fault_plan plan;
    REQUIRE(unsetenv("CUPEL_FAULT") == 0 && unsetenv("OPENSSL_MALLOC_FAILURES") == 0);
    REQUIRE(setenv("MALLOC_NUMBER_TO_FAIL", "7", 1) == 0);
    REQUIRE(cupel_fault_plan_from_environment(&plan, &error));
    CHECK_UINT_EQ(plan.rules[0].first, 8);
    REQUIRE(setenv("MALLOC_NUMBER_TO_FAIL", "7x", 1) == 0);
    CHECK(!cupel_fault_plan_from_environment(&plan, &error));
    CHECK_STR_CONTAINS(error.text, "MALLOC_NUMBER_TO_FAIL: column 2: 'x' stands where the number must end");
    CHECK_UINT_EQ(plan.count, 0);
    REQUIRE(setenv("MALLOC_NUMBER_TO_FAIL", "x", 1) == 0);
    CHECK(!cupel_fault_plan_from_environment(&plan, &error));
    REQUIRE(unsetenv("MALLOC_NUMBER_TO_FAIL") == 0);
}
