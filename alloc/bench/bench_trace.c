/* What a trace of 16 frames costs by each way to take one, against the C library's backtrace and libgcc's unwinder. */
#include "alloc/bench/bench_trace_calls.h"
#include "alloc/bench/measure.h"
#include "alloc/src/trace_walk.h"
#include "alloc/trace.h"

#include <execinfo.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

enum { FRAMES = 16, DEPTH = 20, CALLS = 2000, ROUNDS = 51, PATHS = 64 };

static struct cupel__trace_store walk_store; /* for walks that go round the memo */
static unsigned long sink;

static unsigned long count_ids(enum cupel_trace_mode mode) {
    unsigned long sum = 0;
    struct cupel_trace_start start = cupel_trace_start_here();
    for (unsigned i = 0; i < CALLS; i++) {
        sum += cupel_trace_take(mode, &start, NULL, FRAMES);
    }
    return sum;
}

static unsigned long by_memo(void *user) {
    (void)user;
    return count_ids(CUPEL_TRACE_TABLES);
}

static unsigned long by_memo_of_chain(void *user) {
    (void)user;
    return count_ids(CUPEL_TRACE_FRAME_POINTERS);
}

/* A walk and the id of what it gave, without the memo. */
static unsigned long walk(enum cupel_trace_mode mode) {
    unsigned long sum = 0;
    struct cupel__walk walk;
    walk.mode = mode;
    walk.max = FRAMES;
    walk.start = cupel_trace_start_here();
    walk.site = 0;
    (void)cupel__stack_find(walk.start.sp, &walk.stack);
    for (unsigned i = 0; i < CALLS; i++) {
        cupel__walk_clear(&walk);
        (void)cupel__walk(&walk, &walk_store);
        sum += cupel__trace_store_add(&walk_store, walk.frames, walk.count, walk.hash);
    }
    return sum;
}

static unsigned long by_walk(void *user) {
    (void)user;
    return walk(CUPEL_TRACE_TABLES);
}

static unsigned long by_walk_of_chain(void *user) {
    (void)user;
    return walk(CUPEL_TRACE_FRAME_POINTERS);
}

static unsigned long by_registers(void *user) {
    (void)user;
    struct cupel__walk walk;
    walk.mode = CUPEL_TRACE_TABLES;
    walk.max = FRAMES;
    walk.start = cupel_trace_start_here();
    walk.site = 0;
    for (unsigned i = 0; i < CALLS / 100; i++) {
        cupel__walk_clear(&walk);
        cupel__walk_slow(&walk, &walk_store);
    }
    return walk.count;
}

struct reference {
    unsigned count;
    uintptr_t frames[FRAMES];
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *user) {
    struct reference *reference = user;
    reference->frames[reference->count++] = _Unwind_GetIP(context);
    return reference->count < FRAMES ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static unsigned long by_libgcc(void *user) {
    (void)user;
    unsigned long sum = 0;
    for (unsigned i = 0; i < CALLS / 100; i++) {
        struct reference reference = {.count = 0};
        (void)_Unwind_Backtrace(visit, &reference);
        sum += reference.frames[FRAMES - 1];
    }
    return sum;
}

static unsigned long by_backtrace(void *user) {
    (void)user;
    unsigned long sum = 0;
    for (unsigned i = 0; i < CALLS / 100; i++) {
        void *frames[FRAMES];
        sum += (unsigned long)backtrace(frames, FRAMES);
    }
    return sum;
}

/* One round: the leaf below the frames of one kind. */
struct round {
    unsigned long (*calls)(unsigned depth, unsigned long path, bench_leaf leaf, void *user);
    bench_leaf leaf;
};

static void run_round(void *user) {
    const struct round *round = user;
    sink += round->calls(DEPTH, 0x1234567890, round->leaf, NULL);
}

/* From many stacks in turn, each time another one at the same place: how a program meets the memo on a bad day. */
static unsigned long one_id(void *user) {
    struct cupel_trace_start start = cupel_trace_start_here();
    return cupel_trace_take(*(const enum cupel_trace_mode *)user, &start, NULL, FRAMES);
}

static unsigned long no_id(void *user) {
    return *(const unsigned *)user;
}

static void run_many(void *user) {
    enum cupel_trace_mode mode = CUPEL_TRACE_TABLES;
    for (unsigned i = 0; i < CALLS; i++) {
        sink += bench_calls_plain(DEPTH, (i % PATHS) * 0x9e3779b97f4a7c15, (bench_leaf)(uintptr_t)user, &mode);
    }
}

int main(void) {
    static struct round rounds[] = {
        {bench_calls_plain, by_memo},
        {bench_calls_plain, by_walk},
        {bench_calls_plain, by_registers},
        {bench_calls_chained, by_memo_of_chain},
        {bench_calls_chained, by_walk_of_chain},
        {bench_calls_plain, by_libgcc},
        {bench_calls_plain, by_backtrace},
    };
    enum { KINDS = sizeof rounds / sizeof rounds[0] };
    static const unsigned calls[KINDS] = {CALLS, CALLS, CALLS / 100, CALLS, CALLS, CALLS / 100, CALLS / 100};
    struct measure_contender contenders[KINDS + 2];
    for (unsigned i = 0; i < KINDS; i++) {
        contenders[i] = (struct measure_contender){run_round, &rounds[i], 0};
    }
    contenders[KINDS] = (struct measure_contender){run_many, (void *)(uintptr_t)one_id, 0};
    contenders[KINDS + 1] = (struct measure_contender){run_many, (void *)(uintptr_t)no_id, 0};
    measure(contenders, KINDS + 2, ROUNDS);
    double ns[KINDS + 1];
    for (unsigned i = 0; i < KINDS; i++) {
        ns[i] = contenders[i].median_ns / calls[i];
    }
    ns[KINDS] = (contenders[KINDS].median_ns - contenders[KINDS + 1].median_ns) / CALLS;
    measure_row("trace of 16 frames by tables, the stack unchanged (rival: libgcc)", ns[0], ns[5], "ns", "aim 10 ns");
    measure_row("the same, 64 stacks in turn (rival: libgcc)", ns[KINDS], ns[5], "ns", "110 ns (aim 40 ns)");
    measure_row("the same, a walk each time (rival: libgcc)", ns[1], ns[5], "ns", "110 ns");
    measure_row("the same, with all registers, uncached (rival: libgcc)", ns[2], ns[5], "ns", "");
    measure_row("trace of 16 frames by frame pointers, the stack unchanged (rival: backtrace)", ns[3], ns[6], "ns", "");
    measure_row("the same, a walk each time (rival: backtrace)", ns[4], ns[6], "ns", "");
    return sink == 0;
}
