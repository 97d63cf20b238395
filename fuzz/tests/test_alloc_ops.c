/* Goal: the operations fuzzer passes sound allocators and catches each kind of broken one. Method: random bytes over
 * glibc's malloc, and over roots with one planted defect each. */
#include "alloc/libc.h"
#include "fuzz/alloc_ops.h"
#include "fuzz/foreign.h"
#include "harness/harness.h"

#include <stdio.h>
#include <string.h>

/* A root with a defect. Its blocks lie in slots of its own, each with room for any block and what a defect writes
 * behind it, so that nothing else of the process is ever damaged. */
enum defect {
    SOUND,
    MISALIGNS,
    OVERLAPS,
    LOSES_ON_MOVE,
    FORGETS_ZEROES,
    GRANTS_TOO_MUCH,
    TAKES_BAD_ALIGNMENT,
    FREES_ON_FAILED_MOVE,
    FAILS_SOMETIMES,
    USES_MORE_THAN_USABLE,
    SPOILS_NEIGHBOUR,
};

enum { SLOT_COUNT = CUPEL_OPS_LIVE_MAX + 16, SLOT_BYTES = 1 << 17, SLOT_ALIGN_MAX = 1 << 16, BLOCK_MAX = 1 << 15 };

static unsigned char slot_memory[(SLOT_COUNT + 1) * SLOT_BYTES];
static bool is_slot_taken[SLOT_COUNT];

/* The first slot, aligned by hand: valgrind loads programs without regard to the alignment that their segments ask for.
 */
static unsigned char *slots(void) {
    return slot_memory + (-(uintptr_t)slot_memory & (SLOT_ALIGN_MAX - 1));
}

static void *take_slot(size_t size, size_t align, unsigned flags) {
    if (size > BLOCK_MAX || align > SLOT_ALIGN_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (!is_slot_taken[i]) {
            is_slot_taken[i] = true;
            unsigned char *block = slots() + i * SLOT_BYTES + align % SLOT_ALIGN_MAX;
            if ((flags & CUPEL_ZEROED) != 0) {
                memset(block, 0, size);
            }
            return block;
        }
    }
    return NULL;
}

struct defective {
    struct cupel_allocator base;
    enum defect defect;
    unsigned calls;
    unsigned char *last;
};

static bool strikes(struct cupel_allocator *allocator, enum defect defect) {
    struct defective *self = (struct defective *)(void *)allocator;
    return self->defect == defect && ++self->calls % 7 == 0;
}

static unsigned char scratch[1 << 20];

static void *defective_acquire(struct cupel_allocator *allocator, size_t size, size_t align, unsigned flags,
                               const void *site) {
    struct defective *self = (struct defective *)(void *)allocator;
    (void)site;
    if (strikes(allocator, FAILS_SOMETIMES)) {
        return NULL;
    }
    if (size > PTRDIFF_MAX - 65536) {
        return strikes(allocator, GRANTS_TOO_MUCH) ? scratch : NULL;
    }
    if ((align & (align - 1)) != 0 || align == 0) {
        return strikes(allocator, TAKES_BAD_ALIGNMENT) ? scratch : NULL;
    }
    unsigned char *block = take_slot(size, align, flags);
    if (block == NULL) {
        return NULL;
    }
    if (align > 1 && strikes(allocator, MISALIGNS)) {
        return block + 1; /* found before it is ever released */
    }
    if ((flags & CUPEL_ZEROED) != 0 && size > 0 && strikes(allocator, FORGETS_ZEROES)) {
        block[size - 1] = 1;
    }
    if (self->last != NULL && align == 1 && strikes(allocator, OVERLAPS)) {
        return self->last;
    }
    if (self->last != NULL && strikes(allocator, SPOILS_NEIGHBOUR)) {
        self->last[0] ^= 0xff;
    }
    self->last = size > 0 ? block : NULL;
    return block;
}

static void defective_release(struct cupel_allocator *allocator, void *block, size_t size, size_t align,
                              const void *site) {
    struct defective *self = (struct defective *)(void *)allocator;
    (void)size;
    (void)align;
    (void)site;
    self->last = self->last == block ? NULL : self->last;
    is_slot_taken[((uintptr_t)block - (uintptr_t)slots()) / SLOT_BYTES] = false;
}

static void *defective_remap(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size,
                             unsigned flags, const void *site) {
    if (new_size > PTRDIFF_MAX - 65536) {
        if (size > 0 && strikes(allocator, FREES_ON_FAILED_MOVE)) {
            memset(block, 0, size);
        }
        return NULL;
    }
    unsigned char *moved = defective_acquire(allocator, new_size, align, flags, site);
    if (moved != NULL) {
        size_t kept = size < new_size ? size : new_size;
        memcpy(moved, block, kept - (kept > 0 && strikes(allocator, LOSES_ON_MOVE)));
        defective_release(allocator, block, size, align, site);
    }
    return moved;
}

static bool defective_resize(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size,
                             const void *site) {
    (void)allocator;
    (void)block;
    (void)size;
    (void)align;
    (void)new_size;
    (void)site;
    return false;
}

static size_t defective_usable(struct cupel_allocator *allocator, const void *block, size_t size, size_t align) {
    (void)block;
    (void)align;
    return size - (size > 0 && strikes(allocator, USES_MORE_THAN_USABLE));
}

static const struct cupel_allocator_ops defective_ops = {"defective",     defective_acquire, defective_resize,
                                                         defective_remap, defective_release, defective_usable};

/* One long run over random bytes. */
static enum cupel_ops_verdict run(struct cupel_ops_setup *setup, uint32_t seed, struct cupel_ops_report *report) {
    uint8_t data[4096];
    memset(is_slot_taken, 0, sizeof is_slot_taken);
    for (size_t i = 0; i < sizeof data; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, data, sizeof data);
    return cupel_alloc_ops(&bytes, setup, report);
}

TEST(ops, pass_a_sound_allocator, .tags = "slow") {
    struct defective sound = {{&defective_ops}, SOUND, 0, NULL};
    uint64_t operations = 0;
    uint64_t succeeded = 0;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct cupel_ops_setup setup = {.allocator = &sound.base};
        struct cupel_ops_report report;
        enum cupel_ops_verdict verdict = run(&setup, seed, &report);
        cupel_note("seed %u, operation %u: %s", seed, report.error.column, report.error.text);
        REQUIRE_INT_EQ(verdict, CUPEL_OPS_OK);
        operations += report.operations;
        succeeded += report.succeeded;
    }
    CHECK_UINT_GT(operations, 1000);
    CHECK_UINT_GT(succeeded, 500);
}

struct expectation {
    enum defect defect;
    const char *text;
    enum cupel_ops_verdict verdict;
};

static const struct expectation expectations[] = {
    {MISALIGNS, "is not aligned to", CUPEL_OPS_BROKEN},
    {OVERLAPS, "overlaps the live block", CUPEL_OPS_BROKEN},
    {LOSES_ON_MOVE, "lost contents", CUPEL_OPS_BROKEN},
    {FORGETS_ZEROES, "not all zero", CUPEL_OPS_BROKEN},
    {GRANTS_TOO_MUCH, "was granted", CUPEL_OPS_BROKEN},
    {TAKES_BAD_ALIGNMENT, "was accepted", CUPEL_OPS_BROKEN},
    {FREES_ON_FAILED_MOVE, "that failed changed the block", CUPEL_OPS_BROKEN},
    {FAILS_SOMETIMES, "nothing said it should", CUPEL_OPS_STARVED},
    {USES_MORE_THAN_USABLE, "are usable", CUPEL_OPS_BROKEN},
    {SPOILS_NEIGHBOUR, "contents", CUPEL_OPS_BROKEN},
};

TEST(ops, catch_each_planted_defect, .tags = "slow") {
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *expected = &expectations[i];
        struct defective broken = {{&defective_ops}, expected->defect, 0, NULL};
        struct cupel_ops_setup setup = {.allocator = &broken.base};
        struct cupel_ops_report report = {.operations = 0};
        enum cupel_ops_verdict verdict = CUPEL_OPS_OK;
        for (uint32_t seed = 1; seed <= 50 && verdict == CUPEL_OPS_OK; seed++) {
            broken.last = NULL;
            verdict = run(&setup, seed, &report);
        }
        cupel_note("defect %d: operation %u: %s", (int)expected->defect, report.error.column, report.error.text);
        CHECK_INT_EQ(verdict, expected->verdict);
        CHECK_STR_CONTAINS(report.error.text, expected->text);
    }
}

/* Totals that are wrong must be noticed, so counts that nobody keeps are. */
TEST(ops, compare_the_totals_of_counting) {
    struct cupel_counts never_counted = {.acquired = 0};
    struct defective sound = {{&defective_ops}, SOUND, 0, NULL};
    struct cupel_ops_setup setup = {.allocator = &sound.base, .counts = &never_counted};
    struct cupel_ops_report report;
    CHECK_INT_EQ(run(&setup, 1, &report), CUPEL_OPS_BROKEN);
    CHECK_STR_CONTAINS(report.error.text, "counted 0 blocks");
}

TEST(ops, give_the_same_end_for_the_same_bytes, .no_sweep = "it compares two runs, of which a fault strikes one") {
    struct cupel_ops_report first;
    struct cupel_ops_report second;
    struct cupel_ops_setup setup = {.allocator = cupel_libc()};
    CHECK_INT_EQ(run(&setup, 7, &first), run(&setup, 7, &second));
    CHECK_UINT_EQ(first.operations, second.operations);
    CHECK_UINT_EQ(first.succeeded, second.succeeded);
    CHECK_UINT_EQ(first.live_peak, second.live_peak);
}

TEST(foreign, runs_the_c_librarys_own_malloc, .tags = "slow") {
    struct cupel_foreign foreign;
    struct cupel_error error;
    struct cupel_allocator *libc = cupel_foreign_init(&foreign, "libc.so.6", &error);
    if (libc == NULL) {
        cupel_test_skip(error.text);
    }
    for (uint32_t seed = 1; seed <= 10; seed++) {
        struct cupel_ops_setup setup = {.allocator = libc, .is_malloc = true};
        struct cupel_ops_report report;
        enum cupel_ops_verdict verdict = run(&setup, seed, &report);
        cupel_note("seed %u, operation %u: %s", seed, report.error.column, report.error.text);
        REQUIRE_INT_EQ(verdict, CUPEL_OPS_OK);
    }
    CHECK_UINT_EQ(foreign.errno_findings, 0);
    cupel_foreign_deinit(&foreign);
}

TEST(foreign, says_why_a_library_is_no_malloc, .tags = "slow") {
    struct cupel_foreign foreign;
    struct cupel_error error;
    CHECK(cupel_foreign_init(&foreign, "/nonexistent/libnothing.so", &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "/nonexistent/libnothing.so");
    CHECK(cupel_foreign_init(&foreign, "libm.so.6", &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "defines no malloc");
}
