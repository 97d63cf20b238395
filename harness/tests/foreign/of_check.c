/* Tests of Check, which forks for each of them. */
#include "harness/tests/foreign/list.h"

#include <stdlib.h>

#include <check.h>

START_TEST(reads_words) {
    struct list *list = list_read("one two three four five");
    ck_assert_ptr_nonnull(list);
    ck_assert_uint_eq(list->count, 5);
    list_free(list);
}
END_TEST

START_TEST(joins_backwards) {
    struct list *list = list_read("one two three");
    ck_assert_ptr_nonnull(list);
    char *text = list_join_backwards(list);
    list_free(list);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "three,two,one");
    free(text);
}
END_TEST

START_TEST(is_right) {
    ck_assert_ptr_null(getenv("FOREIGN_WRONG"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("list");
    TCase *words = tcase_create("words");
    tcase_add_test(words, reads_words);
    tcase_add_test(words, joins_backwards);
    tcase_add_test(words, is_right);
    suite_add_tcase(suite, words);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
