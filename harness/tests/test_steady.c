/* Goal: the root of engine targets keeps the allocator's contract, and gives the same addresses after each reset.
 * Method: the same drawn operations twice, with whatever else malloc does between them; the edges by hand. */
#include "harness/harness.h"
#include "harness/src/steady.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 12 };

struct slot {
    unsigned char *block;
    size_t size;
    size_t align;
};

static void check_contents(const struct slot *slot, size_t length) {
    for (size_t i = 0; i < length; i++) {
        REQUIRE_UINT_EQ(slot->block[i], (unsigned char)slot->align);
    }
}

static void change(struct slot *slot, struct cupel_bytes *bytes) {
    struct cupel_allocator *root = cupel__steady();
    size_t size = cupel_draw_size(bytes, "size", 0, 5000);
    if (slot->block == NULL) {
        slot->align = (size_t)1 << cupel_draw_uint(bytes, "log2 of alignment", 0, 12);
        slot->block = cupel_alloc(root, size, slot->align);
    } else if (cupel_draw_bool(bytes, "release")) {
        check_contents(slot, slot->size);
        cupel_free(root, slot->block, slot->size, slot->align);
        *slot = (struct slot){0};
        return;
    } else if (cupel_draw_bool(bytes, "in place")) {
        size = cupel_resize(root, slot->block, slot->size, slot->align, size) ? size : slot->size;
        check_contents(slot, size < slot->size ? size : slot->size);
    } else {
        slot->block = cupel_realloc(root, slot->block, slot->size, slot->align, size);
        REQUIRE(slot->block != NULL);
        check_contents(slot, size < slot->size ? size : slot->size);
    }
    REQUIRE(slot->block != NULL);
    CHECK_UINT_EQ((uintptr_t)slot->block % slot->align, 0);
    CHECK_UINT_GE(cupel_usable(root, slot->block, size, slot->align), size);
    slot->size = size;
    memset(slot->block, (int)slot->align, size);
}

/* The sum of all addresses, each turned by its place, so that order counts. */
static uint64_t run(struct cupel_bytes bytes) {
    struct slot slots[SLOTS] = {{0}};
    uint64_t sum = 0;
    cupel__steady_reset();
    while (cupel_draw_more(&bytes, "operation")) {
        struct slot *slot = &slots[cupel_draw_uint(&bytes, "slot", 0, SLOTS - 1)];
        change(slot, &bytes);
        sum = sum * 31 + (uintptr_t)slot->block;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        check_contents(&slots[i], slots[i].block == NULL ? 0 : slots[i].size);
    }
    return sum;
}

PROPERTY(steady, same_addresses_from_same_operations, .longest = 512) {
    uint64_t first = run(*bytes);
    void *between = cupel_alloc(a, 100, 8);
    uint64_t second = run(*bytes);
    cupel_free(a, between, 100, 8);
    STARVED(between == NULL);
    CHECK_UINT_EQ(second, first);
}

TEST(steady, what_does_not_fit_comes_from_the_c_library) {
    struct cupel_allocator *root = cupel__steady();
    cupel__steady_reset();
    char *inside = cupel_alloc(root, 100, 8);
    size_t size = (size_t)300 << 20;
    char *outside = cupel_alloc(root, size, 64);
    REQUIRE(inside != NULL);
    STARVED(outside == NULL);
    CHECK_UINT_EQ((uintptr_t)outside % 64, 0);
    outside[size - 1] = 1;
    CHECK(!cupel_resize(root, inside, 100, 8, size));
    char *smaller = cupel_realloc(root, outside, size, 64, 10);
    cupel_free(root, smaller == NULL ? outside : smaller, smaller == NULL ? size : 10, 64);
    STARVED(smaller == NULL);
    cupel_benign_begin(); /* nothing of this can be had */
    CHECK(cupel_alloc(root, SIZE_MAX, 1) == NULL);
    CHECK(cupel_alloc(root, SIZE_MAX - 8, 16) == NULL);
    cupel_benign_end();
    cupel__steady_reset();
    CHECK_PTR_EQ(cupel_alloc(root, 100, 8), inside);
    cupel__steady_reset();
}

TEST(steady, zeroed_means_zero_where_an_input_wrote_before, .tags = "slow") {
    struct cupel_allocator *root = cupel__steady();
    cupel__steady_reset();
    unsigned char *dirt = cupel_alloc(root, 9 << 20, 16);
    REQUIRE(dirt != NULL);
    memset(dirt, 0xff, 9 << 20);
    cupel__steady_reset();
    unsigned char *block = cupel_alloc_zeroed(root, 100, 16);
    REQUIRE(block == dirt);
    block = root->ops->remap(root, block, 100, 16, 1000, CUPEL_ZEROED, CUPEL_SITE());
    REQUIRE(block != NULL);
    for (size_t i = 0; i < 1000; i++) {
        REQUIRE_INT_EQ(block[i], 0);
    }
    cupel__steady_reset();
}
