/* The root over a buffer of the caller's: blocks are cut from its front one behind the other, and nothing beyond it is
 * ever touched or asked for. For code with no heap, and for a capacity that a test wants to run out of.
 *
 * The last block grows, shrinks and is given back in place; the bytes of other released blocks come back only with
 * cupel_fixed_reset (and a block that must move takes new room before it leaves the old). Padding that an alignment
 * needed comes back with the reset alone. When the room does not suffice a request fails and changes nothing.
 *
 * Locking: one thread at a time. Async-signal-safe for a buffer of the handler's own. Cost: O(1). */
#ifndef ALLOC_FIXED_H
#define ALLOC_FIXED_H

#include "alloc/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_fixed {
    struct cupel_allocator base;
    unsigned char *memory; /* the caller's, borrowed */
    size_t capacity;       /* bytes at memory */
    size_t used;           /* bytes of it that are taken, padding included */
    size_t used_peak;
};

/* Starts over `capacity` bytes at `memory`, which may be NULL where capacity is 0. A memory of any alignment will do.
 * Cannot fail; nothing to give back. */
struct cupel_allocator *cupel_fixed_init(struct cupel_fixed *fixed, void *memory, size_t capacity);
/* Gives all blocks back at once. */
void cupel_fixed_reset(struct cupel_fixed *fixed);

#ifdef __cplusplus
}
#endif

#endif
