/* Canaries and fills: see debug_canary.h. Each is one byte value over and over: a write of that very value changes
 * nothing and is no damage, any other is found to the byte. */
#include "alloc/src/debug_canary.h"

static const unsigned char *last_other(const unsigned char *from, const unsigned char *to, unsigned char byte) {
    while (to > from && to[-1] == byte) {
        to--;
    }
    return to;
}

void cupel__canaries_write(const struct cupel__span *span, uint32_t index, unsigned char *block, size_t size) {
    const struct cupel_debug_options *options = &span->home->options;
    if (options->has_canaries) {
        unsigned char *start = cupel__slot_start(span, index);
        memset(start, options->canary, (size_t)(block - start));
        memset(block + size, options->canary, (size_t)(cupel__slot_end(span, index) - (block + size)));
    }
}

static void note_damage(struct cupel_finding *finding, const unsigned char *first, const unsigned char *end) {
    finding->damage_bytes = (size_t)(end - first);
    finding->damage_length =
        (unsigned)(finding->damage_bytes < sizeof finding->damage ? finding->damage_bytes : sizeof finding->damage);
    memcpy(finding->damage, first, finding->damage_length);
}

bool cupel__canaries_are_whole(const struct cupel__span *span, uint32_t index, const unsigned char *block, size_t size,
                               struct cupel_finding *finding) {
    const struct cupel_debug_options *options = &span->home->options;
    if (!options->has_canaries) {
        return true;
    }
    const unsigned char *start = cupel__slot_start(span, index);
    const unsigned char *end = cupel__slot_end(span, index);
    const unsigned char *over = cupel__first_other(block + size, end, options->canary);
    const unsigned char *under = cupel__first_other(start, block, options->canary);
    if (over == end && under == block) {
        return true;
    }
    const unsigned char *under_end = last_other(under, block, options->canary);
    size_t above = (size_t)(over - (block + size)); /* bytes that are whole between the block and the damage */
    size_t below = (size_t)(block - under_end);
    finding->base = block;
    finding->size = size;
    if (over != end && (under == block || above <= below)) {
        finding->kind = CUPEL_FINDING_OVERFLOW;
        finding->damage_offset = above;
        note_damage(finding, over, last_other(over, end, options->canary));
    } else {
        finding->kind = CUPEL_FINDING_UNDERFLOW;
        finding->damage_offset = below;
        note_damage(finding, under, under_end);
    }
    return false;
}

void cupel__freed_fill(const struct cupel__span *span, uint32_t index) {
    const struct cupel_debug_options *options = &span->home->options;
    if (options->fills_freed) {
        unsigned char *start = cupel__slot_start(span, index);
        size_t length = (size_t)(cupel__slot_end(span, index) - start);
        memset(start, options->freed, length < options->fill_max_bytes ? length : options->fill_max_bytes);
    }
}

bool cupel__freed_is_whole(const struct cupel__span *span, uint32_t index, const unsigned char *block,
                           struct cupel_finding *finding) {
    const struct cupel_debug_options *options = &span->home->options;
    if (!options->fills_freed) {
        return true;
    }
    const unsigned char *start = cupel__slot_start(span, index);
    const unsigned char *end = cupel__slot_end(span, index);
    if ((size_t)(end - start) > options->fill_max_bytes) {
        end = start + options->fill_max_bytes;
    }
    const unsigned char *first = cupel__first_other(start, end, options->freed);
    if (first == end) {
        return true;
    }
    finding->kind = CUPEL_FINDING_WRITE_AFTER_FREE;
    finding->base = block;
    finding->damage_offset = (size_t)(first - block);
    note_damage(finding, first, last_other(first, end, options->freed));
    return false;
}

void cupel__fresh_fill(const struct cupel__debug *debug, unsigned char *block, size_t size, unsigned flags,
                       bool is_zero) {
    if ((flags & CUPEL_ZEROED) != 0) {
        if (!is_zero) {
            memset(block, 0, size);
        }
    } else if (debug->options.fills_fresh) {
        /* Pages that a program has but does not use cost no more than their addresses. */
        enum { FRONT = 4096 };
        size_t most = debug->options.fill_max_bytes < FRONT ? debug->options.fill_max_bytes : FRONT;
        memset(block, debug->options.fresh, size < most ? size : most);
    }
}
