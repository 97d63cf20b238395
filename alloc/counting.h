/* Layer: counts blocks and bytes. One thread at a time, unless built with cupel_counting_init_shared (atomic counters).
 * `address_sum` adds each block's address at allocation and takes it off at release, so that a leak and a double free,
 * which cancel in the number, do not cancel here. */
#ifndef ALLOC_COUNTING_H
#define ALLOC_COUNTING_H

#include "alloc/alloc.h"

struct cupel_counts {
    uint64_t acquired; /* successful allocations, ever */
    uint64_t released;
    uint64_t resized; /* successful resizes and remaps */
    uint64_t failed;  /* requests that gave NULL or false from remap and acquire */
    uint64_t live_blocks;
    uint64_t live_blocks_peak;
    uint64_t live_bytes;
    uint64_t live_bytes_peak;
    uint64_t bytes_acquired; /* ever */
    uint64_t address_sum;    /* of live blocks, modulo 2^64; 0 when all was released */
};

struct cupel_counting {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_counts counts;
};

struct cupel_allocator *cupel_counting_init(struct cupel_counting *counting, struct cupel_allocator *parent);
struct cupel_allocator *cupel_counting_init_shared(struct cupel_counting *counting, struct cupel_allocator *parent);
/* True when nothing is live and the sum agrees. */
bool cupel_counts_are_balanced(const struct cupel_counts *counts);

#endif
