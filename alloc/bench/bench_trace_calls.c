/* Calls to walk over, in code of its own so that it can be compiled with and without frame pointers. */
#include "alloc/bench/bench_trace_calls.h"

/* Three functions with different frames, by the bits of `path`. What comes after the call keeps it from being a jump.
 */
#define CALLER(name, size)                                                                                             \
    __attribute__((noinline)) static unsigned long BENCH_NAME(name)(unsigned depth, unsigned long path,                \
                                                                    bench_leaf leaf, void *user) {                     \
        volatile char frame[size];                                                                                     \
        frame[0] = (char)depth;                                                                                        \
        unsigned long result = BENCH_NAME(next)(depth, path, leaf, user);                                              \
        return result + (unsigned char)frame[0];                                                                       \
    }

static unsigned long BENCH_NAME(next)(unsigned depth, unsigned long path, bench_leaf leaf, void *user);
CALLER(narrow, 8)
CALLER(wide, 200)
CALLER(middling, 48)

static inline unsigned long BENCH_NAME(next)(unsigned depth, unsigned long path, bench_leaf leaf, void *user) {
    if (depth == 0) {
        return leaf(user);
    }
    switch (path % 4) {
    case 0:
        return BENCH_NAME(narrow)(depth - 1, path / 4, leaf, user);
    case 1:
        return BENCH_NAME(wide)(depth - 1, path / 4, leaf, user);
    default:
        return BENCH_NAME(middling)(depth - 1, path / 4, leaf, user);
    }
}

unsigned long BENCH_NAME(bench_calls)(unsigned depth, unsigned long path, bench_leaf leaf, void *user) {
    return BENCH_NAME(next)(depth, path, leaf, user);
}
