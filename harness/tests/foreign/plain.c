/* Tests without any framework: main says with its status how they went. Behind the flag "assert" they say it with
 * assert() instead. */
#include "harness/tests/foreign/list.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_reading(void) {
    struct list *list = list_read("one two three four five");
    if (list == NULL) {
        fprintf(stderr, "no list\n");
        return 1;
    }
    int failures = list->count != 5;
    list_free(list);
    return failures;
}

static int test_joining(void) {
    struct list *list = list_read("one two three");
    char *text = list == NULL ? NULL : list_join_backwards(list);
    if (text == NULL) {
        fprintf(stderr, "no text\n");
    } else {
        printf("backwards: %s\n", text);
    }
    int failures = text == NULL;
    free(text);
    list_free(list);
    return failures;
}

static void test_with_assertions(void) {
    struct list *list = list_read("one two three");
    assert(list != NULL);
    assert(list->count == 3);
    list_free(list);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "assert") == 0) {
        test_with_assertions();
        return 0;
    }
    int failures = test_reading() + test_joining() + (getenv("FOREIGN_WRONG") != NULL);
    printf("%d failures\n", failures);
    return failures != 0;
}
