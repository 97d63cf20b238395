/* Layer: knows every live block and where it came from. Release is O(1) with a million live blocks: the record is found
 * by the block's address in a hash index, whose memory comes from mmap. One thread at a time. */
#ifndef ALLOC_TRACKING_H
#define ALLOC_TRACKING_H

#include "alloc/alloc.h"
#include "alloc/index.h"

#include <stdio.h>

enum { CUPEL_TRACKING_FRAMES = 8 };

enum cupel_tracking_finding {
    CUPEL_TRACKING_OK,
    CUPEL_TRACKING_UNKNOWN_BLOCK,
    CUPEL_TRACKING_WRONG_SIZE,
    CUPEL_TRACKING_WRONG_ALIGN
};

struct cupel_tracking {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_index index;
    uint64_t live_bytes;
    uint64_t serial;
    uint64_t
        findings; /* releases and resizes of unknown blocks, or with a wrong size or alignment: refused and counted */
    void (*on_finding)(void *user, enum cupel_tracking_finding finding, const void *block, size_t size, size_t align,
                       const void *site);
    void *user;
};

struct cupel_allocator *cupel_tracking_init(struct cupel_tracking *tracking, struct cupel_allocator *parent);
/* Gives the index's memory back; live blocks stay with the parent. */
void cupel_tracking_deinit(struct cupel_tracking *tracking);
uint64_t cupel_tracking_live_blocks(const struct cupel_tracking *tracking);
/* Prints live blocks grouped by site, largest group first; returns the number of blocks. */
uint64_t cupel_tracking_print(const struct cupel_tracking *tracking, FILE *out);

#endif
