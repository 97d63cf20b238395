/* The store of traces: return addresses become 4-byte frame indices, and traces of up to 32 of those become 4-byte ids.
 *
 * A trace of up to 16 frames is one line of 64 bytes, unused places zero; a longer one is two lines in a row, and the
 * top bit of its first place says so. The id is the line's number. Lines are found by a hash table of ids, with the
 * whole line compared, so that equal ids mean equal traces. Everything is written once and never moved: readers need no
 * lock. Memory comes from mmap in chunks and never goes back. */
#ifndef ALLOC_SRC_TRACE_STORE_H
#define ALLOC_SRC_TRACE_STORE_H

#include "alloc/src/trace_lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CUPEL__TRACE_LINE = 16,              /* frames */
    CUPEL__TRACE_FRAMES_MAX = 32,        /* two lines */
    CUPEL__TRACE_CHUNKS_MAX = 1024,      /* of lines, and of frames */
    CUPEL__TRACE_CHUNK_LINES = 1 << 14,  /* 1 MiB */
    CUPEL__TRACE_CHUNK_FRAMES = 1 << 15, /* 512 KiB */
};

_Static_assert(CUPEL__TRACE_CHUNKS_MAX *CUPEL__TRACE_CHUNK_LINES <= 1 << 24,
               "ids have 24 bits, which the debug allocator's records count on");

struct cupel__trace_line {
    uint32_t frames[CUPEL__TRACE_LINE];
};

/* Where a frame is: the return address, and the number of the module that it was in (trace_modules.h). */
struct cupel__trace_frame {
    uint64_t ip;
    uint32_t module;
    uint32_t reserved;
};

struct cupel__trace_hash; /* open addressing; private to trace_hash.c */

struct cupel__trace_store {
    struct cupel__trace_lock lock;
    _Atomic(struct cupel__trace_hash *) by_line;  /* ids by their lines */
    _Atomic(struct cupel__trace_hash *) by_frame; /* frame indices by ip and module */
    _Atomic(struct cupel__trace_line *) lines[CUPEL__TRACE_CHUNKS_MAX];
    _Atomic(struct cupel__trace_frame *) frames[CUPEL__TRACE_CHUNKS_MAX];
    atomic_uint line_count;  /* with line 0, which is nobody's */
    atomic_uint frame_count; /* with frame 0 */
    atomic_uint traces;
    atomic_size_t limit_bytes; /* 0: the default, CUPEL__TRACE_LIMIT */
    atomic_size_t table_bytes; /* of the hash tables */
    atomic_ullong dropped;     /* what was not stored because it was full */
};

#define CUPEL__TRACE_LIMIT ((size_t)64 << 20)

/* The one that cupel_trace_take uses. */
extern const struct cupel__trace_store *const cupel__trace_store_of_all;

/* The index of a frame, from 1; 0 where the store is full. About 20 ns where it is there already. */
uint32_t cupel__trace_frame_add(struct cupel__trace_store *store, uintptr_t ip, uint32_t module);
/* The frame of an index that was given. */
const struct cupel__trace_frame *cupel__trace_frame_at(const struct cupel__trace_store *store, uint32_t index);

/* Bytes of traces, frames and tables. */
size_t cupel__trace_store_bytes(const struct cupel__trace_store *store);
/* Whether `more_bytes` may be added; counts what may not. */
bool cupel__trace_has_room(struct cupel__trace_store *store, size_t more_bytes);

/* The number by which a trace is looked up: the sum of its frames weighted by odd constants, one a place, so that
 * replacing a frame changes it by a product. */
uint64_t cupel__trace_hash_of(const uint32_t frames[], unsigned count);
extern const uint64_t cupel__trace_weights[CUPEL__TRACE_FRAMES_MAX];
static inline uint64_t cupel__trace_hash_swap(uint64_t hash, unsigned place, uint32_t old_frame, uint32_t new_frame) {
    return hash + ((uint64_t)new_frame - old_frame) * cupel__trace_weights[place];
}

/* The id of a trace of 1 to 32 frames, from 1; 0 where the store is full, which is counted. `frames` has room for 32,
 * zero from `count` on. About 10 ns where it is there already. */
uint32_t cupel__trace_store_add(struct cupel__trace_store *store, const uint32_t frames[], unsigned count,
                                uint64_t hash);
/* Writes the frame indices of an id, up to 32; returns how many. 0 for ids that nobody gave. */
unsigned cupel__trace_store_read(const struct cupel__trace_store *store, uint32_t id, uint32_t frames[]);

/* Gives all memory back (tests); nobody may be using the store. */
void cupel__trace_store_deinit(struct cupel__trace_store *store);

#endif
