/* 4096 bits with a summary of which of their words are not zero, so that the nearest one on either side of a place is
 * found in a few instructions. */
#ifndef ALLOC_SRC_INDEX_BITS_H
#define ALLOC_SRC_INDEX_BITS_H

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__BITS_LOG = 12, CUPEL__BITS = 1 << CUPEL__BITS_LOG };

struct cupel__bits {
    uint64_t summary;
    uint64_t words[CUPEL__BITS / 64];
};

static inline bool cupel__bits_has(const struct cupel__bits *bits, unsigned i) {
    return (bits->words[i / 64] >> (i % 64) & 1) != 0;
}

static inline void cupel__bits_set(struct cupel__bits *bits, unsigned i) {
    bits->words[i / 64] |= UINT64_C(1) << (i % 64);
    bits->summary |= UINT64_C(1) << (i / 64);
}

static inline void cupel__bits_clear(struct cupel__bits *bits, unsigned i) {
    bits->words[i / 64] &= ~(UINT64_C(1) << (i % 64));
    if (bits->words[i / 64] == 0) {
        bits->summary &= ~(UINT64_C(1) << (i / 64));
    }
}

/* The highest bit that is set at or below i, or -1; -1 for i -1. */
static inline int cupel__bits_below(const struct cupel__bits *bits, int i) {
    if (i < 0) {
        return -1;
    }
    unsigned word = (unsigned)i / 64;
    uint64_t found = bits->words[word] & (~UINT64_C(0) >> (63 - (unsigned)i % 64));
    if (found == 0) {
        uint64_t words = bits->summary & ((UINT64_C(1) << word) - 1);
        if (words == 0) {
            return -1;
        }
        word = 63 - (unsigned)__builtin_clzll(words);
        found = bits->words[word];
    }
    return (int)(word * 64 + 63 - (unsigned)__builtin_clzll(found));
}

/* The lowest bit that is set at or above i, or -1; -1 for i CUPEL__BITS. */
static inline int cupel__bits_above(const struct cupel__bits *bits, int i) {
    if (i >= CUPEL__BITS) {
        return -1;
    }
    unsigned word = (unsigned)i / 64;
    uint64_t found = bits->words[word] & (~UINT64_C(0) << ((unsigned)i % 64));
    if (found == 0) {
        uint64_t words = word == 63 ? 0 : bits->summary & (~UINT64_C(0) << (word + 1));
        if (words == 0) {
            return -1;
        }
        word = (unsigned)__builtin_ctzll(words);
        found = bits->words[word];
    }
    return (int)(word * 64 + (unsigned)__builtin_ctzll(found));
}

#endif
