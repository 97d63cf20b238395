/* The root that takes whole pages from the kernel with mmap, and never touches the heap of malloc: what bookkeeping
 * that must work inside malloc stands on.
 *
 * Sizes are rounded up to pages, so it wastes half a page a block on average and suits large blocks. Alignments over a
 * page are had by mapping more and trimming both ends. A block resizes in place as long as the addresses behind it are
 * free, and moves by remapping its pages, without a copy, where its alignment is at most a page.
 *
 * Locking: holds no state; safe for threads, and for signal handlers as far as mmap is. Cost: a system call an
 * operation, and a page fault at the first touch of each page. */
#ifndef ALLOC_PAGES_H
#define ALLOC_PAGES_H

#include "alloc/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The one instance; lives for ever. */
struct cupel_allocator *cupel_pages(void);
/* Bytes in a page of this machine. */
size_t cupel_page_size(void);

#ifdef __cplusplus
}
#endif

#endif
