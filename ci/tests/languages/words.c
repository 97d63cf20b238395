/* Goal: the words of a test author mean the same in every C from C99 on.
 * Method: languages.sh compiles this file once a standard and compiler, pedantic, and runs some of the programs. */
#include <cupel/alloc/alloc.h>
#include <cupel/harness/harness.h>
#include <cupel/harness/sweep.h>

static const int rows[] = {1, 2, 3};

TEST(words, plain) {
    CHECK_INT_EQ(1 + 1, 2);
    CHECK_STR_EQ("a", "a");
}

TEST(words, table, TABLE(rows), .timeout_s = 5, .tags = "quick") {
    CHECK_INT_EQ(*(const int *)test_row(), rows[test_row_index()]);
}

TEST(words, skipped, .skip = "never to run") {
    FAIL("this ran");
}

TEST(words, allocate) {
    struct cupel_allocator *a = test_allocator();
    int *numbers = CUPEL_NEW_ARRAY(a, int, 4);
    STARVED(numbers == NULL);
    CHECK_INT_EQ(numbers[3], 0);
    CUPEL_FREE_ARRAY(a, int, numbers, 4);
}

PROPERTY(words, draws, .longest = 16, .cases = 7) {
    uint64_t number = cupel_draw_uint(bytes, "number", 1, 5);
    CHECK(number >= 1 && number <= 5);
}
