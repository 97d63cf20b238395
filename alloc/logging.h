/* Layer: writes one line for each operation to a file descriptor, after the parent has answered:
 *
 *     1 acquire 24 8 -> 0x5581c0 from 0x40115d            serial, operation, size, alignment, result, caller
 *     2 acquire 24 8 zeroed -> failed from 0x401170
 *     3 resize 0x5581c0 24 8 to 40 -> ok from 0x401180
 *     4 remap 0x5581c0 24 8 to 400 -> 0x5590a0 from 0x401190
 *     5 release 0x5590a0 400 8 from 0x4011a0
 *
 * (release is written before the parent is told.) Lines collect in a buffer inside the layer and go out whole, when it
 * is full, at cupel_logging_flush and at cupel_logging_deinit; a process that dies loses what is in the buffer unless
 * `is_unbuffered` is set. Never allocates. The request is never changed, whatever becomes of the line.
 *
 * Locking: one thread at a time. Cost: that of formatting a line, some hundred ns. */
#ifndef ALLOC_LOGGING_H
#define ALLOC_LOGGING_H

#include "alloc/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_LOGGING_BUFFER = 4096 };

struct cupel_logging {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    int file;            /* descriptor, borrowed */
    int error;           /* errno of the first write that failed; then nothing more is written. 0: none */
    bool is_unbuffered;  /* each line goes out at once; may be set at any time */
    uint64_t operations; /* also those whose lines were lost */
    size_t buffered;     /* bytes in text */
    char text[CUPEL_LOGGING_BUFFER];
};

/* Starts over `parent` (borrowed), writing to the open descriptor `file` (borrowed; its offset moves). Cannot fail. */
struct cupel_allocator *cupel_logging_init(struct cupel_logging *logging, struct cupel_allocator *parent, int file);
/* Writes what is in the buffer; false where this or an earlier write failed: see `error`. */
bool cupel_logging_flush(struct cupel_logging *logging);
/* Flushes for the last time; the descriptor stays open. As cupel_logging_flush. */
bool cupel_logging_deinit(struct cupel_logging *logging);

#ifdef __cplusplus
}
#endif

#endif
