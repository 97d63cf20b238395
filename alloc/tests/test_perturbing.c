/* Goal: the perturbing layer keeps the contract whatever it varies, and varies what it says. Method: the contract's
 * tables over every placement, one test a law of placement and of filling, and random requests against a model that
 * knows where every block stands and what is in it. */
#include "alloc/base/poison.h"
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/layers.h"
#include "alloc/libc.h"
#include "alloc/perturbing.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <stdlib.h>
#include <string.h>

static const char *const every_option[] = {
    "",
    "fresh:0xff,freed:0xa5",
    "placement:reused",
    "placement:never",
    "placement:adjacent",
    "placement:misaligned",
    "fresh:0,placement:reused",
    "fresh:0xa5,freed:0x5a,placement:adjacent",
    "fresh:1,freed:2,placement:misaligned",
    "fresh:1,freed:2,placement:never",
};

static struct cupel_perturbing_options options_of(const char *text) {
    struct cupel_perturbing_options options;
    struct cupel_error error = {.text = ""};
    if (!cupel_perturbing_parse(&options, text, &error)) {
        REQUIRE_FAIL("'%s': %s", text, error.text);
    }
    return options;
}

static struct cupel_perturbing contracted;

static void take_contracted_down(void) {
    cupel_perturbing_deinit(&contracted);
}

TEST(perturbing, keeps_the_contract, TABLE(every_option), .teardown = take_contracted_down, .tags = "slow") {
    const char *text = *(const char *const *)test_row();
    struct cupel_perturbing_options options = options_of(text);
    struct cupel_allocator *a = cupel_perturbing_init(&contracted, test_allocator(), &options);
    cupel_benign_begin(); /* what is held back stands in for what is refused */
    check_contract(a, (struct contract_limits){.size_max = 1 << 20, .align_max = 65536});
    check_refusals(a);
    cupel_benign_end();
}

/* What stands in memory that nobody wrote may not be read where a tool watches. */
static bool may_peek(void) {
#ifdef CUPEL__MSAN
    return false;
#else
    return !CUPEL__HAS_ASAN && !cupel__is_watched();
#endif
}

static void check_bytes(const unsigned char *start, size_t size, unsigned char value) {
    for (size_t i = 0; i < size; i++) {
        if (start[i] != value) {
            REQUIRE_FAIL("byte %zu of %zu is 0x%02x, not 0x%02x", i, size, start[i], value);
        }
    }
}

TEST(perturbing, fills_fresh_memory_that_was_not_asked_for_zeroed) {
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("fresh:0xc3");
    struct cupel_allocator *a = cupel_perturbing_init(&layer, test_allocator(), &options);
    unsigned char *block = cupel_alloc(a, 100, 8);
    unsigned char *zeroed = cupel_alloc_zeroed(a, 100, 8);
    if (block == NULL || zeroed == NULL) {
        cupel_free(a, block, 100, 8);
        cupel_free(a, zeroed, 100, 8);
    }
    STARVED(block == NULL || zeroed == NULL);
    check_bytes(zeroed, 100, 0);
    if (may_peek()) {
        check_bytes(block, 100, 0xc3);
    }
    memset(block, 1, 100);
    unsigned char *grown = cupel_realloc(a, block, 100, 8, 5000);
    if (grown != NULL) {
        check_bytes(grown, 100, 1);
        if (may_peek()) {
            check_bytes(grown + 100, 4900, 0xc3);
        }
    }
    cupel_free(a, grown == NULL ? block : grown, grown == NULL ? 100 : 5000, 8);
    cupel_free(a, zeroed, 100, 8);
    cupel_perturbing_deinit(&layer);
    STARVED(grown == NULL);
}

/* A root that shows what stands in its memory after it was released. */
TEST(perturbing, fills_memory_before_it_is_released) {
    static _Alignas(16) unsigned char memory[1024];
    struct cupel_fixed fixed;
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("freed:0x3c");
    struct cupel_allocator *a =
        cupel_perturbing_init(&layer, cupel_fixed_init(&fixed, memory, sizeof memory), &options);
    unsigned char *block = cupel_alloc(a, 64, 8);
    REQUIRE(block != NULL);
    memset(block, 1, 64);
    unsigned char *moved = cupel_realloc(a, block, 64, 8, 128);
    REQUIRE(moved != NULL && moved != block);
    check_bytes(moved, 64, 1);
    if (may_peek()) {
        check_bytes(block, 64, 0x3c);
    }
    cupel_free(a, moved, 128, 8);
    if (may_peek()) {
        check_bytes(moved, 128, 0x3c);
    }
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, reuses_the_newest_block_of_a_size_at_once) {
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("placement:reused");
    struct cupel_allocator *a = cupel_perturbing_init(&layer, cupel_libc(), &options);
    void *first = cupel_alloc(a, 3000, 16);
    void *second = cupel_alloc(a, 3000, 16);
    cupel_free(a, first, 3000, 16);
    cupel_free(a, second, 3000, 16);
    if (first == NULL || second == NULL) {
        cupel_perturbing_deinit(&layer);
    }
    STARVED(first == NULL || second == NULL);
    void *third = cupel_alloc(a, 2990, 16); /* of the same 64 bytes */
    void *fourth = cupel_alloc(a, 3000, 16);
    CHECK_PTR_EQ(third, second);
    CHECK_PTR_EQ(fourth, first);
    cupel_free(a, third, 2990, 16);
    cupel_free(a, fourth, 3000, 16);
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, never_reuses_an_address, .tags = "slow", .no_sweep = "it does where it is refused more") {
    enum { COUNT = 300 };
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("placement:never");
    struct cupel_allocator *a = cupel_perturbing_init(&layer, cupel_libc(), &options);
    uintptr_t seen[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        void *block = cupel_alloc(a, 40, 16);
        REQUIRE(block != NULL);
        seen[i] = (uintptr_t)block;
        for (unsigned j = 0; j < i; j++) {
            REQUIRE(seen[j] != seen[i]);
        }
        cupel_free(a, block, 40, 16);
    }
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, leaves_nothing_between_adjacent_blocks) {
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("placement:adjacent");
    struct cupel_allocator *a = cupel_perturbing_init(&layer, cupel_libc(), &options);
    char *first = cupel_alloc(a, 32, 16);
    char *second = cupel_alloc(a, 5, 1);
    char *third = cupel_alloc(a, 7, 1);
    if (first == NULL || second == NULL || third == NULL) {
        cupel_free(a, first, 32, 16);
        cupel_free(a, second, 5, 1);
        cupel_free(a, third, 7, 1);
        cupel_perturbing_deinit(&layer);
    }
    STARVED(first == NULL || second == NULL || third == NULL);
    CHECK_PTR_EQ(second, first + 32);
    CHECK_PTR_EQ(third, second + 5);
    CHECK(!cupel_resize(a, second, 5, 1, 6)); /* the neighbour stands there */
    CHECK(cupel_resize(a, third, 7, 1, 9));
    char *fourth = cupel_alloc(a, 1, 1);
    CHECK_PTR_EQ(fourth, third + 9);
    cupel_free(a, first, 32, 16);
    cupel_free(a, second, 5, 1);
    cupel_free(a, third, 9, 1);
    cupel_free(a, fourth, 1, 1);
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, aligns_to_what_is_asked_for_and_no_more) {
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("placement:misaligned");
    struct cupel_allocator *a = cupel_perturbing_init(&layer, cupel_libc(), &options);
    for (size_t align = 1; align <= 4096; align *= 2) {
        void *block = cupel_alloc(a, 24, align);
        if (block == NULL) {
            cupel_perturbing_deinit(&layer);
        }
        STARVED(block == NULL);
        CHECK_UINT_EQ((uintptr_t)block % (2 * align), align);
        cupel_free(a, block, 24, align);
    }
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, a_block_may_outlive_its_layer) {
    static const char *const specs[] = {"", "placement:reused", "placement:never", "placement:adjacent",
                                        "placement:misaligned"};
    struct cupel_counting counting;
    struct cupel_allocator *below = cupel_counting_init(&counting, cupel_libc());
    for (unsigned i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct cupel_perturbing layer;
        struct cupel_perturbing_options options = options_of(specs[i]);
        struct cupel_allocator *a = cupel_perturbing_init(&layer, below, &options);
        void *small = cupel_alloc(a, 40, 16);
        void *large = cupel_alloc(a, 70000, 16);
        bool is_starved = small == NULL || large == NULL;
        if (is_starved) {
            cupel_free(a, small, 40, 16);
            cupel_free(a, large, 70000, 16);
        }
        cupel_perturbing_deinit(&layer);
        STARVED(is_starved);
        memset(small, 1, 40);
        memset(large, 1, 70000);
        cupel_perturbing_release_late(options.placement, below, small, 40, 16);
        cupel_perturbing_release_late(options.placement, below, large, 70000, 16);
        CHECK(cupel_counts_are_balanced(&counting.counts));
    }
}

TEST(perturbing, gives_back_what_it_holds_before_it_refuses) {
    static _Alignas(16) unsigned char memory[4096];
    struct cupel_fixed fixed;
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = options_of("placement:never");
    struct cupel_allocator *a =
        cupel_perturbing_init(&layer, cupel_fixed_init(&fixed, memory, sizeof memory), &options);
    for (unsigned i = 0; i < 10; i++) {
        void *block = cupel_alloc(a, 3000, 16); /* there is room for one */
        REQUIRE(block != NULL);
        cupel_free(a, block, 3000, 16);
    }
    cupel_perturbing_deinit(&layer);
}

TEST(perturbing, takes_the_same_from_the_same_seed_and_all_from_many) {
    bool has_placement[CUPEL_PLACEMENT_COUNT] = {false};
    bool has_fresh[2] = {false};
    bool has_freed[2] = {false};
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct cupel_perturbing_options options = cupel_perturbing_choose(seed);
        struct cupel_perturbing_options again = cupel_perturbing_choose(seed);
        CHECK_MEM_EQ(&options, &again, sizeof options);
        has_placement[options.placement] = true;
        has_fresh[options.fills_fresh] = true;
        has_freed[options.fills_freed] = true;
        char text[128];
        CHECK_INT_LT(cupel_perturbing_format(&options, text, sizeof text), (int)sizeof text);
        again = options_of(text);
        CHECK_MEM_EQ(&options, &again, sizeof options);
        (void)snprintf(text, sizeof text, "seed:%u", (unsigned)seed);
        again = options_of(text);
        CHECK_MEM_EQ(&options, &again, sizeof options);
    }
    for (unsigned i = 0; i < CUPEL_PLACEMENT_COUNT; i++) {
        CHECK(has_placement[i]);
    }
    CHECK(has_fresh[0] && has_fresh[1] && has_freed[0] && has_freed[1]);
}

/* A block as the model knows it: its contents are pattern_of(seed, i). */
struct model_block {
    unsigned char *block;
    size_t size, align;
    unsigned seed;
};

enum { MODEL_MAX = 48, GONE_MAX = 512 };

struct model {
    struct cupel_allocator *a;
    enum cupel_placement placement;
    struct model_block live[MODEL_MAX];
    size_t live_count;
    uintptr_t gone[GONE_MAX]; /* every address that was handed out, for `never` */
    size_t gone_count;
    unsigned serial;
};

static unsigned char pattern_of(unsigned seed, size_t i) {
    return (unsigned char)(seed * 37 + i * 11 + 5);
}

static void model_write(struct model_block *block, unsigned seed) {
    block->seed = seed;
    for (size_t i = 0; i < block->size; i++) {
        block->block[i] = pattern_of(seed, i);
    }
}

static void model_verify(const struct model_block *block, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (block->block[i] != pattern_of(block->seed, i)) {
            REQUIRE_FAIL("byte %zu of a live block of %zu changed", i, block->size);
        }
    }
}

/* A new or moved block: where it may stand. */
static void model_place(struct model *model, const struct model_block *fresh, bool is_moved) {
    REQUIRE_UINT_EQ((uintptr_t)fresh->block % fresh->align, 0);
    for (size_t i = 0; i < model->live_count; i++) {
        const struct model_block *other = &model->live[i];
        size_t other_size = other->size == 0 ? 1 : other->size;
        size_t size = fresh->size == 0 ? 1 : fresh->size;
        REQUIRE(other == fresh || fresh->block >= other->block + other_size || other->block >= fresh->block + size);
    }
    if (model->placement == CUPEL_PLACEMENT_MISALIGNED) {
        REQUIRE_UINT_EQ((uintptr_t)fresh->block % (2 * fresh->align), fresh->align);
    }
    if (model->placement == CUPEL_PLACEMENT_NEVER && is_moved && model->gone_count < GONE_MAX) {
        for (size_t i = 0; i < model->gone_count; i++) {
            REQUIRE(model->gone[i] != (uintptr_t)fresh->block);
        }
        model->gone[model->gone_count++] = (uintptr_t)fresh->block;
    }
}

static bool model_acquire(struct model *model, struct cupel_bytes *bytes) {
    struct model_block fresh = {.size = cupel_draw_size(bytes, "size", 0, 70000)};
    bool is_zeroed = cupel_draw_bool(bytes, "zeroed");
    fresh.align = (size_t)1 << cupel_draw_uint(bytes, "alignment", 0, 9);
    fresh.block = is_zeroed ? cupel_alloc_zeroed(model->a, fresh.size, fresh.align)
                            : cupel_alloc(model->a, fresh.size, fresh.align);
    if (fresh.block == NULL) {
        return false;
    }
    for (size_t i = 0; is_zeroed && i < fresh.size; i++) {
        REQUIRE_UINT_EQ(fresh.block[i], 0);
    }
    model_place(model, &fresh, true);
    model_write(&fresh, model->serial++);
    model->live[model->live_count++] = fresh;
    return true;
}

static bool model_change(struct model *model, struct cupel_bytes *bytes, struct model_block *block) {
    size_t new_size = cupel_draw_size(bytes, "new size", 0, 70000);
    size_t kept = new_size < block->size ? new_size : block->size;
    if (cupel_draw_bool(bytes, "in place")) {
        if (cupel_resize(model->a, block->block, block->size, block->align, new_size)) {
            block->size = new_size;
        }
    } else {
        unsigned char *old = block->block;
        unsigned char *moved = cupel_realloc(model->a, old, block->size, block->align, new_size);
        if (moved == NULL) {
            model_verify(block, block->size);
            return false;
        }
        block->block = moved;
        block->size = new_size;
        model_place(model, block, moved != old);
    }
    model_verify(block, block->size < kept ? block->size : kept);
    model_write(block, model->serial++);
    return true;
}

static void model_release(struct model *model, struct model_block *block) {
    model_verify(block, block->size);
    cupel_free(model->a, block->block, block->size, block->align);
    *block = model->live[--model->live_count];
}

PROPERTY(perturbing, does_what_a_model_of_it_does, .longest = 400) {
    static struct model model;
    struct cupel_perturbing layer;
    struct cupel_perturbing_options options = cupel_perturbing_choose(cupel_draw_uint(bytes, "seed", 0, 255));
    model = (struct model){.placement = options.placement};
    model.a = cupel_perturbing_init(&layer, a, &options);
    /* What these two hold back serves where the parent fails: the fault is absorbed. */
    bool is_benign = options.placement == CUPEL_PLACEMENT_REUSED || options.placement == CUPEL_PLACEMENT_NEVER;
    if (is_benign) {
        cupel_benign_begin();
    }
    bool is_starved = false;
    while (!is_starved && cupel_draw_more(bytes, "operation")) {
        uint64_t operation = cupel_draw_uint(bytes, "which", 0, 3);
        size_t at = (size_t)cupel_draw_uint(bytes, "block", 0, MODEL_MAX - 1);
        if (model.live_count == 0 || (operation < 2 && model.live_count < MODEL_MAX)) {
            is_starved = !model_acquire(&model, bytes);
        } else if (operation == 2) {
            is_starved = !model_change(&model, bytes, &model.live[at % model.live_count]);
        } else {
            model_release(&model, &model.live[at % model.live_count]);
        }
    }
    while (model.live_count != 0) {
        model_release(&model, &model.live[0]);
    }
    cupel_perturbing_deinit(&layer);
    if (is_benign) {
        cupel_benign_end();
    }
    STARVED(is_starved);
}
