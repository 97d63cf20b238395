/* What bench_index and its preloaded library share: the log of all allocations of a program, and the record of a live
 * block, which is as small as the seed of the memtable has it: an extent and the site of the allocation. */
#ifndef ALLOC_BENCH_INDEX_LOG_H
#define ALLOC_BENCH_INDEX_LOG_H

#include "alloc/index.h"

#define INDEX_LOG_FREED UINT64_MAX

struct index_log_entry {
    uint64_t base;
    uint64_t size; /* INDEX_LOG_FREED: it was freed */
};

struct index_record {
    struct cupel_extent extent;
    const void *site;
};

#endif
