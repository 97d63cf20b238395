/* The same thousand trivial tests in cmocka, which runs them in its own process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void passes(void **state) {
    assert_in_range((uintptr_t)*state, 0, 999);
}

int main(void) {
    static struct CMUnitTest tests[1000];
    for (size_t i = 0; i < 1000; i++) {
        tests[i] = (struct CMUnitTest){.name = "passes", .test_func = passes, .initial_state = (void *)(uintptr_t)i};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
