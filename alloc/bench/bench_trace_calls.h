/* Stacks of a wanted depth, one kind compiled without frame pointers and one with them. */
#ifndef ALLOC_BENCH_BENCH_TRACE_CALLS_H
#define ALLOC_BENCH_BENCH_TRACE_CALLS_H

typedef unsigned long (*bench_leaf)(void *user);

#ifndef BENCH_NAME
#define BENCH_NAME(name) name##_plain
#endif

/* Calls `leaf` below `depth` frames, of which each two bits of `path` choose one. */
unsigned long bench_calls_plain(unsigned depth, unsigned long path, bench_leaf leaf, void *user);
unsigned long bench_calls_chained(unsigned depth, unsigned long path, bench_leaf leaf, void *user);

#endif
