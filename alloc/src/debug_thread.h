/* Who is calling: threads by small numbers, and whether this one is inside the allocator already. */
#ifndef ALLOC_SRC_DEBUG_THREAD_H
#define ALLOC_SRC_DEBUG_THREAD_H

#include "alloc/src/debug_host.h"

struct cupel__debug_thread {
    unsigned number;   /* 1 for the first thread that came here; 0: not numbered yet */
    bool is_inside;    /* a request of any debug allocator is at work in this thread */
    bool is_telling;   /* a finding is being told */
    bool has_altstack; /* one was asked for, for the handler of faults */
    bool is_sweeping;  /* all blocks are being looked at, under the lock */
};

extern CUPEL__THREAD_LOCAL struct cupel__debug_thread cupel__debug_thread;

/* Numbers the calling thread. */
unsigned cupel__debug_thread_number_new(void);

/* The number of the calling thread, modulo 2^16. */
static inline unsigned cupel__debug_thread_number(void) {
    unsigned number = cupel__debug_thread.number;
    return number != 0 ? number : cupel__debug_thread_number_new();
}

/* The number that was given last. */
unsigned cupel__debug_thread_last(void);

/* An address on the stack of that thread, as it was when it was numbered; 0 where it is not known (any more). */
uintptr_t cupel__debug_thread_stack(unsigned number);

#endif
