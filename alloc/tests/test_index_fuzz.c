/* Goal: each back end of the address index agrees with the simplest index there is, a sorted array, about every
 * operation, wherever blocks lie, whatever their lengths, and whether or not there is memory. Method: a body that draws
 * operations, and asks both. */
#include "alloc/failing.h"
#include "alloc/index.h"
#include "alloc/pages.h"
#include "harness/harness.h"

#include <string.h>

enum { BLOCKS_MAX = 400 };

struct known {
    const void *base;
    size_t size;
    uint32_t serial;
};

struct model {
    struct known blocks[BLOCKS_MAX]; /* by rising base */
    size_t count;
    struct cupel_index index;
    struct cupel_failing failing;
    bool may_fail;
    uintptr_t low, high; /* addresses that blocks are drawn from */
    uint32_t serial;
};

/* The place of the first block that begins at or behind the address. */
static size_t place_of(const struct model *model, uintptr_t address) {
    size_t low = 0;
    size_t high = model->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)model->blocks[middle].base < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct model *model, size_t i, uintptr_t base) {
    return i < model->count && (uintptr_t)model->blocks[i].base == base;
}

static uintptr_t end_of(const struct known *block) {
    return (uintptr_t)block->base + (block->size == 0 ? 1 : block->size);
}

/* The block that holds an address, or NULL. */
static const struct known *holder_of(const struct model *model, uintptr_t address) {
    size_t i = place_of(model, address);
    if (is_at(model, i, address)) {
        return &model->blocks[i];
    }
    return i > 0 && address < end_of(&model->blocks[i - 1]) ? &model->blocks[i - 1] : NULL;
}

/* How much room there is at the address, up to the next block; 0 where a block is already. */
static size_t room_at(const struct model *model, uintptr_t address) {
    size_t i = place_of(model, address);
    uintptr_t next = i < model->count ? (uintptr_t)model->blocks[i].base : model->high;
    return holder_of(model, address) != NULL || next < address ? 0 : next - address;
}

static void check_is(const void *record, const struct known *expected) {
    const struct known *found = record;
    REQUIRE((found != NULL) == (expected != NULL));
    if (found != NULL && expected != NULL) {
        CHECK_PTR_EQ(found->base, expected->base);
        CHECK_UINT_EQ(found->size, expected->size);
        CHECK_UINT_EQ(found->serial, expected->serial);
    }
}

static void check_address(struct model *model, uintptr_t address) {
    size_t i = place_of(model, address);
    check_is(cupel_index_at(&model->index, (const void *)address), is_at(model, i, address) ? &model->blocks[i] : NULL);
    check_is(cupel_index_containing(&model->index, (const void *)address), holder_of(model, address));
}

/* An address near one that has a meaning, or anywhere: dense in one page, dense over some, or far apart. */
static uintptr_t draw_address(struct model *model, struct cupel_bytes *bytes) {
    static const char *const ways[] = {"dense", "spread", "far", "at a block", "behind a block"};
    unsigned way = cupel_draw_pick(bytes, "where", ways, 5);
    if (way >= 3 && model->count > 0) {
        const struct known *block = &model->blocks[cupel_draw_uint(bytes, "block", 0, model->count - 1)];
        uintptr_t offset = (uintptr_t)cupel_draw_uint(bytes, "offset", 0, 64);
        return way == 3 ? (uintptr_t)block->base + offset / 8 : end_of(block) - 1 + offset / 4;
    }
    uintptr_t length = model->high - model->low;
    unsigned shift = way == 0 ? 0 : way == 1 ? 8 : 13;
    uintptr_t offset = (uintptr_t)cupel_draw_uint(bytes, "offset", 0, 4095) << shift;
    if (way == 2) {
        offset += (uintptr_t)cupel_draw_uint(bytes, "far", 0, 255) * (length >> 8);
    }
    return model->low + offset % length;
}

static void insert(struct model *model, struct cupel_bytes *bytes) {
    struct known block = {.base = (const void *)draw_address(model, bytes), .serial = ++model->serial};
    size_t room = room_at(model, (uintptr_t)block.base);
    size_t i = place_of(model, (uintptr_t)block.base);
    bool is_taken = is_at(model, i, (uintptr_t)block.base);
    if ((room == 0 && !is_taken) || model->count == BLOCKS_MAX) {
        return;
    }
    block.size = cupel_draw_size(bytes, "size", 0, room);
    enum cupel_index_status status = cupel_index_insert(&model->index, &block);
    if (status == CUPEL_INDEX_NO_MEMORY && model->may_fail) {
        return;
    }
    REQUIRE_STR_EQ(cupel_index_status_name(status), is_taken ? "taken" : "ok");
    if (!is_taken) {
        memmove(&model->blocks[i + 1], &model->blocks[i], (model->count++ - i) * sizeof block);
        model->blocks[i] = block;
    }
}

static void forget(struct model *model, size_t i) {
    memmove(&model->blocks[i], &model->blocks[i + 1], (--model->count - i) * sizeof model->blocks[0]);
}

static void release(struct model *model, struct cupel_bytes *bytes) {
    uintptr_t base = draw_address(model, bytes);
    size_t i = place_of(model, base);
    CHECK(cupel_index_remove(&model->index, (const void *)base) == is_at(model, i, base));
    if (is_at(model, i, base)) {
        forget(model, i);
    }
}

static void resize(struct model *model, struct cupel_bytes *bytes) {
    uintptr_t base = draw_address(model, bytes);
    size_t i = place_of(model, base);
    if (!is_at(model, i, base)) {
        CHECK_UINT_EQ(cupel_index_resize(&model->index, (const void *)base, 1), CUPEL_INDEX_UNKNOWN);
        return;
    }
    uintptr_t next = i + 1 < model->count ? (uintptr_t)model->blocks[i + 1].base : model->high;
    size_t size = cupel_draw_size(bytes, "size", 0, next - base);
    CHECK_UINT_EQ(cupel_index_resize(&model->index, (const void *)base, size), CUPEL_INDEX_OK);
    model->blocks[i].size = size;
}

static void move(struct model *model, struct cupel_bytes *bytes) {
    uintptr_t base = draw_address(model, bytes);
    uintptr_t new_base = draw_address(model, bytes);
    size_t i = place_of(model, base);
    if (!is_at(model, i, base)) {
        CHECK_UINT_EQ(cupel_index_move(&model->index, (const void *)base, (const void *)new_base, 1),
                      CUPEL_INDEX_UNKNOWN);
        return;
    }
    struct known block = model->blocks[i];
    if (new_base != base && is_at(model, place_of(model, new_base), new_base)) {
        CHECK_UINT_EQ(cupel_index_move(&model->index, (const void *)base, (const void *)new_base, 1),
                      CUPEL_INDEX_TAKEN);
        return;
    }
    forget(model, i);
    size_t room = room_at(model, new_base);
    size_t to = place_of(model, new_base);
    if (room == 0) { /* it stays */
        memmove(&model->blocks[i + 1], &model->blocks[i], (model->count++ - i) * sizeof block);
        model->blocks[i] = block;
        return;
    }
    block.base = (const void *)new_base;
    block.size = cupel_draw_size(bytes, "size", 0, room);
    CHECK_UINT_EQ(cupel_index_move(&model->index, (const void *)base, block.base, block.size), CUPEL_INDEX_OK);
    memmove(&model->blocks[to + 1], &model->blocks[to], (model->count++ - to) * sizeof block);
    model->blocks[to] = block;
}

struct tally {
    const struct model *model;
    size_t next, end; /* blocks that are still to come */
    size_t stop;      /* the walk is ended before this one */
};

static bool visit(void *user, const void *record) {
    struct tally *tally = user;
    REQUIRE(tally->next < tally->end);
    check_is(record, &tally->model->blocks[tally->next++]);
    return tally->next != tally->stop;
}

static void check_range(struct model *model, struct cupel_bytes *bytes) {
    uintptr_t low = draw_address(model, bytes);
    uintptr_t high = draw_address(model, bytes);
    const struct known *first = holder_of(model, low);
    struct tally tally = {model, place_of(model, low), place_of(model, high), SIZE_MAX};
    if (first != NULL) {
        tally.next = (size_t)(first - model->blocks);
    }
    if (low >= high) {
        tally.end = tally.next;
    }
    if (cupel_draw_bool(bytes, "stop")) {
        tally.stop = tally.next + 1;
        tally.end = tally.end < tally.stop ? tally.end : tally.stop;
    }
    cupel_index_range(&model->index, (const void *)low, (const void *)high, visit, &tally);
    CHECK_UINT_EQ(tally.next, tally.end);
}

static void check_walk(struct model *model) {
    struct tally tally = {model, 0, model->count, SIZE_MAX};
    cupel_index_walk(&model->index, visit, &tally);
    CHECK_UINT_EQ(tally.next, model->count);
    CHECK_UINT_EQ(model->index.count, model->count);
}

static void start(struct model *model, struct cupel_bytes *bytes) {
    static const char *const kinds[] = {"hash", "memtable", "pages"};
    static const char *const memories[] = {"the system", "pages", "one that fails"};
    struct cupel_index_options options = {.kind = (enum cupel_index_kind)cupel_draw_pick(bytes, "kind", kinds, 3),
                                          .record_bytes = sizeof(struct known)};
    unsigned memory = cupel_draw_pick(bytes, "memory", memories, 3);
    model->may_fail = memory == 2;
    options.memory = memory == 0 ? NULL : cupel_pages();
    model->low = 0x10000;
    model->high = model->low + (UINTPTR_MAX >> (sizeof(void *) == 8 ? 17 : 1)) / 2;
    if (options.kind == CUPEL_INDEX_MEMTABLE) {
        model->high = model->low + ((uintptr_t)1 << (memory == 0 ? 30 : 18));
        options.low = (const void *)model->low;
        options.high = (const void *)model->high;
    }
    REQUIRE_UINT_EQ(cupel_index_init_with(&model->index, &options), CUPEL_INDEX_OK);
    if (memory == 2) {
        char plan[64];
        uint64_t at = cupel_draw_uint(bytes, "fails from", 1, 20);
        (void)snprintf(plan, sizeof plan, "any:%u+", (unsigned)at);
        model->index.memory = cupel_failing_init(&model->failing, cupel_pages(), plan, NULL);
    }
}

PROPERTY(index, agrees_with_a_sorted_array, .longest = 4096) {
    static const char *const operations[] = {"insert", "remove", "resize", "move", "range", "walk"};
    static struct model model;
    (void)a;
    cupel_index_deinit(&model.index); /* what a case that failed left behind */
    memset(&model, 0, sizeof model);
    start(&model, bytes);
    for (unsigned steps = 0; steps < 1000 && cupel_draw_more(bytes, "operation"); steps++) {
        switch (cupel_draw_pick(bytes, "operation", operations, 6)) {
        case 0:
            insert(&model, bytes);
            break;
        case 1:
            release(&model, bytes);
            break;
        case 2:
            resize(&model, bytes);
            break;
        case 3:
            move(&model, bytes);
            break;
        case 4:
            check_range(&model, bytes);
            break;
        default:
            check_walk(&model);
            break;
        }
        check_address(&model, draw_address(&model, bytes));
    }
    check_walk(&model);
    while (model.count > 0) {
        REQUIRE(cupel_index_remove(&model.index, model.blocks[model.count - 1].base));
        forget(&model, model.count - 1);
    }
    check_walk(&model);
    cupel_index_deinit(&model.index);
}
