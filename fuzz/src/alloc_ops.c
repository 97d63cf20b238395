/* See alloc_ops.h. One struct holds a run; each operation is a function over it that draws what it needs, calls the
 * allocator, and compares what came back with the shadow model. The first broken promise ends the run. */
#include "fuzz/alloc_ops.h"
#include "fuzz/src/shadow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct run {
    struct cupel_bytes *bytes;
    const struct cupel_ops_setup *setup;
    struct cupel_ops_report *report;
    struct cupel__shadow shadow;
    enum cupel_ops_verdict verdict;
    size_t size_max;
    unsigned align_max_log2;
};

__attribute__((format(printf, 3, 4))) static void stop(struct run *run, enum cupel_ops_verdict verdict,
                                                       const char *format, ...) {
    if (run->verdict == CUPEL_OPS_BROKEN || run->verdict == verdict) {
        return;
    }
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    run->verdict = verdict;
    (void)cupel_error_set(&run->report->error, 0, (unsigned)run->report->operations, "%s", text);
}

/* Sizes: around the classes that allocators use, around pages, and anything. */
static size_t draw_size(struct run *run) {
    static const char *const shapes[] = {"edges", "near a multiple of 16", "near a page multiple", "any"};
    static const int around[] = {0, -1, 1, -8, -7, -9, 8, -16};
    size_t size;
    switch (cupel_draw_pick(run->bytes, "size shape", shapes, 4)) {
    case 0:
        return cupel_draw_size(run->bytes, "size", 0, run->size_max);
    case 1:
        size = 16 * cupel_draw_uint(run->bytes, "sixteens", 1, 128);
        break;
    case 2:
        size = 4096 * cupel_draw_uint(run->bytes, "pages", 1, 4);
        break;
    default:
        return cupel_draw_uint(run->bytes, "size", 0, run->size_max);
    }
    size += (size_t)(ptrdiff_t)around[cupel_draw_uint(run->bytes, "around", 0, 7)];
    return size < run->size_max ? size : run->size_max;
}

static size_t draw_align(struct run *run) {
    unsigned power = (unsigned)cupel_draw_uint(run->bytes, "log2 of alignment", 0, 31);
    return (size_t)1 << (power <= run->align_max_log2 ? power : 4);
}

static size_t draw_index(struct run *run) {
    return (size_t)cupel_draw_uint(run->bytes, "block", 0, run->shadow.count - 1);
}

static uint64_t injected(const struct run *run) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < run->setup->fail_count; i++) {
        sum += run->setup->fails[i]->injected + run->setup->fails[i]->injected_benign;
    }
    return sum;
}

static void arm(const struct run *run, bool is_armed) {
    for (unsigned i = 0; i < run->setup->fail_count; i++) {
        run->setup->fails[i]->is_armed = is_armed;
    }
}

/* After every step the counting layer's totals must be the model's. */
static void check_counts(struct run *run) {
    const struct cupel_counts *counts = run->setup->counts;
    if (counts == NULL) {
        return;
    }
    if (counts->live_blocks != run->shadow.count || counts->live_bytes != run->shadow.live_bytes) {
        stop(run, CUPEL_OPS_BROKEN, "counted %llu blocks and %llu bytes live, there are %zu and %llu",
             (unsigned long long)counts->live_blocks, (unsigned long long)counts->live_bytes, run->shadow.count,
             (unsigned long long)run->shadow.live_bytes);
    } else if (counts->acquired - counts->released != counts->live_blocks ||
               counts->live_blocks_peak < counts->live_blocks || counts->live_bytes_peak < counts->live_bytes) {
        stop(run, CUPEL_OPS_BROKEN, "the totals disagree: %llu acquired, %llu released, %llu live, peak %llu",
             (unsigned long long)counts->acquired, (unsigned long long)counts->released,
             (unsigned long long)counts->live_blocks, (unsigned long long)counts->live_blocks_peak);
    } else if (counts->live_blocks == 0 && counts->address_sum != 0) {
        stop(run, CUPEL_OPS_BROKEN, "nothing is live, but the sum of addresses is %#llx",
             (unsigned long long)counts->address_sum);
    }
}

/* A request came to nothing. True where a fault was injected, so that the same request must be met without it. */
static bool may_retry(struct run *run, uint64_t injected_before, const char *what, size_t size, size_t align) {
    run->report->refused++;
    check_counts(run);
    if (injected(run) != injected_before) {
        return true;
    }
    if (run->setup->capacity_bytes == 0) {
        stop(run, CUPEL_OPS_STARVED, "%s of %zu bytes aligned to %zu failed, and nothing said it should", what, size,
             align);
    }
    return false;
}

/* A new block, or one that moved: into the model, with every promise checked. */
static void take_in(struct run *run, void *base, size_t size, size_t align) {
    if (run->verdict != CUPEL_OPS_OK) {
        return;
    }
    run->report->succeeded++;
    if ((uintptr_t)base % align != 0) {
        stop(run, CUPEL_OPS_BROKEN, "%p is not aligned to %zu", base, align);
        return;
    }
    struct cupel_error error;
    if (cupel__shadow_add(&run->shadow, base, size, align, &error) == NULL) {
        stop(run, CUPEL_OPS_BROKEN, "%s", error.text);
        return;
    }
    if (run->shadow.count > run->report->live_peak) {
        run->report->live_peak = run->shadow.count;
    }
}

static void release(struct run *run, size_t index) {
    const struct cupel__shadow_block block = run->shadow.blocks[index];
    if (!cupel__shadow_holds(&block, block.base, block.size)) {
        stop(run, CUPEL_OPS_BROKEN, "the contents of the block of %zu bytes at %p have changed", block.size,
             (void *)block.base);
        return;
    }
    cupel__shadow_remove(&run->shadow, index);
    cupel_free(run->setup->allocator, block.base, block.size, block.align);
}

static void acquire(struct run *run, unsigned flags) {
    size_t size = draw_size(run);
    size_t align = draw_align(run);
    if (run->shadow.count == CUPEL_OPS_LIVE_MAX) {
        release(run, draw_index(run));
    }
    struct cupel_allocator *allocator = run->setup->allocator;
    uint64_t before = injected(run);
    void *base = allocator->ops->acquire(allocator, size, align, flags, CUPEL_SITE());
    if (base == NULL) {
        if (!may_retry(run, before, "an allocation", size, align)) {
            return;
        }
        arm(run, false);
        base = allocator->ops->acquire(allocator, size, align, flags, CUPEL_SITE());
        arm(run, true);
        if (base == NULL) {
            (void)may_retry(run, injected(run), "an allocation after a fault", size, align);
            return;
        }
    }
    if ((flags & CUPEL_ZEROED) != 0 && !cupel__shadow_is_zero(base, size)) {
        stop(run, CUPEL_OPS_BROKEN, "the zeroed block of %zu bytes at %p is not all zero", size, base);
    }
    take_in(run, base, size, align);
}

/* The block at `index` is now at `base` with `new_size` bytes. */
static void move_in(struct run *run, size_t index, void *base, size_t new_size, bool is_zeroed) {
    const struct cupel__shadow_block old = run->shadow.blocks[index];
    if (!cupel__shadow_holds(&old, base, old.size < new_size ? old.size : new_size)) {
        stop(run, CUPEL_OPS_BROKEN, "going from %zu to %zu bytes lost contents", old.size, new_size);
    }
    if (is_zeroed && new_size > old.size &&
        !cupel__shadow_is_zero((unsigned char *)base + old.size, new_size - old.size)) {
        stop(run, CUPEL_OPS_BROKEN, "the grown part of a zeroed move from %zu to %zu bytes is not all zero", old.size,
             new_size);
    }
    cupel__shadow_remove(&run->shadow, index);
    take_in(run, base, new_size, old.align);
}

static void check_untouched(struct run *run, size_t index, const char *what) {
    const struct cupel__shadow_block *block = &run->shadow.blocks[index];
    if (!cupel__shadow_holds(block, block->base, block->size)) {
        stop(run, CUPEL_OPS_BROKEN, "%s that failed changed the block of %zu bytes", what, block->size);
    }
}

static void resize(struct run *run) {
    size_t index = draw_index(run);
    size_t new_size = draw_size(run);
    const struct cupel__shadow_block block = run->shadow.blocks[index];
    if (cupel_resize(run->setup->allocator, block.base, block.size, block.align, new_size)) {
        move_in(run, index, block.base, new_size, false);
    } else {
        check_untouched(run, index, "a resize");
    }
}

static void remap(struct run *run, unsigned flags) {
    size_t index = draw_index(run);
    size_t new_size = draw_size(run);
    const struct cupel__shadow_block block = run->shadow.blocks[index];
    struct cupel_allocator *allocator = run->setup->allocator;
    uint64_t before = injected(run);
    void *base = allocator->ops->remap(allocator, block.base, block.size, block.align, new_size, flags, CUPEL_SITE());
    if (base == NULL) {
        check_untouched(run, index, "a move");
        if (!may_retry(run, before, "a move", new_size, block.align)) {
            return;
        }
        arm(run, false);
        base = allocator->ops->remap(allocator, block.base, block.size, block.align, new_size, flags, CUPEL_SITE());
        arm(run, true);
        if (base == NULL) {
            (void)may_retry(run, injected(run), "a move after a fault", new_size, block.align);
            return;
        }
    }
    move_in(run, index, base, new_size, (flags & CUPEL_ZEROED) != 0);
}

/* Requests that no allocator can meet: they must be refused, and change nothing. */
static void ask_too_much(struct run *run) {
    static const size_t bases[] = {SIZE_MAX, (size_t)PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1 + 4096, SIZE_MAX / 2 + 65536};
    size_t size = bases[cupel_draw_uint(run->bytes, "beyond", 0, 3)] -
                  cupel_draw_size(run->bytes, "less", 0, 2 * run->setup->align_max + 8192);
    size_t align = draw_align(run);
    bool is_move = run->shadow.count > 0 && cupel_draw_bool(run->bytes, "by a move");
    struct cupel_allocator *allocator = run->setup->allocator;
    void *base;
    if (is_move) {
        size_t index = draw_index(run);
        const struct cupel__shadow_block block = run->shadow.blocks[index];
        if (cupel_resize(allocator, block.base, block.size, block.align, size)) {
            stop(run, CUPEL_OPS_BROKEN, "a resize to %zu bytes was granted", size);
        }
        base = cupel_realloc(allocator, block.base, block.size, block.align, size);
        check_untouched(run, index, "an impossible move");
    } else {
        base = allocator->ops->acquire(allocator, size, align, cupel_draw_bool(run->bytes, "zeroed") ? CUPEL_ZEROED : 0,
                                       CUPEL_SITE());
    }
    if (base != NULL) {
        stop(run, CUPEL_OPS_BROKEN, "an allocation of %zu bytes was granted", size);
    }
    run->report->refused++;
}

static void ask_bad_alignment(struct run *run) {
    static const size_t aligns[] = {0, 3, 24, 6, 65535, SIZE_MAX, CUPEL_ALIGN_MAX << 1, ~(SIZE_MAX >> 1)};
    size_t align = aligns[cupel_draw_uint(run->bytes, "bad alignment", 0, 7)];
    size_t size = draw_size(run);
    if (!run->setup->is_malloc && cupel_alloc(run->setup->allocator, size, align) != NULL) {
        stop(run, CUPEL_OPS_BROKEN, "an alignment of %zu was accepted", align);
    }
    run->report->refused++;
}

static void ask_hopelessly(struct run *run, void (*ask)(struct run *run)) {
    void (*on_hopeless)(bool begins) = run->setup->on_hopeless;
    if (on_hopeless != NULL) {
        on_hopeless(true);
    }
    ask(run);
    if (on_hopeless != NULL) {
        on_hopeless(false);
    }
}

/* What an allocator says may be used is used. */
static void use_all(struct run *run) {
    const struct cupel__shadow_block *block = &run->shadow.blocks[draw_index(run)];
    size_t usable = cupel_usable(run->setup->allocator, block->base, block->size, block->align);
    if (usable < block->size) {
        stop(run, CUPEL_OPS_BROKEN, "only %zu of %zu bytes are usable", usable, block->size);
    } else if (!run->setup->is_malloc) {
        size_t slack = usable - block->size;
        memset(block->base + block->size, 0xee, slack < 4096 ? slack : 4096);
    }
}

static void check_all(struct run *run) {
    for (size_t i = 0; i < run->shadow.count; i++) {
        const struct cupel__shadow_block *block = &run->shadow.blocks[i];
        if (!cupel__shadow_holds(block, block->base, block->size)) {
            stop(run, CUPEL_OPS_BROKEN, "the contents of the block of %zu bytes at %p have changed", block->size,
                 (void *)block->base);
            return;
        }
    }
}

/* Lifetimes differ: one block, all of them, or every other one, which leaves holes. */
static void release_some(struct run *run) {
    static const char *const which[] = {"one", "the oldest", "the newest", "every other", "all"};
    unsigned picked = cupel_draw_pick(run->bytes, "which", which, 5);
    if (picked == 0) {
        release(run, draw_index(run));
    } else if (picked == 1) {
        release(run, 0);
    } else if (picked == 2) {
        release(run, run->shadow.count - 1);
    } else {
        size_t step = picked == 3 ? 1 : 0;
        for (size_t i = 0; i < run->shadow.count && run->verdict == CUPEL_OPS_OK; i += step) {
            release(run, i);
        }
    }
}

static void operate(struct run *run) {
    static const char *const names[] = {"acquire",      "release",   "acquire zeroed", "remap",
                                        "resize",       "release",   "acquire",        "remap zeroed",
                                        "ask too much", "bad align", "use all",        "check all"};
    unsigned name = cupel_draw_pick(run->bytes, "operation", names, sizeof names / sizeof names[0]);
    bool needs_block = name == 1 || name == 3 || name == 4 || name == 5 || name == 7 || name == 10;
    run->report->operations++;
    if (needs_block && run->shadow.count == 0) {
        name = 0;
    }
    switch (name) {
    case 0:
    case 6:
        acquire(run, 0);
        break;
    case 1:
    case 5:
        release_some(run);
        break;
    case 2:
        acquire(run, CUPEL_ZEROED);
        break;
    case 3:
        remap(run, 0);
        break;
    case 4:
        resize(run);
        break;
    case 7:
        remap(run, CUPEL_ZEROED);
        break;
    case 8:
        ask_hopelessly(run, ask_too_much);
        break;
    case 9:
        ask_hopelessly(run, ask_bad_alignment);
        break;
    case 10:
        use_all(run);
        break;
    default:
        check_all(run);
        break;
    }
    check_counts(run);
}

enum cupel_ops_verdict cupel_alloc_ops(struct cupel_bytes *bytes, const struct cupel_ops_setup *setup,
                                       struct cupel_ops_report *report) {
    size_t align_max = setup->align_max == 0 ? 65536 : setup->align_max;
    struct run run = {.bytes = bytes,
                      .setup = setup,
                      .report = report,
                      .size_max = setup->size_max == 0 ? 20000 : setup->size_max,
                      .align_max_log2 = 63 - (unsigned)__builtin_clzll(align_max)};
    unsigned operations_max = setup->operations_max == 0 ? 4096 : setup->operations_max;
    *report = (struct cupel_ops_report){.operations = 0};
    cupel__shadow_init(&run.shadow);
    while (run.verdict == CUPEL_OPS_OK && report->operations < operations_max &&
           cupel_draw_more(bytes, "another operation")) {
        operate(&run);
    }
    if (run.verdict != CUPEL_OPS_BROKEN) {
        check_all(&run);
    }
    while (run.verdict != CUPEL_OPS_BROKEN && run.shadow.count > 0) {
        release(&run, run.shadow.count - 1);
    }
    check_counts(&run);
    return run.verdict;
}
