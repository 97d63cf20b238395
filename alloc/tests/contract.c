/* The checks of contract.h: boundary sizes times alignments, each block filled with a pattern of its own. */
#include "alloc/tests/contract.h"

#include "harness/harness.h"

#include <string.h>

static const size_t sizes[] = {0,    1,    2,     7,     8,     9,      15,      16,      17,     24,
                               31,   32,   33,    63,    64,    65,     127,     128,     129,    255,
                               256,  1000, 1023,  1024,  1025,  4080,   4095,    4096,    4097,   8191,
                               8192, 8193, 65535, 65536, 65537, 131072, 1048575, 1048576, 1048577};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static unsigned char pattern_at(size_t seed, size_t i) {
    return (unsigned char)(seed * 31 + i * 7 + 1);
}

/* Ends are where allocators go wrong: large blocks are written and read there only. */
enum { EDGE = 256 };

/* The byte after this one among the first and the last EDGE of `size`. */
static size_t next_edge(size_t i, size_t size) {
    return i + 1 >= EDGE && i + 1 < size - (size < EDGE ? size : EDGE) ? size - EDGE : i + 1;
}

static void fill(unsigned char *block, size_t size, size_t seed) {
    for (size_t i = 0; i < size; i = next_edge(i, size)) {
        block[i] = pattern_at(seed, i);
    }
}

static void check_filled(const unsigned char *block, size_t filled, size_t kept, size_t seed) {
    for (size_t i = 0; i < kept; i = next_edge(i, filled)) {
        if (block[i] != pattern_at(seed, i)) {
            REQUIRE_FAIL("byte %zu of %zu was %u and is %u", i, filled, pattern_at(seed, i), block[i]);
        }
    }
}

/* All bytes are zero where the first is and each equals the next: memcmp is quick where a loop is not. */
static void check_zero(const unsigned char *block, size_t from, size_t to) {
    if (from < to && (block[from] != 0 || memcmp(block + from, block + from + 1, to - from - 1) != 0)) {
        REQUIRE_FAIL("bytes %zu to %zu of a zeroed block are not all zero", from, to);
    }
}

/* One block through its life: acquired zeroed, resized in place, moved to `new_size` with a zeroed tail. */
static void check_life(struct cupel_allocator *a, size_t size, size_t new_size, size_t align) {
    cupel_note("size %zu, new size %zu, alignment %zu", size, new_size, align);
    unsigned char *block = cupel_alloc_zeroed(a, size, align);
    STARVED(block == NULL);
    REQUIRE_UINT_EQ((uintptr_t)block % align, 0);
    check_zero(block, 0, size);
    size_t usable = cupel_usable(a, block, size, align);
    REQUIRE(usable >= size);
    for (size_t i = size; i < usable && i < size + EDGE; i++) {
        block[i] = 0xaa; /* allowed, and not to shine through a zeroed growth */
    }
    fill(block, size, size);
    unsigned char *moved = a->ops->remap(a, block, size, align, new_size, CUPEL_ZEROED, CUPEL_SITE());
    if (moved == NULL) {
        check_filled(block, size, size, size);
        cupel_free(a, block, size, align);
        STARVED(true);
    }
    REQUIRE_UINT_EQ((uintptr_t)moved % align, 0);
    check_filled(moved, size, size < new_size ? size : new_size, size);
    check_zero(moved, size < new_size ? size : new_size, new_size);
    fill(moved, new_size, new_size);
    if (cupel_resize(a, moved, new_size, align, size)) {
        check_filled(moved, new_size, size < new_size ? size : new_size, new_size);
        fill(moved, size, 3);
        cupel_free(a, moved, size, align);
    } else {
        check_filled(moved, new_size, new_size, new_size);
        cupel_free(a, moved, new_size, align);
    }
}

/* All sizes at once: no two blocks share a byte. */
static void check_apart(struct cupel_allocator *a, struct contract_limits limits) {
    unsigned char *blocks[SIZES] = {NULL};
    size_t total = 0;
    cupel_benign_begin();
    for (size_t i = 0; i < SIZES && sizes[i] <= limits.size_max / 2 - total; i++) {
        blocks[i] = cupel_alloc(a, sizes[i], 8);
        total += sizes[i] + 8;
        if (blocks[i] == NULL) { /* there may be room for so many only */
            break;
        }
        fill(blocks[i], sizes[i], i);
        for (size_t j = 0; j < i; j++) {
            CHECK_PTR_NE(blocks[i], blocks[j]);
        }
        if (total >= limits.size_max / 2) {
            break;
        }
    }
    cupel_benign_end();
    STARVED(blocks[0] == NULL);
    for (size_t i = 0; i < SIZES && blocks[i] != NULL; i++) {
        check_filled(blocks[i], sizes[i], sizes[i], i);
    }
    for (size_t i = SIZES; i-- > 0;) {
        cupel_free(a, blocks[i], sizes[i], 8);
    }
}

void check_contract(struct cupel_allocator *a, struct contract_limits limits) {
    for (size_t align = 1; align <= limits.align_max; align *= 2) {
        for (size_t i = 0; i < SIZES; i++) {
            size_t new_size = sizes[(i * 5 + 11) % SIZES];
            if (sizes[i] <= limits.size_max && new_size <= limits.size_max) {
                check_life(a, sizes[i], new_size, align);
            }
        }
    }
    check_apart(a, limits);
    void *block = cupel_realloc(a, NULL, 0, 16, 10); /* no block: an allocation */
    STARVED(block == NULL);
    cupel_free(a, block, 10, 16);
    cupel_free(a, NULL, 0, 1);
}

void check_refusals(struct cupel_allocator *a) {
    static const size_t aligns[] = {0, 3, 24, SIZE_MAX, CUPEL_ALIGN_MAX * 2};
    /* Half of a small address space may be had. */
    static const size_t too_large[] = {(size_t)PTRDIFF_MAX + (sizeof(void *) == 4), (size_t)PTRDIFF_MAX + 1,
                                       SIZE_MAX - 4096, SIZE_MAX};
    unsigned char *block = cupel_alloc(a, 33, 16);
    STARVED(block == NULL);
    fill(block, 33, 5);
    cupel_benign_begin(); /* nothing of this can be had */
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        CHECK(cupel_alloc(a, 8, aligns[i]) == NULL);
    }
    for (size_t i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
        CHECK(cupel_alloc(a, too_large[i], 1) == NULL);
        CHECK(cupel_alloc_zeroed(a, too_large[i], 64) == NULL);
        CHECK(cupel_realloc(a, block, 33, 16, too_large[i]) == NULL);
        CHECK(!cupel_resize(a, block, 33, 16, too_large[i]));
    }
    cupel_benign_end();
    check_filled(block, 33, 33, 5);
    cupel_free(a, block, 33, 16);
}
