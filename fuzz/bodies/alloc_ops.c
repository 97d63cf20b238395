/* Goal: no sequence of operations breaks an allocator's promises, whatever layers it is built of, with a backing that
 * fails and one that runs out. Method: a stack of layers is drawn, the operations fuzzer runs over it, and then nothing
 * may be left at its bottom. */
#include "fuzz/alloc_ops.h"
#include "alloc/arena.h"
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/logging.h"
#include "alloc/pages.h"
#include "alloc/tracking.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { LAYERS_MAX = 4, FIXED_MAX = 1 << 16 };

/* Storage of one stack: at most one layer of each kind, but two that fail. */
struct stack {
    struct cupel_allocator *top;
    struct cupel_counting bottom, counting;
    struct cupel_fixed fixed;
    struct cupel_arena arena;
    struct cupel_tracking tracking;
    struct cupel_logging logging;
    struct cupel_failing failing[2];
    struct cupel_failing *fails[2];
    unsigned fail_count;
    size_t capacity; /* of the fixed buffer; 0: none */
    bool has_arena, has_tracking, has_logging, is_counted;
    int null_device;
};

static void draw_plan(struct cupel_bytes *bytes, char *text, size_t size) {
    static const char *const calls[] = {"alloc", "grow", "any"};
    static const char *const shapes[] = {"Nth", "from the Nth", "two", "every Nth", "percent", "budget"};
    const char *call = calls[cupel_draw_pick(bytes, "failing call", calls, 3)];
    unsigned shape = cupel_draw_pick(bytes, "failing when", shapes, 6);
    unsigned n = (unsigned)cupel_draw_uint(bytes, "N", 1, 64);
    int length;
    switch (shape) {
    case 0:
        length = snprintf(text, size, "%s:%u", call, n);
        break;
    case 1:
        length = snprintf(text, size, "%s:%u+", call, n);
        break;
    case 2:
        length = snprintf(text, size, "%s:%u,%u", call, n, n + 1 + n / 2);
        break;
    case 3:
        length = snprintf(text, size, "%s:*/%u", call, n);
        break;
    case 4:
        length = snprintf(text, size, "%s:%u%%", call, n);
        break;
    default:
        length = snprintf(text, size, "%s:>%u", call, n * 512);
        break;
    }
    if (cupel_draw_bool(bytes, "only some sizes")) {
        unsigned low = (unsigned)cupel_draw_uint(bytes, "size from", 0, 4096);
        (void)snprintf(text + length, size - (size_t)length, "@size=%u..%u", low, low + 64 * n);
    }
}

static void add_failing(struct stack *stack, struct cupel_bytes *bytes) {
    char plan[96];
    struct cupel_error error;
    struct cupel_failing *failing = &stack->failing[stack->fail_count];
    draw_plan(bytes, plan, sizeof plan);
    struct cupel_allocator *top = cupel_failing_init(failing, stack->top, plan, &error);
    REQUIRE(top != NULL);
    stack->top = top;
    stack->fails[stack->fail_count++] = failing;
}

static void add_arena(struct stack *stack, struct cupel_bytes *bytes) {
    struct cupel_arena_options options = {.page_size = cupel_draw_uint(bytes, "page size", 512, 16384)};
    stack->top = cupel_arena_init(&stack->arena, stack->top, &options);
    stack->has_arena = true;
}

/* An arena and the index of tracking do what addresses tell them, so they stand only on roots that give the same ones
 * in every run: AFL++ calls a target unstable whose path is not in its input. */
static void add_layer(struct stack *stack, struct cupel_bytes *bytes, bool has_fixed_addresses) {
    static const char *const names[] = {"failing", "logging", "tracking", "arena"};
    switch (cupel_draw_pick(bytes, "layer", names, has_fixed_addresses ? 4 : 2)) {
    case 0:
        if (stack->fail_count < 2) {
            add_failing(stack, bytes);
        }
        break;
    case 2:
        if (!stack->has_tracking) {
            stack->top = cupel_tracking_init(&stack->tracking, stack->top);
            stack->has_tracking = true;
        }
        break;
    case 3:
        if (!stack->has_arena) {
            add_arena(stack, bytes);
        }
        break;
    default:
        if (!stack->has_logging) {
            stack->null_device = open("/dev/null", O_WRONLY | O_CLOEXEC);
            stack->top = cupel_logging_init(&stack->logging, stack->top, stack->null_device);
            stack->has_logging = true;
        }
        break;
    }
}

/* Whether the kernel lets pages grow in place hangs on what else is mapped, which is not the input's doing either:
 * under AFL++ the whole fixed buffer stands in for them. */
static void build_on_pages(struct stack *stack, unsigned char *memory) {
#ifdef __AFL_COMPILER
    stack->capacity = FIXED_MAX;
    stack->top = cupel_fixed_init(&stack->fixed, memory, FIXED_MAX);
#else
    (void)memory;
    stack->top = cupel_pages();
#endif
}

static void build(struct stack *stack, struct cupel_bytes *bytes, struct cupel_allocator *a) {
    static const char *const roots[] = {"test allocator", "fixed", "pages"};
    static _Alignas(4096) unsigned char memory[FIXED_MAX];
    unsigned root = cupel_draw_pick(bytes, "root", roots, 3);
    *stack = (struct stack){.top = a, .null_device = -1};
    if (root == 1) {
        stack->capacity = 1 + cupel_draw_size(bytes, "capacity", 0, FIXED_MAX - 1);
        stack->top = cupel_fixed_init(&stack->fixed, memory + FIXED_MAX - stack->capacity, stack->capacity);
    } else if (root == 2) {
        build_on_pages(stack, memory);
    }
    stack->top = cupel_counting_init(&stack->bottom, stack->top);
    for (unsigned i = 0; i < LAYERS_MAX && cupel_draw_bool(bytes, "another layer"); i++) {
        add_layer(stack, bytes, root != 0);
    }
    stack->is_counted = cupel_draw_bool(bytes, "counting on top");
    if (stack->is_counted) {
        stack->top = cupel_counting_init(&stack->counting, stack->top);
    }
}

/* Outermost first; afterwards nothing of this stack is live. */
static void take_down(struct stack *stack) {
    if (stack->has_tracking) {
        CHECK_UINT_EQ(stack->tracking.findings, 0);
        CHECK_UINT_EQ(cupel_tracking_live_blocks(&stack->tracking), stack->has_arena ? stack->tracking.index.count : 0);
    }
    if (stack->has_arena) {
        cupel_arena_deinit(&stack->arena);
    }
    if (stack->has_tracking) {
        CHECK_UINT_EQ(cupel_tracking_live_blocks(&stack->tracking), 0);
        cupel_tracking_deinit(&stack->tracking);
    }
    if (stack->has_logging) {
        CHECK(cupel_logging_deinit(&stack->logging));
        (void)close(stack->null_device);
    }
    CHECK(cupel_counts_are_balanced(&stack->bottom.counts));
}

/* Fails anyway, so a fault that a sweep injects there is no news. */
static void excuse_hopeless(bool begins) {
    if (begins) {
        cupel_benign_begin();
    } else {
        cupel_benign_end();
    }
}

PROPERTY(alloc, ops, .longest = 4096) {
    struct stack stack;
    build(&stack, bytes, a);
    struct cupel_ops_setup setup = {.allocator = stack.top,
                                    .counts = stack.is_counted ? &stack.counting.counts : NULL,
                                    .fails = stack.fails,
                                    .fail_count = stack.fail_count,
                                    .capacity_bytes = stack.capacity,
                                    .on_hopeless = excuse_hopeless};
    struct cupel_ops_report report;
    enum cupel_ops_verdict verdict = cupel_alloc_ops(bytes, &setup, &report);
    if (verdict == CUPEL_OPS_BROKEN) {
        REQUIRE_FAIL("operation %u: %s", report.error.column, report.error.text);
    }
    take_down(&stack);
    STARVED(verdict == CUPEL_OPS_STARVED);
}
