/* Layer: knows every live block and where it came from, and refuses releases and resizes that do not fit one.
 *
 * A request for a block that is not live, or with another size or alignment than the block has, is a finding: it is
 * counted and told to on_finding, the parent never hears of it, and the block stays live. Records stand in a hash index
 * (alloc/index.h), whose memory does not come from malloc.
 *
 * Locking: one thread at a time. Cost: some 10 ns an acquire and 2 a frame (see `unwinds`), and O(1) a release however
 * many blocks are live; about 150 bytes a block. */
#ifndef ALLOC_TRACKING_H
#define ALLOC_TRACKING_H

#include "alloc/alloc.h"
#include "alloc/index.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Stacks are as deep as the index keeps them. */
enum { CUPEL_TRACKING_FRAMES = CUPEL_INDEX_FRAMES, CUPEL_TRACKING_REFUSALS = 4 };

enum cupel_tracking_finding {
    CUPEL_TRACKING_OK,
    CUPEL_TRACKING_UNKNOWN_BLOCK, /* never acquired here, released already, or an address inside a block */
    CUPEL_TRACKING_WRONG_SIZE,
    CUPEL_TRACKING_WRONG_ALIGN
};

/* A request that was refused, as its caller made it. */
struct cupel_tracking_refusal {
    enum cupel_tracking_finding finding;
    const char *verb; /* "released" or "resized" */
    const void *base;
    size_t size;
    size_t align;
    struct cupel_block block; /* that was meant, as it was then; base NULL where there is none */
    unsigned frame_count;
    const void *frames[CUPEL_TRACKING_FRAMES]; /* of the request */
};

struct cupel_tracking {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_index index; /* the live blocks; frames[0] is the caller's site */
    bool unwinds; /* false: stacks are chains of frame pointers; true: of unwinding tables, 1 us and 100 ns a frame
                     each. May be set at any time */
    uint64_t live_bytes;
    uint64_t serial;                                                 /* of the latest block */
    uint64_t findings;                                               /* requests that were refused */
    struct cupel_tracking_refusal refusals[CUPEL_TRACKING_REFUSALS]; /* the first of them */
    /* Called for each finding with what the caller said; NULL: only counted. It may read the index (the block that was
     * meant is cupel_index_at or cupel_index_containing), and must not call the layer. */
    void (*on_finding)(void *user, enum cupel_tracking_finding finding, const void *block, size_t size, size_t align,
                       const void *site);
    void *user;
};

/* Starts over `parent` (borrowed) with no block. Cannot fail; give the memory back with cupel_tracking_deinit. */
struct cupel_allocator *cupel_tracking_init(struct cupel_tracking *tracking, struct cupel_allocator *parent);
/* Gives the index's memory back; live blocks stay with the parent. */
void cupel_tracking_deinit(struct cupel_tracking *tracking);
uint64_t cupel_tracking_live_blocks(const struct cupel_tracking *tracking);
/* Prints live blocks grouped by the stack that acquired them, the group with most bytes first: numbers, serials, and a
 * line a frame with the function's name and `module+offset` as addr2line -e takes it. Returns the number of live
 * blocks. Prints less (only the number) where memory for the grouping cannot be had. */
uint64_t cupel_tracking_print(const struct cupel_tracking *tracking, FILE *out);
/* Prints the first CUPEL_TRACKING_REFUSALS refused requests: what was said, what is true, where the request was made
 * and where the block was acquired. Returns the number of findings; prints nothing where there are none. */
uint64_t cupel_tracking_print_findings(const struct cupel_tracking *tracking, FILE *out);
/* A word for a finding, such as "wrong size". */
const char *cupel_tracking_finding_name(enum cupel_tracking_finding finding);

#ifdef __cplusplus
}
#endif

#endif
