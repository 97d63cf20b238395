/* Goal: the interface's entry points keep their contract over the libc root. Method: direct calls. */
#include "alloc/alloc.h"
#include "alloc/libc.h"
#include "harness/harness.h"

#include <string.h>

TEST(alloc, refuses_invalid_alignments) {
    CHECK(cupel_alloc(cupel_libc(), 8, 0) == NULL);
    CHECK(cupel_alloc(cupel_libc(), 8, 3) == NULL);
    CHECK(cupel_alloc(cupel_libc(), SIZE_MAX, 8) == NULL);
}

PROPERTY(alloc, remap_keeps_contents, .longest = 64) {
    size_t size = cupel_draw_size(bytes, "size", 0, 5000);
    size_t new_size = cupel_draw_size(bytes, "new size", 0, 5000);
    size_t align = (size_t)1 << cupel_draw_uint(bytes, "log2 of alignment", 0, 12);
    unsigned char *block = cupel_alloc(a, size, align);
    STARVED(block == NULL);
    memset(block, 0x5a, size);
    unsigned char *moved = cupel_realloc(a, block, size, align, new_size);
    if (moved == NULL) {
        cupel_free(a, block, size, align);
    }
    STARVED(moved == NULL);
    CHECK_UINT_EQ((uintptr_t)moved % align, 0);
    for (size_t i = 0; i < size && i < new_size; i++) {
        REQUIRE_INT_EQ(moved[i], 0x5a);
    }
    cupel_free(a, moved, new_size, align);
}
