/* The boot arena: static memory for the malloc family before there is an allocator. Private to the facade. Thread-safe
 * without locks. */
#ifndef ALLOC_SRC_FACADE_BOOT_H
#define ALLOC_SRC_FACADE_BOOT_H

#include <stdbool.h>
#include <stddef.h>

/* A block, not necessarily zero; NULL where the arena has no room. align must be a power of two. */
void *cupel__boot_acquire(size_t size, size_t align);
/* The size of a live block of the arena; false where there is none that begins at this address. */
bool cupel__boot_size(const void *block, size_t *size);
/* False, with no effect, where no live block begins at this address. */
bool cupel__boot_release(void *block);

#endif
