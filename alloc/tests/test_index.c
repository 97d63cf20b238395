/* Goal: the address index agrees with the simplest index there is. Method: a property against a sorted array, with
 * bases close together so that runs of slots collide; and scripted cases for interior addresses and a full machine. */
#include "alloc/failing.h"
#include "alloc/index.h"
#include "alloc/pages.h"
#include "harness/harness.h"

#include <string.h>

enum { MODEL_MAX = 600 };

/* Blocks by rising base. */
struct model {
    struct cupel_block blocks[MODEL_MAX];
    size_t count;
};

static size_t model_find(const struct model *model, uintptr_t base) {
    size_t i = 0;
    while (i < model->count && (uintptr_t)model->blocks[i].base < base) {
        i++;
    }
    return i;
}

static bool model_has(const struct model *model, size_t i, uintptr_t base) {
    return i < model->count && (uintptr_t)model->blocks[i].base == base;
}

static void model_insert(struct model *model, size_t i, const struct cupel_block *block) {
    memmove(&model->blocks[i + 1], &model->blocks[i], (model->count - i) * sizeof *block);
    model->blocks[i] = *block;
    model->count++;
}

static void model_remove(struct model *model, size_t i) {
    model->count--;
    memmove(&model->blocks[i], &model->blocks[i + 1], (model->count - i) * sizeof model->blocks[0]);
}

struct tally {
    const struct model *model;
    size_t visited;
    bool has_stranger;
};

static bool visit(void *user, const struct cupel_block *block) {
    struct tally *tally = user;
    size_t i = model_find(tally->model, (uintptr_t)block->base);
    tally->has_stranger |= !model_has(tally->model, i, (uintptr_t)block->base) ||
                           tally->model->blocks[i].serial != block->serial ||
                           tally->model->blocks[i].size != block->size;
    tally->visited++;
    return true;
}

static void check_address(const struct cupel_index *index, const struct model *model, uintptr_t address) {
    const struct cupel_block *at = cupel_index_at(index, (const void *)address);
    size_t i = model_find(model, address);
    CHECK((at != NULL) == model_has(model, i, address));
    const struct cupel_block *expected = NULL;
    if (model_has(model, i, address)) {
        expected = &model->blocks[i];
    } else if (i > 0 && address - (uintptr_t)model->blocks[i - 1].base < model->blocks[i - 1].size) {
        expected = &model->blocks[i - 1];
    }
    const struct cupel_block *holder = cupel_index_containing(index, (const void *)address);
    REQUIRE((holder != NULL) == (expected != NULL));
    if (holder != NULL) {
        CHECK_PTR_EQ(holder->base, expected->base);
        CHECK_UINT_EQ(holder->serial, expected->serial);
    }
}

/* Blocks are 16 bytes apart and at most 16 long: they do not overlap. */
PROPERTY(index, agrees_with_a_sorted_array, .longest = 2048) {
    static struct model model;
    static struct cupel_index index;
    cupel_index_deinit(&index); /* what a case that failed left behind */
    model.count = 0;
    cupel_index_init(&index);
    uint64_t serial = 0;
    while (cupel_draw_more(bytes, "operation") && model.count < MODEL_MAX) {
        uintptr_t base = 0x10000 + 16 * (uintptr_t)cupel_draw_uint(bytes, "base / 16", 0, 1023);
        size_t i = model_find(&model, base);
        if (cupel_draw_bool(bytes, "remove")) {
            CHECK(cupel_index_remove(&index, (const void *)base) == model_has(&model, i, base));
            if (model_has(&model, i, base)) {
                model_remove(&model, i);
            }
        } else if (!model_has(&model, i, base)) {
            struct cupel_block block = {.base = (const void *)base, .align = 1};
            block.serial = ++serial;
            block.size = cupel_draw_size(bytes, "size", 0, 16);
            REQUIRE(cupel_index_insert(&index, &block));
            model_insert(&model, i, &block);
        }
        REQUIRE_UINT_EQ(index.count, model.count);
        check_address(&index, &model, base + (uintptr_t)cupel_draw_uint(bytes, "probe", 0, 17));
    }
    struct tally tally = {&model, 0, false};
    cupel_index_walk(&index, visit, &tally);
    CHECK_UINT_EQ(tally.visited, model.count);
    CHECK(!tally.has_stranger);
    cupel_index_deinit(&index);
}

TEST(index, finds_every_block_over_growth_and_removal, .tags = "slow") {
    struct cupel_index index;
    cupel_index_init(&index);
    enum { COUNT = 20000 };
    for (uintptr_t i = 1; i <= COUNT; i++) {
        struct cupel_block block = {.base = (const void *)(i * 48), .size = 48, .align = 16, .serial = i};
        REQUIRE(cupel_index_insert(&index, &block));
    }
    for (uintptr_t i = 2; i <= COUNT; i += 2) {
        REQUIRE(cupel_index_remove(&index, (const void *)(i * 48)));
    }
    CHECK_UINT_EQ(index.count, COUNT / 2);
    size_t capacity = index.capacity;
    for (uintptr_t i = 1; i <= COUNT; i++) {
        const struct cupel_block *block = cupel_index_at(&index, (const void *)(i * 48));
        REQUIRE((block != NULL) == (i % 2 == 1));
        REQUIRE(block == NULL || block->serial == i);
    }
    for (uintptr_t i = 2; i <= COUNT; i += 2) {
        struct cupel_block block = {.base = (const void *)(i * 48), .serial = i};
        REQUIRE(cupel_index_insert(&index, &block));
    }
    CHECK_UINT_EQ(index.capacity, capacity); /* what was removed left no trace */
    CHECK(cupel_index_at(&index, NULL) == NULL);
    CHECK(!cupel_index_remove(&index, NULL));
    cupel_index_deinit(&index);
    CHECK(cupel_index_at(&index, (const void *)48) == NULL);
}

static bool stop_at_third(void *user, const struct cupel_block *block) {
    (void)block;
    return ++*(unsigned *)user < 3;
}

TEST(index, walk_stops_where_it_is_told) {
    struct cupel_index index;
    cupel_index_init(&index);
    for (uintptr_t i = 1; i <= 9; i++) {
        struct cupel_block block = {.base = (const void *)(i * 64), .serial = i};
        REQUIRE(cupel_index_insert(&index, &block));
    }
    unsigned visited = 0;
    cupel_index_walk(&index, stop_at_third, &visited);
    CHECK_UINT_EQ(visited, 3);
    cupel_index_deinit(&index);
}

/* Requests for tables are the first and second (at the first insert), then two at each doubling. */
TEST(index, keeps_everything_where_a_table_cannot_be_had, .tags = "slow") {
    static const char *const plans[] = {"any:1", "any:2", "any:3", "any:4"};
    for (unsigned i = 0; i < 4; i++) {
        struct cupel_failing failing;
        struct cupel_index index;
        cupel_index_init(&index);
        index.memory = cupel_failing_init(&failing, cupel_pages(), plans[i], NULL);
        unsigned refused = 0;
        for (uintptr_t base = 1; base <= 300; base++) {
            struct cupel_block block = {.base = (const void *)(base * 32), .size = 32, .serial = base};
            if (!cupel_index_insert(&index, &block)) {
                refused++;
                CHECK(cupel_index_at(&index, block.base) == NULL);
                CHECK_UINT_EQ(index.count, base - 1);
                REQUIRE(cupel_index_insert(&index, &block));
            }
        }
        CHECK_UINT_EQ(refused, 1);
        for (uintptr_t base = 1; base <= 300; base++) {
            REQUIRE(cupel_index_at(&index, (const void *)(base * 32)) != NULL);
        }
        cupel_index_deinit(&index);
        CHECK_UINT_EQ(failing.live_bytes, 0);
    }
}
