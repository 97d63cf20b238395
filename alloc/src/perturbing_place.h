/* Where the perturbing layer puts blocks: what stands between it and its parent. Nothing is filled here. What becomes
 * of a block is a pure function of the placement and of its size and alignment, so that a release needs no header. */
#ifndef ALLOC_SRC_PERTURBING_PLACE_H
#define ALLOC_SRC_PERTURBING_PLACE_H

#include "alloc/perturbing.h"

void *cupel__place_acquire(struct cupel_perturbing *layer, size_t size, size_t align, unsigned flags, const void *site);
bool cupel__place_resize(struct cupel_perturbing *layer, void *block, size_t size, size_t align, size_t new_size,
                         const void *site);
void cupel__place_release(struct cupel_perturbing *layer, void *block, size_t size, size_t align, const void *site);
/* Releases all that is held back, and slabs without a live block. */
void cupel__place_flush(struct cupel_perturbing *layer);

#endif
