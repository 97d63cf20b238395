/* The supply of addresses of one instance: reserved in growing pieces, handed out once. Under the instance's lock. */
#ifndef ALLOC_SRC_DEBUG_ADDRESSES_H
#define ALLOC_SRC_DEBUG_ADDRESSES_H

#include "alloc/src/debug_state.h"

/* A fresh range of `length` bytes (a multiple of CUPEL__UNIT), with no permissions; NULL where the budget is spent or
 * the system refuses. Over a backing allocator: memory of its, readable and writable. */
unsigned char *cupel__addresses_take(struct cupel__debug *debug, size_t length);
/* Undoes the last take, of that range: nobody has seen it. */
void cupel__addresses_untake(struct cupel__debug *debug, const unsigned char *range);
/* Gives everything back to the system. */
void cupel__addresses_deinit(struct cupel__debug *debug);

#endif
