/* The engine targets' own counting layer: the least that finds a leak. It is part of the harness, which is not
 * instrumented in the fuzz variants, so that engines see the code under test and not the counting of it, and pay little
 * for it. One thread at a time. */
#ifndef HARNESS_SRC_METER_H
#define HARNESS_SRC_METER_H

#include "alloc/alloc.h"

struct cupel__meter {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t address_sum; /* of live blocks: a leak and a double release do not cancel in it */
};

struct cupel_allocator *cupel__meter_init(struct cupel__meter *meter, struct cupel_allocator *parent);
bool cupel__meter_is_balanced(const struct cupel__meter *meter);

#endif
