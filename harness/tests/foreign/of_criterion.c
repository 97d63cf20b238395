/* Tests of Criterion, which runs each in a process of its own. */
#include "harness/tests/foreign/list.h"

#include <stdlib.h>

#include <criterion/criterion.h>

Test(words, reads_words) {
    struct list *list = list_read("one two three four five");
    cr_assert_not_null(list);
    cr_assert_eq(list->count, 5);
    list_free(list);
}

Test(words, joins_backwards) {
    struct list *list = list_read("one two three");
    cr_assert_not_null(list);
    char *text = list_join_backwards(list);
    list_free(list);
    cr_assert_not_null(text);
    cr_assert_str_eq(text, "three,two,one");
    free(text);
}

Test(words, is_right) {
    cr_assert_null(getenv("FOREIGN_WRONG"));
}
