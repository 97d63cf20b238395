/* The same calls as in bench_trace_calls.c, with frame pointers. */
#define BENCH_NAME(name) name##_chained
#include "alloc/bench/bench_trace_calls.c" // NOLINT(bugprone-suspicious-include)
