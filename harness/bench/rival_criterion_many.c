/* The same eight thousand tests in Criterion. */
#include <criterion/criterion.h>

#define ONE(suite, name)                                                                                               \
    Test(suite, name) {                                                                                                \
    }

#include "harness/bench/many.h"
