/* The same thousand trivial tests in Criterion, which runs each in a process of its own. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

ParameterizedTestParameters(trivial, passes) {
    static int rows[1000];
    for (int i = 0; i < 1000; i++) {
        rows[i] = i;
    }
    return cr_make_param_array(int, rows, 1000);
}

ParameterizedTest(int *row, trivial, passes) {
    cr_assert(*row < 1000);
}
