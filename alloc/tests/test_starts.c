/* Goal: start bits agree with the simplest set of addresses there is, a sorted array, about what begins where, and
 * trailers give back what was written, whatever an allocator rounds up and whatever a program overwrites. Method: a
 * body that draws operations and asks both, over ranges whose edges fall anywhere in a word; and scripts over real
 * memory. */
#include "alloc/failing.h"
#include "alloc/pages.h"
#include "alloc/starts.h"
#include "harness/harness.h"

#include <string.h>

static const void *at(uintptr_t address) {
    return (const void *)address;
}

static void start(struct cupel_starts *starts, struct cupel_allocator *memory, uintptr_t low, uintptr_t high) {
    const struct cupel_starts_options options = {.memory = memory, .low = at(low), .high = at(high)};
    REQUIRE_UINT_EQ(cupel_starts_init(starts, &options), CUPEL_INDEX_OK);
}

TEST(starts, say_what_they_do_not_cover) {
    struct cupel_starts starts = {.level_count = 0};
    CHECK_UINT_EQ(cupel_starts_add(&starts, NULL), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(16)), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK(!cupel_starts_remove(&starts, NULL) && !cupel_starts_at(&starts, at(16)));
    CHECK(cupel_starts_before(&starts, at(16)) == NULL && cupel_starts_behind(&starts, NULL) == NULL);
    CHECK_UINT_EQ(cupel_starts_memory_bytes(&starts), 0);
    cupel_starts_deinit(&starts);
    static const struct { uintptr_t low, high; } wrong[] = {{32, 32}, {64, 32}, {32, 0}, {8, 16}, {16, UINTPTR_MAX}};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0] - (sizeof(void *) == 4); i++) {
        const struct cupel_starts_options options = {
            .memory = cupel_pages(), .low = at(wrong[i].low), .high = at(wrong[i].high)};
        CHECK_UINT_EQ(cupel_starts_init(&starts, &options), CUPEL_INDEX_OUT_OF_RANGE);
    }
    start(&starts, cupel_pages(), 0, 0x2000);
    CHECK_UINT_EQ(cupel_starts_add(&starts, NULL), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(16)), CUPEL_INDEX_OK);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(16)), CUPEL_INDEX_TAKEN);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(40)), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK(!cupel_starts_at(&starts, at(24)) && !cupel_starts_remove(&starts, at(24)));
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(0x1ff0)), CUPEL_INDEX_OK);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(0x2000)), CUPEL_INDEX_OUT_OF_RANGE);
    CHECK_PTR_EQ(cupel_starts_before(&starts, at(UINTPTR_MAX)), at(0x1ff0));
    CHECK(cupel_starts_behind(&starts, at(0x1ff1)) == NULL);
    CHECK_PTR_EQ(cupel_starts_behind(&starts, NULL), at(16));
    cupel_starts_deinit(&starts);
}

TEST(starts, take_no_table_where_there_is_no_memory) {
    struct cupel_failing failing;
    struct cupel_starts starts;
    const struct cupel_starts_options options = {
        .memory = cupel_failing_init(&failing, cupel_pages(), "alloc:1", NULL), .low = at(16), .high = at(4096)};
    CHECK_UINT_EQ(cupel_starts_init(&starts, &options), CUPEL_INDEX_NO_MEMORY);
    CHECK_UINT_EQ(cupel_starts_add(&starts, at(16)), CUPEL_INDEX_OUT_OF_RANGE);
    cupel_starts_deinit(&starts);
    CHECK_UINT_EQ(cupel_starts_init(&starts, &options), CUPEL_INDEX_OK);
    CHECK(cupel_starts_memory_bytes(&starts) > 0);
    cupel_starts_deinit(&starts);
}

TEST(starts, cover_a_process, .tags = "slow") {
    struct cupel_starts starts;
    if (cupel_starts_init(&starts, &(struct cupel_starts_options){.memory = NULL}) != CUPEL_INDEX_OK) {
        cupel_test_skip("this machine does not give so many addresses");
    }
    _Alignas(16) static char global[32];
    _Alignas(16) char local[32];
    char *block = cupel_alloc(cupel_pages(), 100, 16);
    const char *bases[] = {global, local, block};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_UINT_EQ(cupel_starts_add(&starts, bases[i]), CUPEL_INDEX_OK);
    }
    unsigned count = 0;
    for (const char *base = cupel_starts_behind(&starts, NULL); base != NULL;
         base = cupel_starts_behind(&starts, base + 1)) {
        count++;
    }
    CHECK_UINT_EQ(count, 3);
    size_t bytes = cupel_starts_memory_bytes(&starts);
    CHECK(bytes > 0 && bytes < 1 << 16);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_PTR_EQ(cupel_starts_before(&starts, bases[i] + 31), bases[i]);
        CHECK(cupel_starts_remove(&starts, bases[i]));
    }
    CHECK(cupel_starts_before(&starts, at(UINTPTR_MAX)) == NULL);
    cupel_starts_deinit(&starts);
    cupel_free(cupel_pages(), block, 100, 16);
}

/* What an allocator beneath would have for each of the blocks. */
static _Alignas(16) unsigned char memory[1 << 18];
static const struct {
    size_t offset, usable, size;
} blocks[] = {{0, 24, 0},         {32, 24, 16},      {64, 40, 25},       {112, 5008, 5000}, {8192, 8, 0},
              {8224, 70000, 100}, {90000, 65551, 8}, {160000, 65552, 8}, {230000, 24, 3},   {230032, 24, 9}};
enum { BLOCKS = sizeof blocks / sizeof blocks[0] };

static size_t usable_of(void *base) {
    unsigned i = 0;
    while (i < BLOCKS - 1 && base != memory + blocks[i].offset) {
        i++;
    }
    REQUIRE(base == memory + blocks[i].offset); /* it is asked of blocks alone */
    return blocks[i].usable;
}

static const void *site_of(unsigned i) {
    return sizeof(void *) == 8 ? at((uintptr_t)UINT64_C(0x7fff12345600) + i) : at(0xdeadbe00 + i);
}

static void write_all(struct cupel_starts *starts) {
    start(starts, NULL, (uintptr_t)memory, (uintptr_t)(memory + sizeof memory));
    for (unsigned i = 0; i < BLOCKS; i++) {
        unsigned char *base = memory + blocks[i].offset;
        memset(base, 0xab, blocks[i].usable);
        cupel_trailer_write(base, blocks[i].usable, blocks[i].size, site_of(i));
        for (size_t j = 0; j < blocks[i].size; j++) {
            REQUIRE(base[j] == 0xab); /* the program's own bytes are not touched */
        }
        REQUIRE_UINT_EQ(cupel_starts_add(starts, base), CUPEL_INDEX_OK);
    }
}

TEST(starts, find_blocks_by_any_address_inside_them) {
    struct cupel_starts starts;
    write_all(&starts);
    for (unsigned i = 0; i < BLOCKS; i++) {
        const unsigned char *base = memory + blocks[i].offset;
        size_t size = blocks[i].size;
        size_t ends[] = {0, size / 2, size == 0 ? 0 : size - 1};
        for (unsigned j = 0; j < 3; j++) {
            struct cupel_start found = {.base = NULL};
            REQUIRE(cupel_starts_find(&starts, base + ends[j], usable_of, &found));
            CHECK_PTR_EQ(found.base, base);
            CHECK_UINT_EQ(found.size, size);
            CHECK_PTR_EQ(found.site, site_of(i));
        }
        struct cupel_start found;
        CHECK(
            !cupel_starts_find(&starts, base + (size == 0 ? 1 : size), usable_of, &found)); /* the slack is nobody's */
    }
    CHECK(cupel_starts_remove(&starts, memory));
    struct cupel_start found;
    CHECK(!cupel_starts_find(&starts, memory, usable_of, &found));
    cupel_starts_deinit(&starts);
}

/* Whoever writes over a trailer loses the site; the size never passes what the allocator gave. */
TEST(starts, bound_the_size_of_an_overwritten_block) {
    struct cupel_starts starts;
    write_all(&starts);
    for (unsigned fill = 0; fill < 256; fill += 51) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            unsigned char *base = memory + blocks[i].offset;
            memset(base, (int)fill, blocks[i].usable);
            struct cupel_start found = {.base = NULL};
            (void)cupel_starts_find(&starts, base, usable_of, &found);
            CHECK_PTR_EQ(found.base, base);
            CHECK(found.size <= blocks[i].usable - CUPEL_TRAILER_BYTES);
        }
    }
    cupel_starts_deinit(&starts);
}

/* Against a sorted array */

enum { STARTS_MAX = 300 };

struct model {
    uintptr_t bases[STARTS_MAX]; /* rising */
    size_t count;
    uintptr_t low, high;
    struct cupel_starts starts;
};

static size_t place_of(const struct model *model, uintptr_t address) {
    size_t i = 0;
    while (i < model->count && model->bases[i] < address) {
        i++;
    }
    return i;
}

static uintptr_t draw_address(const struct model *model, struct cupel_bytes *bytes) {
    static const char *const ways[] = {"dense", "far", "near a start"};
    unsigned way = cupel_draw_pick(bytes, "where", ways, 3);
    uintptr_t length = model->high - model->low;
    if (way == 2 && model->count > 0) {
        uintptr_t base = model->bases[cupel_draw_uint(bytes, "start", 0, model->count - 1)];
        return base + (uintptr_t)cupel_draw_uint(bytes, "offset", 0, 32);
    }
    uintptr_t offset = (uintptr_t)cupel_draw_uint(bytes, "offset", 0, 4095);
    return model->low + (way == 0 ? offset : offset * 16 * 67) % length;
}

static void check_around(struct model *model, uintptr_t address) {
    size_t i = place_of(model, address);
    bool is_at = i < model->count && model->bases[i] == address;
    CHECK(cupel_starts_at(&model->starts, at(address)) == is_at);
    CHECK_PTR_EQ(cupel_starts_behind(&model->starts, at(address)), i < model->count ? at(model->bases[i]) : NULL);
    i -= is_at ? 0 : 1;
    CHECK_PTR_EQ(cupel_starts_before(&model->starts, at(address)), i < model->count ? at(model->bases[i]) : NULL);
}

static void change(struct model *model, struct cupel_bytes *bytes) {
    uintptr_t address = draw_address(model, bytes);
    size_t i = place_of(model, address);
    bool is_at = i < model->count && model->bases[i] == address;
    size_t rest = (model->count - i) * sizeof model->bases[0];
    if (cupel_draw_bool(bytes, "remove")) {
        CHECK(cupel_starts_remove(&model->starts, at(address)) == is_at);
        if (is_at) {
            memmove(&model->bases[i], &model->bases[i + 1], rest - sizeof model->bases[0]);
            model->count--;
        }
    } else if (model->count < STARTS_MAX) {
        bool is_covered = address < model->high && address % CUPEL_STARTS_ALIGN == 0;
        enum cupel_index_status expected = !is_covered ? CUPEL_INDEX_OUT_OF_RANGE
                                           : is_at     ? CUPEL_INDEX_TAKEN
                                                       : CUPEL_INDEX_OK;
        REQUIRE_UINT_EQ(cupel_starts_add(&model->starts, at(address)), expected);
        if (expected == CUPEL_INDEX_OK) {
            memmove(&model->bases[i + 1], &model->bases[i], rest);
            model->bases[i] = address;
            model->count++;
        }
    }
}

PROPERTY(starts, agree_with_a_sorted_array, .longest = 4096) {
    static struct model model;
    (void)a;
    cupel_starts_deinit(&model.starts); /* what a case that failed left behind */
    memset(&model, 0, sizeof model);
    model.low = 16 * (uintptr_t)cupel_draw_uint(bytes, "low", 1, 200);
    model.high = model.low + (uintptr_t)cupel_draw_uint(bytes, "length", 1, 1 << 22);
    start(&model.starts, cupel_draw_bool(bytes, "system") ? NULL : cupel_pages(), model.low, model.high);
    for (unsigned steps = 0; steps < 1000 && cupel_draw_more(bytes, "operation"); steps++) {
        if (cupel_draw_bool(bytes, "ask")) {
            check_around(&model, draw_address(&model, bytes));
        } else {
            change(&model, bytes);
        }
    }
    while (model.count > 0) {
        check_around(&model, model.bases[model.count / 2] + 1);
        REQUIRE(cupel_starts_remove(&model.starts, at(model.bases[--model.count])));
    }
    CHECK(cupel_starts_behind(&model.starts, NULL) == NULL);
    cupel_starts_deinit(&model.starts);
}
