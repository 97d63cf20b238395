/* What engine targets allocate from: malloc, or another root, with the least counting that finds a leak. It is part of
 * the harness, which is not instrumented in the fuzz variants, so that engines see the code under test and not the
 * counting of it, and pay little for it. One thread at a time. */
#ifndef HARNESS_SRC_METER_H
#define HARNESS_SRC_METER_H

#include "alloc/alloc.h"

struct cupel__meter {
    struct cupel_allocator base;
    struct cupel_allocator *parent; /* cupel_libc(), for what is not plain; or another root, for all */
    uint64_t address_sum; /* of live blocks: 0 when all was released, and a leak and a double release do not cancel */
};

/* Starts from zero, over `root`, which must outlive it, or over the C library where that is NULL. Cannot fail; nothing
 * to give back. */
struct cupel_allocator *cupel__meter_init(struct cupel__meter *meter, struct cupel_allocator *root);
bool cupel__meter_is_balanced(const struct cupel__meter *meter);

#endif
