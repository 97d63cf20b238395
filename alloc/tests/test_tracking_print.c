/* Goal: what a tracking layer prints is grouped and ordered in one way, counts one and many in their own words, and
 * does without memory. Method: blocks whose records are given stacks by hand, printed into a text. */
#include "alloc/fixed.h"
#include "alloc/libc.h"
#include "alloc/tracking.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONCE .no_sweep = "it counts what it was given", .tags = "slow"

static char text[65536];
static struct cupel_tracking tracking;

static uint64_t print_into_text(uint64_t (*print)(const struct cupel_tracking *, FILE *)) {
    FILE *out = fmemopen(text, sizeof text, "w");
    REQUIRE(out != NULL);
    uint64_t count = print(&tracking, out);
    (void)fclose(out);
    return count;
}

/* A block of that size whose stack is that one frame, or with `more` two. */
static void *make_block(struct cupel_allocator *t, size_t size, uintptr_t frame, bool has_more) {
    void *base = cupel_alloc(t, size, 8);
    REQUIRE(base != NULL);
    struct cupel_block *record = cupel_index_at(&tracking.index, base);
    REQUIRE(record != NULL);
    record->frames[0] = (const void *)frame;
    record->frames[1] = (const void *)16;
    record->frame_count = has_more ? 2 : 1;
    return base;
}

TEST(tracking_print, one_is_not_many, ONCE) {
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_libc());
    CHECK_UINT_EQ(print_into_text(cupel_tracking_print), 0);
    CHECK_STR_EQ(text, "0 live blocks, 0 bytes\n");
    void *block = make_block(t, 1, 32, false);
    CHECK_UINT_EQ(print_into_text(cupel_tracking_print), 1);
    CHECK_STR_EQ(text, "1 live block, 1 byte\n1 byte in 1 block, the first is number 1, acquired at\n    #0 0x20\n");
    cupel_free(t, block, 1, 8);
    cupel_tracking_deinit(&tracking);
}

enum { GROUPS = 60 };

/* By bytes, then by blocks, then by age; whatever slots of the table the groups fall into. */
TEST(tracking_print, groups_come_in_one_order, ONCE) {
    static const char *wanted[] = {
        "\n900 bytes in 1 block, the first is number 61, acquired at\n    #0 0x10\n",
        "\n48 bytes in 3 blocks, the first is number 62, acquired at\n    #0 0x8000\n",
        "\n48 bytes in 1 block, the first is number 65, acquired at\n    #0 0x9000\n",
        "\n16 bytes in 1 block, the first is number 1, acquired at\n    #0 0x1000\n",
        "\n16 bytes in 1 block, the first is number 2, acquired at\n    #0 0x1010\n    #1 0x10\n",
        "\n16 bytes in 1 block, the first is number 60, acquired at\n    #0 0x13b0\n"};
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_libc());
    void *blocks[GROUPS + 5];
    size_t sizes[GROUPS + 5];
    for (unsigned i = 0; i < GROUPS + 5; i++) {
        sizes[i] = i == GROUPS ? 900 : i == GROUPS + 4 ? 48 : 16;
        uintptr_t frame = i < GROUPS        ? 0x1000 + 16 * (uintptr_t)i
                          : i == GROUPS     ? 16
                          : i == GROUPS + 4 ? 0x9000
                                            : 0x8000;
        blocks[i] = make_block(t, sizes[i], frame, i % 2 == 1 && i < GROUPS - 1);
    }
    CHECK_UINT_EQ(print_into_text(cupel_tracking_print), GROUPS + 5);
    CHECK_STR_CONTAINS(text, "65 live blocks, 1956 bytes\n");
    const char *at = text;
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *found = strstr(at, wanted[i]);
        if (found == NULL) {
            REQUIRE_FAIL("'%s' does not come behind the one before in\n%s", wanted[i], text);
        }
        at = found;
    }
    for (unsigned i = 0; i < GROUPS + 5; i++) {
        cupel_free(t, blocks[i], sizes[i], 8);
    }
    cupel_tracking_deinit(&tracking);
}

TEST(tracking_print, without_memory_nothing_is_grouped, ONCE) {
    static _Alignas(16) char memory[64];
    struct cupel_fixed fixed;
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_libc());
    void *block = make_block(t, 10, 32, false);
    struct cupel_allocator *own = tracking.index.memory;
    tracking.index.memory = cupel_fixed_init(&fixed, memory, sizeof memory);
    CHECK_UINT_EQ(print_into_text(cupel_tracking_print), 1);
    CHECK_STR_EQ(text, "1 live block, 10 bytes\n(no memory to group them)\n");
    tracking.index.memory = own;
    cupel_free(t, block, 10, 8);
    cupel_tracking_deinit(&tracking);
}

TEST(tracking_print, the_first_refusals_are_told_and_the_rest_counted, ONCE) {
    struct cupel_allocator *t = cupel_tracking_init(&tracking, cupel_libc());
    char *block = make_block(t, 10, 32, false);
    cupel_free(t, block, 1, 8);
    cupel_free(t, block + 1, 1, 8);
    for (unsigned i = 0; i < CUPEL_TRACKING_REFUSALS; i++) {
        cupel_free(t, block, 11, 8);
    }
    CHECK_UINT_EQ(print_into_text(cupel_tracking_print_findings), CUPEL_TRACKING_REFUSALS + 2);
    CHECK_STR_CONTAINS(text, "released with 1 byte, acquired with 10\n");
    CHECK_STR_CONTAINS(text, " with 1 byte, where no live block begins\n");
    CHECK_STR_CONTAINS(text, "released with 11 bytes, acquired with 10\n");
    CHECK_STR_CONTAINS(text, "and 2 refused requests more\n");
    cupel_free(t, block, 10, 8);
    cupel_tracking_deinit(&tracking);
}
