/* Goal: what engine targets allocate from gives and takes like what is below it, and its sum is zero exactly where all
 * went back. Method: each operation over both roots, with the sum looked at after each. */
#include "alloc/libc.h"
#include "harness/harness.h"
#include "harness/src/meter.h"

#include <string.h>

static struct cupel_allocator *root_of_row(void) {
    return test_row_index() == 0 ? NULL : cupel_libc();
}

/* Over malloc itself, and over a root. */
static const char *const roots[] = {"malloc", "a root"};

TEST(meter, balances_where_all_went_back, TABLE(roots)) {
    static const size_t sizes[] = {0, 1, 24, 5000};
    static const size_t aligns[] = {1, 8, 16, 64, 4096};
    struct cupel__meter meter;
    struct cupel_allocator *a = cupel__meter_init(&meter, root_of_row());
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof aligns / sizeof aligns[0]; j++) {
            unsigned char *block = cupel_alloc_zeroed(a, sizes[i], aligns[j]);
            STARVED(block == NULL);
            CHECK_UINT_EQ((uintptr_t)block % aligns[j], 0);
            CHECK(!cupel__meter_is_balanced(&meter));
            for (size_t at = 0; at < sizes[i]; at++) {
                REQUIRE_UINT_EQ(block[at], 0);
            }
            CHECK(cupel_usable(a, block, sizes[i], aligns[j]) >= sizes[i]);
            cupel_free(a, block, sizes[i], aligns[j]);
            CHECK(cupel__meter_is_balanced(&meter));
        }
    }
}

TEST(meter, follows_a_block_that_moves, TABLE(roots)) {
    struct cupel__meter meter;
    struct cupel_allocator *a = cupel__meter_init(&meter, root_of_row());
    char *block = cupel_alloc(a, 10, 8);
    STARVED(block == NULL);
    memcpy(block, "123456789", 10);
    CHECK(cupel_resize(a, block, 10, 8, 9));
    char *moved = cupel_realloc(a, block, 9, 8, 1 << 20);
    if (moved == NULL) {
        cupel_free(a, block, 9, 8);
    }
    STARVED(moved == NULL);
    CHECK_MEM_EQ(moved, "123456789", 9);
    cupel_free(a, moved, 1 << 20, 8);
    CHECK(cupel__meter_is_balanced(&meter));
}

TEST(meter, refuses_what_cannot_be, TABLE(roots)) {
    struct cupel__meter meter;
    struct cupel_allocator *a = cupel__meter_init(&meter, root_of_row());
    CHECK_PTR_EQ(cupel_alloc(a, SIZE_MAX, 8), NULL);
    CHECK_PTR_EQ(cupel_alloc(a, (size_t)PTRDIFF_MAX + 1, 64), NULL);
    CHECK(cupel__meter_is_balanced(&meter));
}
