/* Tests of cmocka. */
#include "harness/tests/foreign/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads_words(void **state) {
    (void)state;
    struct list *list = list_read("one two three four five");
    assert_non_null(list);
    assert_int_equal(list->count, 5);
    list_free(list);
}

static void joins_backwards(void **state) {
    (void)state;
    struct list *list = list_read("one two three");
    assert_non_null(list);
    char *text = list_join_backwards(list);
    list_free(list);
    assert_non_null(text);
    assert_string_equal(text, "three,two,one");
    free(text);
}

static void is_right(void **state) {
    (void)state;
    assert_null(getenv("FOREIGN_WRONG"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_words),
        cmocka_unit_test(joins_backwards),
        cmocka_unit_test(is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
