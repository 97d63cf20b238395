/* One walk over a stack by rules, and what it read: the words that decide what the walk gives. */
#ifndef ALLOC_SRC_TRACE_WALK_H
#define ALLOC_SRC_TRACE_WALK_H

#include "alloc/src/stack.h"
#include "alloc/src/trace_store.h"
#include "alloc/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__WALK_WORDS_MAX = 44 };

/* A word that a walk read: the low 47 bits are its value, the next bit says that it was a return address, and the top
 * 16 are its distance from the start's stack pointer in words. */
#define CUPEL__WORD_VALUE_MASK     (((uint64_t)1 << 47) - 1)
#define CUPEL__WORD_IS_RETURN      ((uint64_t)1 << 47)
#define CUPEL__WORD_DISTANCE(word) ((word) >> 48)

enum cupel__walk_end {
    CUPEL__WALK_DONE,
    CUPEL__WALK_NEEDS_REGISTERS, /* rules do not suffice on this stack: cupel__walk_slow */
};

struct cupel__walk {
    /* What is wanted. */
    enum cupel_trace_mode mode;
    unsigned max;
    struct cupel_trace_start start;
    uintptr_t site; /* 0: none */
    struct cupel__stack stack;
    /* What came of it. */
    unsigned count;
    uint64_t hash;                            /* of the frames */
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX]; /* indices, zero from count on */
    bool is_exact;                            /* `words` holds every word that was read */
    bool uses_fp;                             /* the start's frame pointer decided too */
    unsigned word_count;
    uint64_t words[CUPEL__WALK_WORDS_MAX];
    uint8_t places[CUPEL__WALK_WORDS_MAX]; /* of each return address: which frame it is; 0xff: one before the site */
};

/* Makes ready for a walk: nothing came of it yet. */
void cupel__walk_clear(struct cupel__walk *walk);
/* Walks. The stack must hold the start's stack pointer, which is aligned to words. */
enum cupel__walk_end cupel__walk(struct cupel__walk *walk, struct cupel__trace_store *store);
/* The same with all registers, from here. Some microseconds; `words` are not exact afterwards. */
void cupel__walk_slow(struct cupel__walk *walk, struct cupel__trace_store *store);

#endif
