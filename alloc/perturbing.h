/* Layer: grants what its parent grants, and varies what no caller may rely on: which bytes stand in fresh and in freed
 * memory, and where blocks are placed. A bug that hides while memory happens to be zero, or while neighbours happen to
 * keep their distance, shows itself under one of these.
 *
 *     fresh      each byte of an acquired or grown block that was not asked for zeroed has this value
 *     freed      each byte of a block has this value before it is released
 *     placement  parent      where the parent puts it
 *                reused      the block released last, of these that are large enough, is handed out at once
 *                never       no address is handed out twice while the layer lives (as far as its quarantine goes:
 *                            32768 blocks, 64 MiB)
 *                adjacent    small blocks stand one behind the other with nothing between, as far as alignment allows
 *                misaligned  to what was asked for and to no more: 16 bytes, say, but never 32
 *
 * Placements but the parent's move a block with each remap. Of blocks over 1 MiB only the first MiB is filled. Memory
 * that is held back is hidden from the sanitizers and memcheck, and what is filled stays undefined to them.
 *
 * Locking: any number of threads, as far as the parent bears them. Cost: the filling, a lock where a placement keeps
 * blocks, and some 10 ns. */
#ifndef ALLOC_PERTURBING_H
#define ALLOC_PERTURBING_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_placement {
    CUPEL_PLACEMENT_PARENT,
    CUPEL_PLACEMENT_REUSED,
    CUPEL_PLACEMENT_NEVER,
    CUPEL_PLACEMENT_ADJACENT,
    CUPEL_PLACEMENT_MISALIGNED,
    CUPEL_PLACEMENT_COUNT
};

/* All zero: nothing is varied. */
struct cupel_perturbing_options {
    enum cupel_placement placement;
    bool fills_fresh, fills_freed;
    unsigned char fresh, freed; /* the byte, where it fills */
};

struct cupel__held_block; /* private: a block that is held back */
struct cupel__slab;       /* private: what adjacent blocks are cut from */

struct cupel_perturbing {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_perturbing_options options;
    bool is_watched; /* by memcheck */
    /* Private, under `lock`. */
    pthread_mutex_t lock;
    struct cupel__held_block *held; /* a ring */
    size_t held_first, held_count, held_bytes;
    struct cupel__slab *slabs; /* all, the one that is cut from first */
};

/* Options that a seed gives: each of the three left as it is in one case of four, else drawn. A pure function. */
struct cupel_perturbing_options cupel_perturbing_choose(uint64_t seed);
/* Parses words joined by commas: "seed:N" as cupel_perturbing_choose, "fresh:BYTE", "freed:BYTE" (0 to 255, or 0x..),
 * "placement:" and one of the words above; a later word wins. "" varies nothing. False and a text with the column, from
 * 1, on a malformed text; `error` may be NULL. */
bool cupel_perturbing_parse(struct cupel_perturbing_options *options, const char *text, struct cupel_error *error);
/* Writes options as text that parses to the same; as snprintf. */
int cupel_perturbing_format(const struct cupel_perturbing_options *options, char *text, size_t size);

/* The layer over `parent` (borrowed). Cannot fail. Give back what it holds with cupel_perturbing_deinit. */
struct cupel_allocator *cupel_perturbing_init(struct cupel_perturbing *perturbing, struct cupel_allocator *parent,
                                              const struct cupel_perturbing_options *options);
/* Releases what is held back. Blocks that are live stay with the parent, and can only be released as below. */
void cupel_perturbing_deinit(struct cupel_perturbing *perturbing);
/* Releases a block that outlived its layer, which had that placement, to what was the layer's parent. */
void cupel_perturbing_release_late(enum cupel_placement placement, struct cupel_allocator *parent, void *block,
                                   size_t size, size_t align);

#ifdef __cplusplus
}
#endif

#endif
