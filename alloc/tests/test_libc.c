/* Goal: the libc root keeps the contract and resizes in place exactly where it says. Method: the contract's tables, and
 * blocks whose usable size malloc tells. */
#include "alloc/libc.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <malloc.h>

TEST(libc, keeps_the_contract, .tags = "slow") {
    check_contract(cupel_libc(), (struct contract_limits){2 << 20, 65536});
}

TEST(libc, refuses_what_is_invalid, .no_sweep = "it asks for what nobody has") {
    check_refusals(cupel_libc());
}

TEST(libc, resizes_in_place_within_the_usable_size) {
    static const size_t aligns[] = {1, 16, 64, 4096};
    for (size_t i = 0; i < 4; i++) {
        unsigned char *block = cupel_alloc(cupel_libc(), 25, aligns[i]);
        STARVED(block == NULL);
        size_t usable = cupel_usable(cupel_libc(), block, 25, aligns[i]);
        CHECK_UINT_EQ(usable, malloc_usable_size(block));
        CHECK(cupel_resize(cupel_libc(), block, 25, aligns[i], usable));
        CHECK(!cupel_resize(cupel_libc(), block, usable, aligns[i], usable + 1));
        CHECK(cupel_resize(cupel_libc(), block, usable, aligns[i], 0));
        CHECK(cupel_resize(cupel_libc(), block, 0, aligns[i], 25));
        CHECK(!cupel_resize(cupel_libc(), block, 25, 3, 20));
        cupel_free(cupel_libc(), block, 25, aligns[i]);
    }
}
