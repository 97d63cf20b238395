/* Goal: the fixed root keeps the contract within its buffer, never leaves it, and gives the last block back. Method:
 * the contract's tables over a large buffer, scripted cases at the edges of small ones with guard bytes on both sides.
 */
#include "alloc/fixed.h"
#include "alloc/libc.h"
#include "alloc/pages.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <string.h>

TEST(fixed, keeps_the_contract, .tags = "slow") {
    struct cupel_fixed fixed;
    size_t capacity = (size_t)160 << 20; /* blocks that moved come back with the reset alone */
    void *memory = cupel_alloc(cupel_pages(), capacity, 8);
    STARVED(memory == NULL);
    struct cupel_allocator *f = cupel_fixed_init(&fixed, memory, capacity);
    check_contract(f, (struct contract_limits){2 << 20, 256});
    cupel_fixed_reset(&fixed);
    check_refusals(f);
    cupel_free(cupel_pages(), memory, capacity, 8);
}

TEST(fixed, fills_its_buffer_to_the_last_byte_and_no_further) {
    unsigned char memory[3][64];
    memset(memory, 0xee, sizeof memory);
    struct cupel_fixed fixed;
    struct cupel_allocator *f = cupel_fixed_init(&fixed, memory[1], 64);
    CHECK(cupel_alloc(f, 65, 1) == NULL);
    unsigned char *first = cupel_alloc_zeroed(f, 60, 1);
    REQUIRE_PTR_EQ(first, memory[1]);
    CHECK(cupel_alloc(f, 5, 1) == NULL);
    CHECK(cupel_alloc(f, 0, 64) == NULL || ((uintptr_t)&memory[1][60] & 63) == 0);
    unsigned char *second = cupel_alloc_zeroed(f, 4, 1);
    REQUIRE_PTR_EQ(second, first + 60);
    CHECK(cupel_alloc(f, 0, 1) == NULL);
    CHECK_UINT_EQ(fixed.used, 64);
    CHECK_INT_EQ(memory[0][63], 0xee);
    CHECK_INT_EQ(memory[2][0], 0xee);
}

/* 1 byte, 31 of padding, 32 of block: one byte more does not fit, whatever the padding alone would allow. */
TEST(fixed, the_padding_before_a_block_counts) {
    _Alignas(64) unsigned char memory[64];
    struct cupel_fixed fixed;
    struct cupel_allocator *f = cupel_fixed_init(&fixed, memory, sizeof memory);
    REQUIRE_PTR_EQ(cupel_alloc(f, 1, 1), memory);
    CHECK(cupel_alloc(f, 33, 32) == NULL);
    CHECK_UINT_EQ(fixed.used, 1);
    CHECK_PTR_EQ(cupel_alloc(f, 32, 32), memory + 32);
    CHECK_UINT_EQ(fixed.used, 64);
}

TEST(fixed, grows_and_gives_back_the_last_block_in_place) {
    _Alignas(16) unsigned char memory[128];
    struct cupel_fixed fixed;
    struct cupel_allocator *f = cupel_fixed_init(&fixed, memory, sizeof memory);
    unsigned char *first = cupel_alloc(f, 16, 16);
    unsigned char *last = cupel_alloc(f, 16, 16);
    REQUIRE(first != NULL && last != NULL);
    CHECK(!cupel_resize(f, first, 16, 16, 17)); /* not the last */
    CHECK(cupel_resize(f, last, 16, 16, 112));
    CHECK(!cupel_resize(f, last, 112, 16, 113));
    CHECK_UINT_EQ(fixed.used, 128);
    CHECK(cupel_resize(f, last, 112, 16, 8));
    CHECK_UINT_EQ(fixed.used, 24);
    CHECK_UINT_EQ(fixed.used_peak, 128);
    cupel_free(f, last, 8, 16);
    CHECK_UINT_EQ(fixed.used, 16);
    CHECK_PTR_EQ(cupel_realloc(f, first, 16, 16, 100), first); /* it is the last now */
    cupel_free(f, first, 100, 16);
    CHECK_UINT_EQ(fixed.used, 0);
}

TEST(fixed, a_request_over_the_capacity_changes_nothing) {
    _Alignas(16) unsigned char memory[64];
    struct cupel_fixed fixed;
    struct cupel_allocator *f = cupel_fixed_init(&fixed, memory, sizeof memory);
    char *first = cupel_alloc(f, 20, 1);
    char *last = cupel_alloc(f, 20, 1);
    REQUIRE(first != NULL && last != NULL);
    unsigned char contents[20];
    memset(contents, 0x31, sizeof contents);
    memcpy(first, contents, sizeof contents);
    CHECK(cupel_realloc(f, first, 20, 1, 25) == NULL);
    CHECK(cupel_realloc(f, last, 20, 1, 45) == NULL);
    CHECK_UINT_EQ(fixed.used, 40);
    CHECK_MEM_EQ(first, contents, sizeof contents);
    char *moved = cupel_realloc(f, first, 20, 1, 24);
    REQUIRE_PTR_EQ(moved, (char *)memory + 40);
    CHECK_MEM_EQ(moved, contents, sizeof contents);
    cupel_fixed_reset(&fixed);
    CHECK_PTR_EQ(cupel_alloc(f, 64, 1), memory);
}

TEST(fixed, an_empty_buffer_serves_nothing) {
    struct cupel_fixed fixed;
    struct cupel_allocator *f = cupel_fixed_init(&fixed, NULL, 0);
    CHECK(cupel_alloc(f, 0, 1) == NULL);
    CHECK(cupel_alloc(f, 1, 1) == NULL);
}
