/* Growing arrays on an allocator, for this room: the caller keeps items, count and capacity. */
#ifndef COVERAGE_SRC_VECTOR_H
#define COVERAGE_SRC_VECTOR_H

#include "alloc/alloc.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for one more item. `*items` is the array's pointer; false, and all as it was, when out of memory. */
bool cupel__cover_grow(struct cupel_allocator *allocator, void *items, size_t *capacity, size_t count,
                       size_t item_size);
/* A terminated copy of length + 1 bytes; NULL when out of memory. */
char *cupel__cover_copy(struct cupel_allocator *allocator, const char *text, size_t length);
/* Frees such a copy; NULL is allowed. */
void cupel__cover_free_copy(struct cupel_allocator *allocator, char *text);

#endif
