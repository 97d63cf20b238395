/* A thousand trivial tests, for the benchmark of the runner. */
#include "harness/harness.h"

static const char rows[1000];

TEST(trivial, passes, TABLE(rows)) {
    CHECK_UINT_LT(test_row_index(), sizeof rows);
}
