/* The same thousand trivial tests in cmocka, which runs them in its own process: once, or as often as the first word
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void passes(void **state) {
    assert_in_range((uintptr_t)*state, 0, 999);
}

int main(int argc, char **argv) {
    static struct CMUnitTest tests[1000];
    for (size_t i = 0; i < 1000; i++) {
        tests[i] = (struct CMUnitTest){.name = "passes", .test_func = passes, .initial_state = (void *)(uintptr_t)i};
    }
    int failed = 0;
    for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
