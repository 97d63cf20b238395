/* The whole of a first test program: link it with cupel::harness and cupel::harness_main, and run it with --help. */
#include "harness/harness.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What is tested: a copy of a text in upper case, from an allocator. NULL when out of memory. */
static char *upper_copy(struct cupel_allocator *a, const char *text, size_t length) {
    char *copy = cupel_alloc(a, length + 1, 1);
    if (copy == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        copy[i] = (char)toupper((unsigned char)text[i]);
    }
    copy[length] = '\0';
    return copy;
}

/* A test: CHECK goes on after a failure, REQUIRE stops. What is not released is reported, with its stack. */
TEST(upper, copies) {
    struct cupel_allocator *a = test_allocator();
    char *copy = upper_copy(a, "a cupel", 7);
    STARVED(copy == NULL);
    CHECK_STR_EQ(copy, "A CUPEL");
    cupel_free(a, copy, 8, 1);
}

/* A table: one test a row, selected as upper.rows/1. */
struct row {
    const char *text, *expected;
};
static const struct row rows[] = {{"", ""}, {"abc", "ABC"}, {"a1-b2", "A1-B2"}};

TEST(upper, rows, TABLE(rows), .tags = "quick") {
    const struct row *row = test_row();
    size_t length = strlen(row->text);
    char *copy = upper_copy(test_allocator(), row->text, length);
    STARVED(copy == NULL);
    CHECK_STR_EQ(copy, row->expected);
    cupel_free(test_allocator(), copy, length + 1, 1);
}

/* A property: it holds for every input; also a fuzz target, with no more words. */
PROPERTY(upper, keeps_the_length, .longest = 256) {
    char text[128];
    size_t length = cupel_draw_string(bytes, "text", text, sizeof text);
    char *copy = upper_copy(a, text, length);
    STARVED(copy == NULL);
    CHECK_UINT_EQ(strlen(copy), length);
    cupel_free(a, copy, length + 1, 1);
}
