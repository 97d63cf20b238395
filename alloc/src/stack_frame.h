/* Which call's frame an address on the calling thread's own stack is in. */
#ifndef ALLOC_SRC_STACK_FRAME_H
#define ALLOC_SRC_STACK_FRAME_H

#include "alloc/query.h"

/* Fills ip, sp, end and registers. False where it is in none, or where stacks cannot be walked so here. By unwinding
 * tables on x86-64, by the chain of frame pointers on i386. Takes no lock and no memory; safe in signal handlers. About
 * 1 us a frame. */
bool cupel__stack_frame_find(uintptr_t address, struct cupel_query_frame *frame);

#endif
