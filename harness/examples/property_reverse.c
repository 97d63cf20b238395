/* A property: reversing a list twice gives the list back. One body; as a test program it runs on random lists and on
 * the files of its corpus, and in the fuzz variants an engine drives it. Try `property_reverse --sweep` too. */
#include "harness/harness.h"

#include <string.h>

/* The code under test: a new, reversed copy of count numbers, or NULL when out of memory. */
static int *reversed(struct cupel_allocator *a, const int *numbers, size_t count) {
    int *copy = CUPEL_NEW_ARRAY(a, int, count);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[count - 1 - i] = numbers[i];
    }
    return copy;
}

PROPERTY(list, reversed_twice_is_the_same, .longest = 256) {
    int numbers[64];
    size_t count = 0;
    while (count < 64 && cupel_draw_more(bytes, "element")) {
        numbers[count++] = (int)cupel_draw_int(bytes, "number", -1000, 1000);
    }
    int *once = reversed(a, numbers, count);
    STARVED(once == NULL); /* it said that it could not: right, where an allocation was made to fail */
    int *twice = reversed(a, once, count);
    if (twice == NULL) {
        CUPEL_FREE_ARRAY(a, int, once, count);
    }
    STARVED(twice == NULL);
    CHECK_MEM_EQ(twice, numbers, count * sizeof numbers[0]);
    CUPEL_FREE_ARRAY(a, int, once, count);
    CUPEL_FREE_ARRAY(a, int, twice, count);
}
