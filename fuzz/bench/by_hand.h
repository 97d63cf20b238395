/* The rival of the bench: the work of alloc_ops as one writes it by hand for libFuzzer. */
#ifndef FUZZ_BENCH_BY_HAND_H
#define FUZZ_BENCH_BY_HAND_H

#include <stddef.h>
#include <stdint.h>

/* As LLVMFuzzerTestOneInput; returns 0, and aborts where the allocator breaks a promise. */
int cupel__by_hand(const uint8_t *data, size_t size);

#endif
