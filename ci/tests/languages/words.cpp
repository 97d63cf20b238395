/* Goal: the words of a test author mean the same in C++, from C++11 on, in the order in which he likes to say them.
 * Method: as words.c. The records are read back as the harness has them. */
#include <cupel/alloc/alloc.h>
#include <cupel/harness/harness.h>
#include <cupel/harness/property.h>
#include <cupel/harness/sweep.h>
#include <new>
#include <string>
#include <vector>

static const int rows[] = {1, 2, 3};

static uint64_t hash_of_state() {
    return 7;
}

TEST(cplusplus, plain) {
    CHECK_INT_EQ(1 + 1, 2);
    CHECK_STR_EQ(std::string("a").c_str(), "a");
}

TEST(cplusplus, table, TABLE(rows), .tags = "quick", .timeout_s = 5) {
    CHECK_INT_EQ(*static_cast<const int *>(test_row()), rows[test_row_index()]);
}

TEST(cplusplus, skipped, .skip = "never to run") {
    FAIL("this ran");
}

namespace inner {

TEST(cplusplus, in_a_namespace, .timeout_s = 3, .strong = hash_of_state, .isolate = CUPEL_ISOLATE_PROCESS) {
    struct cupel_allocator *a = test_allocator();
    int *number = CUPEL_NEW(a, int);
    STARVED(number == nullptr);
    CHECK_INT_EQ(*number, 0);
    CUPEL_FREE(a, int, number);
}

PROPERTY(cplusplus, draws, .cases = 7, .longest = 16) {
    bool is_starved = false;
    try {
        std::vector<uint64_t> numbers;
        while (cupel_draw_more(bytes, "number")) {
            numbers.push_back(cupel_draw_uint(bytes, "value", 1, 5));
        }
        for (uint64_t number : numbers) {
            CHECK(number >= 1 && number <= 5);
        }
    } catch (const std::bad_alloc &) {
        is_starved = true;
    }
    STARVED(is_starved); /* here, where nothing is left to be destroyed */
}

} /* namespace inner */

TEST(cplusplus, records_hold_what_was_said) {
    const struct cupel_test *test = &inner::cupel_property_cplusplus_in_a_namespace;
    CHECK_UINT_EQ(test->options.timeout_s, 3);
    CHECK(test->options.strong == hash_of_state);
    CHECK_INT_EQ(test->options.isolate, CUPEL_ISOLATE_PROCESS);
    CHECK(test->options.is_declared);
    CHECK_STR_EQ(test->suite, "cplusplus");
    CHECK_UINT_EQ(inner::cupel_property_cplusplus_draws.options.longest, 16);
    CHECK_UINT_EQ(inner::cupel_property_cplusplus_draws.options.cases, 7);
}
