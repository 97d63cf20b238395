/* Eight thousand tests, for the benchmark of selection and lists. */
#include "harness/harness.h"

#define ONE(suite, name)                                                                                               \
    TEST(suite, name) {                                                                                                \
    }

#include "harness/bench/many.h"
