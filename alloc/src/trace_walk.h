/* One walk over a stack by rules, and what it read: the words that decide what the walk gives. */
#ifndef ALLOC_SRC_TRACE_WALK_H
#define ALLOC_SRC_TRACE_WALK_H

#include "alloc/src/stack.h"
#include "alloc/src/trace_store.h"
#include "alloc/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__WALK_WORDS_MAX = 44 };

/* What a word that a walk read was: the return address of the frame of this number, or one of these. */
enum { CUPEL__WORD_BEFORE_SITE = 0xff, CUPEL__WORD_NO_RETURN = 0xfe };

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
    uintptr_t words[CUPEL__WALK_WORDS_MAX];
    uint16_t distances[CUPEL__WALK_WORDS_MAX]; /* from the start's stack pointer, in words */
    uint8_t places[CUPEL__WALK_WORDS_MAX];     /* what each was */
};

/* Makes ready for a walk: nothing came of it yet. */
void cupel__walk_clear(struct cupel__walk *walk);
/* Walks. The stack must hold the start's stack pointer, which is aligned to words. */
enum cupel__walk_end cupel__walk(struct cupel__walk *walk, struct cupel__trace_store *store);
/* The same with all registers, from here. Some microseconds; `words` are not exact afterwards. */
void cupel__walk_slow(struct cupel__walk *walk, struct cupel__trace_store *store);

#endif
