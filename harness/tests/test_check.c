/* Goal: each comparison holds where it should and fails where it should. Method: a table of both kinds; a row that must
 * fail is a test that is expected to. */
#include "harness/harness.h"

#include <math.h>

struct comparison {
    const char *operation;
    int64_t actual, expected;
};

static const struct comparison holding[] = {
    {"==", 4, 4},   {"!=", 4, 5},
    {"!=", 5, 4},   {"<", 4, 5},
    {"<=", 4, 5},   {"<=", 4, 4},
    {">", 5, 4},    {">=", 5, 4},
    {">=", 4, 4},   {"<", INT64_MIN, INT64_MAX},
    {"==", -1, -1}, {">", INT64_MAX, INT64_MIN},
};

static const struct comparison failing[] = {
    {"==", 4, 5}, {"==", 5, 4}, {"!=", 4, 4}, {"<", 4, 4},  {"<", 5, 4},
    {"<=", 5, 4}, {">", 4, 4},  {">", 4, 5},  {">=", 4, 5}, {"<", INT64_MAX, INT64_MIN},
};

static bool is_held(const struct comparison *row) {
    return cupel__check_int(false, row->operation, row->actual, row->expected, "actual", "expected", __FILE__,
                            __LINE__);
}

TEST(check, holds, TABLE(holding)) {
    const struct comparison *row = test_row();
    CHECK(is_held(row));
    CHECK(cupel__check_uint(false, row->operation, (uint64_t)row->actual ^ UINT64_C(1) << 63,
                            (uint64_t)row->expected ^ UINT64_C(1) << 63, "actual", "expected", __FILE__, __LINE__));
}

TEST(check, fails_for_int, TABLE(failing), .expect_failure = "the row does not hold") {
    (void)is_held(test_row());
}

TEST(check, fails_for_uint, TABLE(failing), .expect_failure = "the row does not hold") {
    const struct comparison *row = test_row();
    (void)cupel__check_uint(false, row->operation, (uint64_t)row->actual ^ UINT64_C(1) << 63,
                            (uint64_t)row->expected ^ UINT64_C(1) << 63, "actual", "expected", __FILE__, __LINE__);
}

TEST(check, double_near_is_inclusive) {
    CHECK_DOUBLE_NEAR(1.0, 1.5, 0.5);
    CHECK_DOUBLE_NEAR((double)INFINITY, (double)INFINITY, 0);
    CHECK_DOUBLE_NEAR((double)NAN, (double)NAN, 0);
}

TEST(check, double_fails_beyond_its_tolerance, .expect_failure = "0.5 apart, 0.25 allowed") {
    CHECK_DOUBLE_NEAR(1.0, 1.5, 0.25);
}

TEST(check, double_fails_for_infinities_of_two_signs, .expect_failure = "they are not near") {
    CHECK_DOUBLE_NEAR((double)INFINITY, -(double)INFINITY, 1e300);
}

TEST(check, strings_and_memory_hold) {
    CHECK_STR_EQ("abc", "abc");
    CHECK_STR_NE("abc", "abd");
    CHECK_STR_CONTAINS("abc", "bc");
    CHECK_MEM_EQ("a\0b", "a\0b", 3);
    CHECK_PTR_EQ(NULL, NULL);
}

TEST(check, a_string_that_is_longer_fails, .expect_failure = "one character more") {
    CHECK_STR_EQ("abc", "abcd");
}

TEST(check, equal_strings_fail_where_others_are_asked, .expect_failure = "they are equal") {
    CHECK_STR_NE("abc", "abc");
}

TEST(check, memory_fails_behind_a_zero_byte, .expect_failure = "the third byte differs") {
    CHECK_MEM_EQ("a\0b", "a\0c", 3);
}
