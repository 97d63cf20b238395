/* What the debug allocator asks of the kernel: ranges without permissions, and pages in them that come, go and move.
 *
 * A range that is revoked is replaced by a fresh mapping without permissions, which the kernel joins with its
 * neighbours: retired spans cost no mappings. Pages are moved with MREMAP_DONTUNMAP, so that there is no moment at
 * which somebody else's mmap could take the place that they leave. */
#include "alloc/src/debug_state.h"

#include <sys/mman.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { NO_MEMORY = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

/* The kernel gives pages; units are had by reserving one more and giving the rest back. */
static void *reserve(size_t length) {
    unsigned char *start = mmap(NULL, length + CUPEL__UNIT, PROT_NONE, NO_MEMORY, -1, 0);
    if ((void *)start == MAP_FAILED) {
        return NULL;
    }
    size_t before = -(uintptr_t)start & (CUPEL__UNIT - 1);
    if (before != 0) {
        (void)munmap(start, before);
    }
    (void)munmap(start + before + length, CUPEL__UNIT - before);
    return start + before;
}

static void unreserve(void *base, size_t length) {
    (void)munmap(base, length);
}

static bool protect(void *base, size_t length, bool is_writable) {
    return mprotect(base, length, is_writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}

/* No huge pages: a span would take 2 MiB where it holds one block, and revoking would tear them up again. */
static bool commit(void *base, size_t length) {
    (void)madvise(base, length, MADV_NOHUGEPAGE);
    return protect(base, length, true);
}

static bool revoke_range(void *base, size_t length) {
    return mmap(base, length, PROT_NONE, NO_MEMORY | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* Guard advice (Linux 6.13) needs no mapping of its own; without it the pages become one. */
static bool guard(void *base, size_t length) {
    return madvise(base, length, MADV_GUARD_INSTALL) == 0 || revoke_range(base, length);
}

static bool move(void *from, void *to, size_t length) {
    return mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) != MAP_FAILED &&
           (revoke_range(from, length) || mprotect(from, length, PROT_NONE) == 0);
}

const struct cupel__system cupel__system = {reserve, unreserve, commit, guard, revoke_range, move, protect};
