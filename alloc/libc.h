/* The root that stands on the C library's malloc family, and so on whatever stands behind it: a sanitizer, valgrind, a
 * preloaded allocator.
 *
 * Alignments up to malloc's own go to malloc, calloc and realloc; larger ones to posix_memalign, and their blocks move
 * by copying. A resize in place succeeds where malloc_usable_size says that the bytes are there already: growth into
 * them, and every shrink, which then keeps its memory until the release. Under a sanitizer a block that was shrunk in
 * place may therefore be touched up to its old size unseen; remap hands the tail back and has no such gap.
 *
 * A sanitizer ends the process at a request that is too large for it; here such a request gives NULL as any other.
 *
 * Locking: thread-safe, holds no state. Not for signal handlers. Cost: that of malloc and one indirect call. */
#ifndef ALLOC_LIBC_H
#define ALLOC_LIBC_H

#include "alloc/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The one instance; lives for ever. */
struct cupel_allocator *cupel_libc(void);

#ifdef __cplusplus
}
#endif

#endif
