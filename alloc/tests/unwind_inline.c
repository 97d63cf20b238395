/* See unwind_inline.h. */
#include "alloc/tests/unwind_inline.h"

#define INLINED __attribute__((always_inline)) static inline

const int unwind_inline_innermost = 15, unwind_inline_next = 20;

__attribute__((noinline)) static cupel_trace_id take(void) {
    struct cupel_trace_start start = cupel_trace_start_here();
    return cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 4);
}

/* What comes after the calls keeps them from being jumps. */
INLINED cupel_trace_id innermost_inlined(volatile unsigned *count) {
    cupel_trace_id id = take();
    ++*count;
    return id;
}
INLINED cupel_trace_id next_inlined(volatile unsigned *count) {
    return innermost_inlined(count) + (*count & 0);
}

__attribute__((noinline)) cupel_trace_id unwind_inline_take(void) {
    volatile unsigned count = 0;
    return next_inlined(&count);
}
