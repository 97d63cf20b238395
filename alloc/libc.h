/* The root that stands on the C library's malloc family. Thread-safe, holds no state, may be copied. */
#ifndef ALLOC_LIBC_H
#define ALLOC_LIBC_H

#include "alloc/alloc.h"

/* The one instance. Alignments over malloc's own go through aligned_alloc. */
struct cupel_allocator *cupel_libc(void);

#endif
