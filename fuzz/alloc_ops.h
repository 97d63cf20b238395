/* The operations fuzzer for allocators: bytes become a sequence of allocations, resizes, moves and releases on any
 * allocator, checked step by step against a shadow model. One core serves the fuzz target alloc_ops, tests over foreign
 * allocators, and `cupel alloc check`.
 *
 * What is checked after every step: alignment, no overlap, contents kept over moves, zeroed blocks really zero, invalid
 * and overflowing requests refused, nothing changed by a failure, the next call after a failure succeeds, usable sizes,
 * and the totals of a counting layer. At the end every block is released.
 *
 * No heap of its own. One thread at a time. */
#ifndef FUZZ_ALLOC_OPS_H
#define FUZZ_ALLOC_OPS_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "harness/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_OPS_LIVE_MAX = 64 };

enum cupel_ops_verdict {
    CUPEL_OPS_OK,      /* every promise was kept */
    CUPEL_OPS_BROKEN,  /* a promise was broken: the report says which; live blocks are left alone */
    CUPEL_OPS_STARVED, /* a modest request failed for no reason known here; all blocks were released */
};

/* What is known of the allocator. A zeroed struct with `allocator` set is a fair start. */
struct cupel_ops_setup {
    struct cupel_allocator *allocator;  /* under test */
    const struct cupel_counts *counts;  /* of the counting layer that is outermost; NULL: none */
    struct cupel_failing *const *fails; /* failing layers somewhere below, outermost first */
    unsigned fail_count;
    uint64_t capacity_bytes; /* where the backing memory is bounded: any failure has a reason then; 0: unbounded */
    size_t size_max;         /* the largest ordinary request, default 20 000; overflowing ones are asked anyway */
    size_t align_max;        /* the largest valid alignment asked, a power of two, default 64 KiB */
    unsigned operations_max; /* default 4096 */
    bool is_malloc;          /* a malloc family behind an adapter: alignments that are no power of two are not asked */
    /* Called before and after each request that no allocator can meet: a fault injected there may be absorbed, because
     * the request fails anyway. NULL: nobody injects faults but `fails`. */
    void (*on_hopeless)(bool begins);
};

struct cupel_ops_report {
    struct cupel_error error; /* BROKEN and STARVED: what, and at which operation (1 for the first) as `column` */
    uint64_t operations;
    uint64_t succeeded; /* requests for memory that were met */
    uint64_t refused;   /* and that were not */
    size_t live_peak;   /* blocks */
};

/* Runs the operations that `bytes` spell, then releases all. Every draw is labelled. */
enum cupel_ops_verdict cupel_alloc_ops(struct cupel_bytes *bytes, const struct cupel_ops_setup *setup,
                                       struct cupel_ops_report *report);

#ifdef __cplusplus
}
#endif

#endif
