/* Any malloc family as an allocator: a root whose blocks come from a shared library's malloc, calloc, realloc, free,
 * aligned_alloc and posix_memalign, called through pointers, while the process itself goes on with its own.
 *
 * A size of 0 is asked for as 1 (C leaves malloc(0) open); a shrink in place is granted without asking. Each failure
 * must set errno to ENOMEM; where it does not, `errno_findings` rises. As thread-safe as the library is. */
#ifndef FUZZ_FOREIGN_H
#define FUZZ_FOREIGN_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_foreign {
    struct cupel_allocator base;
    void *handle; /* of dlopen */
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*aligned_alloc)(size_t, size_t); /* NULL: the library has none, here and below */
    int (*posix_memalign)(void **, size_t, size_t);
    size_t (*usable_size)(void *);
    unsigned aligned_calls;  /* alternates between the two aligned functions */
    unsigned errno_findings; /* failures with another errno */
};

/* Loads `library` (a path, or a name as dlopen knows it). NULL and a text where it cannot be loaded or lacks malloc,
 * calloc, realloc or free. Libraries that keep much thread-local storage need
 * GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 in the environment at start: the text says so. */
struct cupel_allocator *cupel_foreign_init(struct cupel_foreign *foreign, const char *library,
                                           struct cupel_error *error);
/* Unloads the library; all its blocks must be released. A zeroed struct is allowed. */
void cupel_foreign_deinit(struct cupel_foreign *foreign);

#ifdef __cplusplus
}
#endif

#endif
