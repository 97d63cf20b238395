/* Bytes that nobody may change: canaries around live blocks, and the fill of freed ones. */
#ifndef ALLOC_SRC_DEBUG_CANARY_H
#define ALLOC_SRC_DEBUG_CANARY_H

#include "alloc/src/debug_slot.h"

/* The first byte of [from, to) that is not `byte`, or `to`. */
static inline const unsigned char *cupel__first_other(const unsigned char *from, const unsigned char *to,
                                                      unsigned char byte) {
    const uint64_t pattern = UINT64_C(0x0101010101010101) * byte;
    uint64_t word;
    for (; (size_t)(to - from) >= sizeof word; from += sizeof word) {
        memcpy(&word, from, sizeof word);
        if (word != pattern) {
            break;
        }
    }
    while (from < to && *from == byte) {
        from++;
    }
    return from;
}

/* Writes the canaries of a slot, around a block of `size` bytes at `block`. */
void cupel__canaries_write(const struct cupel__span *span, uint32_t index, unsigned char *block, size_t size);
/* True where no byte of them was written: what is asked at each request. */
static inline bool cupel__canaries_hold(const struct cupel__span *span, uint32_t index, const unsigned char *block,
                                        size_t size) {
    const struct cupel_debug_options *options = &span->home->options;
    const unsigned char *start = cupel__slot_start(span, index);
    const unsigned char *end = cupel__slot_end(span, index);
    return !options->has_canaries || (cupel__first_other(block + size, end, options->canary) == end &&
                                      cupel__first_other(start, block, options->canary) == block);
}
/* Says what was written to them in `finding` (kind, block and damage; the nearer side where both are damaged); true
 * where nothing was. */
bool cupel__canaries_are_whole(const struct cupel__span *span, uint32_t index, const unsigned char *block, size_t size,
                               struct cupel_finding *finding);
/* Fills what a freed block and its canaries took. */
void cupel__freed_fill(const struct cupel__span *span, uint32_t index);
/* Looks at that; false where a byte was written, as above. */
bool cupel__freed_is_whole(const struct cupel__span *span, uint32_t index, const unsigned char *block,
                           struct cupel_finding *finding);
/* Fills a new block: zeroed or fresh. `is_zero`: its memory is zero already. */
void cupel__fresh_fill(const struct cupel__debug *debug, unsigned char *block, size_t size, unsigned flags,
                       bool is_zero);

#endif
