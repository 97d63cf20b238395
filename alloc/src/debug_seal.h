/* Write protection of all records except inside requests, and the lines of a verbose allocator. */
#ifndef ALLOC_SRC_DEBUG_SEAL_H
#define ALLOC_SRC_DEBUG_SEAL_H

#include "alloc/src/debug_state.h"

/* Records may be written from here on, by this thread, until cupel__debug_seal. Nothing but with
 * CUPEL_DEBUG_SEAL_ALWAYS. */
void cupel__debug_unseal(struct cupel__debug *debug);
void cupel__debug_seal(struct cupel__debug *debug);
/* Takes the permission to write to the records of a retired span away, or gives it back: whole pages of them. Nothing
 * but with CUPEL_DEBUG_SEAL_RETIRED. */
void cupel__span_seal(struct cupel__debug *debug, const struct cupel__span *span, bool is_writable);
/* Writes "name: verb 0x1000 24 8 -> 0x2000 by thread 1"; size and align are those of the result. */
void cupel__debug_write_line(const struct cupel__request *request, size_t size, size_t align, const void *result);

/* The same where the options ask for it. */
static inline void cupel__debug_log(const struct cupel__request *request, size_t size, size_t align,
                                    const void *result) {
    if (request->debug->options.is_verbose) {
        cupel__debug_write_line(request, size, align, result);
    }
}

#endif
