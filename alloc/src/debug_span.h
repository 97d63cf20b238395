/* The life of spans: made at fresh addresses, full, empty, retired, and, where there is no more room, begun anew. */
#ifndef ALLOC_SRC_DEBUG_SPAN_H
#define ALLOC_SRC_DEBUG_SPAN_H

#include "alloc/src/debug_state.h"

/* The check word of a header: of all that is constant while its block or blocks live. */
static inline uint64_t cupel__span_check(const struct cupel__span *span) {
    uint64_t sum = (uint64_t)(uintptr_t)span->range * 3 ^ (uint64_t)(uintptr_t)span->base * 5 ^
                   (uint64_t)(uintptr_t)span->slots * 7 ^ (uint64_t)(uintptr_t)span->home * 11 ^
                   (uint64_t)(uintptr_t)span->block * 13 ^ (uint64_t)span->size * 17 ^
                   (uint64_t)span->length_bytes * 19 ^ ((uint64_t)span->slot_bytes << 32 | span->capacity);
    return sum * UINT64_C(0x9E3779B97F4A7C15) ^ (uintptr_t)span;
}

static inline bool cupel__span_is_sound(const struct cupel__span *span) {
    return span->check == cupel__span_check(span);
}

/* A slot of the class that is handed out now, its word not yet written; NULL where there is no room. Takes the locks.
 */
struct cupel__block_record *cupel__span_hand_out(struct cupel__debug *debug, unsigned size_class,
                                                 struct cupel__span **span, uint32_t *index,
                                                 struct cupel__pending *pending);
/* All that was handed out of the span was free a moment ago: retires it where that still holds and is worth it. */
void cupel__span_emptied(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending);

/* Where in a range its pages begin: a guard page in front, and then aligned; align 0: at once. */
static inline size_t cupel__range_offset(const struct cupel__debug *debug, const unsigned char *range, size_t align) {
    uintptr_t first = (uintptr_t)range + debug->page_bytes;
    return align == 0 ? 0 : debug->page_bytes + (-first & (align - 1));
}

/* The span's shard, locked: it may change until then. */
struct cupel__shard *cupel__span_lock_shard(struct cupel__debug *debug, const struct cupel__span *span);

/* A span for one large block: `range_bytes` of addresses (whole units), of which length_bytes (whole pages) are mapped
 * and zero, behind a guard page and aligned to `align`. NULL where there is no room. */
struct cupel__span *cupel__span_make_large(struct cupel__debug *debug, size_t range_bytes, size_t align,
                                           size_t length_bytes, struct cupel__pending *pending);
/* The block is gone: the span is retired. */
void cupel__span_retire_large(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending);
/* Makes the span's pages more or fewer, in its place; false where there is no room. */
bool cupel__span_resize_large(struct cupel__debug *debug, struct cupel__span *span, size_t length_bytes);

/* Locks of an instance for one thread are nothing. */
void cupel__debug_lock(struct cupel__debug *debug, cupel__mutex *lock);
void cupel__debug_unlock(struct cupel__debug *debug, cupel__mutex *lock);

#endif
