/* Classes of slots: multiples of 16 bytes up to 256, then eight steps to each doubling, up to CUPEL__SLOT_MAX. So that
 * a slot is at most an eighth larger than what goes into it. */
#ifndef ALLOC_SRC_DEBUG_CLASSES_H
#define ALLOC_SRC_DEBUG_CLASSES_H

#include "alloc/src/debug_state.h"

enum { CUPEL__CLASSES_SMALL = 16, CUPEL__STEP_SMALL = 16 };

/* The class whose slots are the smallest that hold `bytes`, 1 to CUPEL__SLOT_MAX. */
static inline unsigned cupel__class_of(size_t bytes) {
    if (bytes <= CUPEL__CLASSES_SMALL * CUPEL__STEP_SMALL) {
        return (unsigned)((bytes - 1) / CUPEL__STEP_SMALL);
    }
    unsigned log = 31 - (unsigned)__builtin_clz((unsigned)(bytes - 1));
    unsigned step = (unsigned)(bytes - 1 - ((size_t)1 << log)) >> (log - 3);
    return CUPEL__CLASSES_SMALL + (log - 8) * 8 + step;
}

/* Bytes of a slot of a class. */
static inline uint32_t cupel__class_bytes(unsigned size_class) {
    if (size_class < CUPEL__CLASSES_SMALL) {
        return (size_class + 1) * CUPEL__STEP_SMALL;
    }
    unsigned log = 8 + (size_class - CUPEL__CLASSES_SMALL) / 8;
    unsigned step = (size_class - CUPEL__CLASSES_SMALL) % 8;
    return (1U << log) + (step + 1) * (1U << (log - 3));
}

/* Spans have one of three lengths, so that most hold 64 slots and more, and the pages of one fit another. */
static inline unsigned cupel__length_index(uint32_t slot_bytes) {
    return slot_bytes <= CUPEL__UNIT / CUPEL__SLOTS_MANY                            ? 0
           : slot_bytes <= (CUPEL__UNIT << CUPEL__LENGTH_STEP) / CUPEL__SLOTS_FEWER ? 1
                                                                                    : 2;
}

static inline size_t cupel__length_bytes(unsigned index) {
    return (size_t)CUPEL__UNIT << (CUPEL__LENGTH_STEP * index);
}

/* How many ranges of a length are kept ready: 1 MiB at most of each. */
static inline unsigned cupel__ready_max(unsigned index) {
    return (unsigned)CUPEL__READY >> (index < 2 ? index : 3);
}

#endif
