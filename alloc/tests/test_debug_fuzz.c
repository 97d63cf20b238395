/* Goal: no sequence of requests, failures and rogue writes makes the debug allocator lose count, hand out a byte twice,
 * or crash; damage is found or harmless. Method: bodies that draw operations and keep a model: a shadow of all live
 * blocks with their contents, and what was damaged. */
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/debug_seen.h"

#include <string.h>

enum { LIVE_MAX = 64, ROGUE_REACH = 64 };

struct block {
    unsigned char *base;
    size_t size, align;
    unsigned char fill;
    bool is_damaged; /* the model wrote beside it */
};

struct model {
    struct cupel_debug debug;
    struct cupel_allocator *a;
    struct block blocks[LIVE_MAX];
    unsigned count;
    uint64_t bytes;
    struct seen seen;
};

static void check_contents(const struct block *block, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (block->base[i] != block->fill) {
            REQUIRE_FAIL("byte %zu of %zu was %u and is %u", i, block->size, block->fill, block->base[i]);
        }
    }
}

static bool overlaps(const struct block *a, const struct block *b) {
    return (uintptr_t)a->base < (uintptr_t)b->base + b->size && (uintptr_t)b->base < (uintptr_t)a->base + a->size;
}

static void adopt(struct model *model, struct block *block, unsigned char fill) {
    REQUIRE_UINT_EQ((uintptr_t)block->base % block->align, 0);
    for (unsigned i = 0; i < model->count; i++) {
        REQUIRE(&model->blocks[i] == block ||
                (!overlaps(block, &model->blocks[i]) && block->base != model->blocks[i].base));
    }
    block->fill = fill;
    memset(block->base, fill, block->size);
}

static void acquire(struct model *model, struct cupel_bytes *bytes) {
    if (model->count == LIVE_MAX) {
        return;
    }
    struct block *block = &model->blocks[model->count];
    *block = (struct block){.size = cupel_draw_size(bytes, "size", 0, 80000),
                            .align = (size_t)1 << cupel_draw_uint(bytes, "alignment", 0, 14)};
    bool is_zeroed = cupel_draw_uint(bytes, "zeroed", 0, 1) != 0;
    block->base = is_zeroed ? cupel_alloc_zeroed(model->a, block->size, block->align)
                            : cupel_alloc(model->a, block->size, block->align);
    if (block->base == NULL) {
        return;
    }
    if (is_zeroed) {
        block->fill = 0;
        check_contents(block, block->size);
    }
    model->count++;
    model->bytes += block->size;
    adopt(model, block, (unsigned char)cupel_draw_uint(bytes, "fill", 0, 255));
}

static struct block *pick(struct model *model, struct cupel_bytes *bytes) {
    return model->count == 0 ? NULL : &model->blocks[cupel_draw_uint(bytes, "block", 0, model->count - 1)];
}

static void release(struct model *model, struct block *block) {
    check_contents(block, block->size);
    cupel_free(model->a, block->base, block->size, block->align);
    model->bytes -= block->size;
    *block = model->blocks[--model->count];
}

static void resize(struct model *model, struct cupel_bytes *bytes, struct block *block) {
    size_t new_size = cupel_draw_size(bytes, "new size", 0, 80000);
    bool may_move = cupel_draw_uint(bytes, "may move", 0, 1) != 0;
    unsigned char *moved = block->base;
    if (may_move) {
        moved = cupel_realloc(model->a, block->base, block->size, block->align, new_size);
    } else if (!cupel_resize(model->a, block->base, block->size, block->align, new_size)) {
        moved = NULL;
    }
    if (moved == NULL) {
        check_contents(block, block->size);
        return;
    }
    block->base = moved;
    check_contents(block, block->size < new_size ? block->size : new_size);
    model->bytes = model->bytes - block->size + new_size;
    block->size = new_size;
    adopt(model, block, block->fill);
}

static void check_numbers(const struct model *model) {
    for (unsigned i = 0; i < model->seen.count && i < SEEN; i++) {
        const struct cupel_finding_row *row = cupel_finding_row(model->seen.all[i].kind);
        if (row->severity != CUPEL_SEVERITY_WARNING) {
            REQUIRE_FAIL("%s of %p, a block of %zu", row->word, model->seen.all[i].address, model->seen.all[i].size);
        }
    }
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&model->debug, &statistics);
    REQUIRE_UINT_EQ(statistics.live_blocks, model->count);
    REQUIRE_UINT_EQ(statistics.requested_bytes, model->bytes);
    REQUIRE(statistics.mapped_bytes >= statistics.requested_bytes);
    REQUIRE(statistics.mapped_bytes % model->debug.state->page_bytes == 0);
    REQUIRE(statistics.address_bytes >= statistics.mapped_bytes || statistics.reused_spans > 0);
    REQUIRE(statistics.overhead_bytes > 0);
    REQUIRE_UINT_EQ(statistics.released, statistics.acquired - model->count);
    REQUIRE_UINT_EQ(statistics.spans, statistics.full_spans + statistics.large_spans + model->debug.state->open.count);
}

static struct cupel_debug_options draw_options(struct cupel_bytes *bytes, struct seen *seen) {
    struct cupel_debug_options options = seen_options(seen);
    static const size_t budgets[] = {0, (size_t)1 << 20, (size_t)4 << 20, (size_t)16 << 20};
    static const char *const words[] = {"all", "1 MiB", "4 MiB", "16 MiB"};
    options.frames = (unsigned)cupel_draw_uint(bytes, "frames", 0, 4);
    options.has_canaries = cupel_draw_uint(bytes, "no canaries", 0, 3) != 3;
    options.address_bytes = budgets[cupel_draw_pick(bytes, "addresses", words, 4)];
    options.quarantine_bytes = (size_t)cupel_draw_uint(bytes, "quarantine", 0, 1) << 26;
    options.guard_every = (unsigned)cupel_draw_uint(bytes, "guard every", 0, 4);
    options.moves_on_remap = cupel_draw_uint(bytes, "move on remap", 0, 1) != 0;
    options.never_unmaps = cupel_draw_uint(bytes, "never unmap", 0, 3) == 3;
    options.memory_limit_bytes = (size_t)cupel_draw_uint(bytes, "memory limit", 0, 1) * 400000;
    options.kept_metadata_bytes = (size_t)cupel_draw_uint(bytes, "kept records", 0, 2) << 16;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    return options;
}

static void run_operations(struct model *model, struct cupel_bytes *bytes) {
    while (cupel_draw_more(bytes, "operation")) {
        static const char *const names[] = {"acquire", "release", "resize", "check"};
        unsigned operation = cupel_draw_pick(bytes, "which", names, 4);
        struct block *block = operation == 1 || operation == 2 ? pick(model, bytes) : NULL;
        if (operation == 0) {
            acquire(model, bytes);
        } else if (operation == 1 && block != NULL) {
            release(model, block);
        } else if (operation == 2 && block != NULL) {
            resize(model, bytes, block);
        } else if (operation == 3) {
            REQUIRE_UINT_EQ(cupel_debug_check(&model->debug), 0);
        }
        check_numbers(model);
    }
    while (model->count > 0) {
        release(model, &model->blocks[model->count - 1]);
    }
    check_numbers(model);
}

static bool do_not_move(void *from, void *to, size_t length) {
    (void)from, (void)to, (void)length;
    return false;
}

PROPERTY(debug, keeps_what_it_is_given, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct model model = {.count = 0};
    (void)a;
    struct cupel_debug_options options = draw_options(bytes, &model.seen);
    model.a = cupel_debug_init(&model.debug, cupel_pages(), &options, NULL);
    REQUIRE(model.a != NULL);
    struct cupel__system still = cupel__system;
    still.move = do_not_move;
    if (cupel_draw_uint(bytes, "pages stay", 0, 1) != 0) {
        model.debug.state->pages = &still;
    }
    run_operations(&model, bytes);
    CHECK_UINT_EQ(cupel_debug_deinit(&model.debug), 0);
}

PROPERTY(debug, bears_a_backing_that_fails, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    static const char *const plans[] = {"alloc:2", "alloc:1", "any:*/3", "any:*/2", "alloc:4+"};
    struct model model = {.count = 0};
    struct cupel_failing failing;
    (void)a;
    struct cupel_debug_options options = draw_options(bytes, &model.seen);
    const char *plan = plans[cupel_draw_uint(bytes, "plan", 0, 4)];
    struct cupel_allocator *backing = cupel_failing_init(&failing, cupel_libc(), plan, NULL);
    REQUIRE(backing != NULL);
    options.records_in_backing = cupel_draw_uint(bytes, "records in the backing", 0, 1) != 0;
    model.a = cupel_debug_init(&model.debug, backing, &options, NULL);
    if (model.a != NULL) {
        run_operations(&model, bytes);
        CHECK_UINT_EQ(cupel_debug_deinit(&model.debug), 0);
    } else {
        CHECK(options.records_in_backing);
    }
}

/* Writes within 64 bytes of a live block, or into a freed one, must be found or change nothing; and nothing may fall.
 */
PROPERTY(debug, finds_rogue_writes, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    (void)a;
    options.canary_bytes = ROGUE_REACH; /* in front; and half of it behind at least */
    options.never_unmaps = true;
    options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    options.frames = 0; /* so that equal findings are told each time */
    struct cupel_allocator *d = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(d != NULL);
    size_t size = cupel_draw_size(bytes, "size", 1, 3000);
    unsigned char *blocks[5];
    for (unsigned i = 0; i < 5; i++) {
        blocks[i] = cupel_alloc(d, size, 8);
        REQUIRE(blocks[i] != NULL);
    }
    unsigned char *victim = blocks[2];
    bool is_freed = cupel_draw_uint(bytes, "freed", 0, 1) != 0;
    if (is_freed) {
        cupel_free(d, victim, size, 8);
    }
    size_t expected = 0;
    while (cupel_draw_more(bytes, "write") && expected == 0) {
        ptrdiff_t reach = is_freed ? 0 : ROGUE_REACH;
        ptrdiff_t offset = (ptrdiff_t)cupel_draw_uint(bytes, "offset", 0, size + 2 * (size_t)reach - 1) - reach;
        unsigned char value = (unsigned char)cupel_draw_uint(bytes, "value", 0, 255);
        bool is_inside = offset >= 0 && (size_t)offset < size;
        expected += victim[offset] != value && (is_freed || !is_inside);
        victim[offset] = value;
    }
    CHECK_UINT_EQ(cupel_debug_check(&debug), expected);
    CHECK_UINT_EQ(cupel_debug_check(&debug), 0); /* what was found is mended */
    for (unsigned i = 0; i < 5; i++) {
        if (i != 2 || !is_freed) {
            cupel_free(d, blocks[i], size, 8);
        }
    }
    CHECK_UINT_EQ(seen.count, expected);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), expected);
}
