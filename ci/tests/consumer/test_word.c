/* Goal: a stranger's tests and properties build against cupel with the two lines that the README promises.
 * Method: a test and a property of a small library. */
#include "word.h"

#include <cupel/harness/harness.h>
#include <stdlib.h>
#include <string.h>

TEST(word, is_doubled) {
    char *twice = word_twice("ab", 2);
    STARVED(twice == NULL);
    CHECK_STR_EQ(twice, "abab");
    free(twice);
}

TEST(word, is_stored) {
    struct cupel_allocator *a = test_allocator();
    char *stored = CUPEL_NEW_ARRAY(a, char, 3);
    STARVED(stored == NULL);
    CHECK_STR_EQ(stored, "");
    CUPEL_FREE_ARRAY(a, char, stored, 3);
}

PROPERTY(word, halves_are_equal) {
    struct cupel_view input = cupel_draw_rest(bytes, "word");
    char *twice = word_twice((const char *)input.data, input.length);
    STARVED(twice == NULL);
    if (input.length > 0) {
        CHECK(memcmp(twice, twice + input.length, input.length) == 0);
    }
    free(twice);
}
