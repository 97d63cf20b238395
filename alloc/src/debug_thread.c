/* Threads by numbers: see debug_thread.h. */
#include "alloc/src/debug_thread.h"

enum { STACKS = 256 };

CUPEL__THREAD_LOCAL struct cupel__debug_thread cupel__debug_thread;

static unsigned last_number;
static uintptr_t stacks[STACKS]; /* of the latest threads, by their numbers */

unsigned cupel__debug_thread_number_new(void) {
    unsigned number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED) & 0xffff;
    number = number == 0 ? 0xffff : number; /* one in 65536 shares its number; LCOV_EXCL_BR_LINE(the 65536th) */
    __atomic_store_n(&stacks[number % STACKS], (uintptr_t)__builtin_frame_address(0), __ATOMIC_RELAXED);
    cupel__debug_thread.number = number;
    return number;
}

unsigned cupel__debug_thread_last(void) {
    return __atomic_load_n(&last_number, __ATOMIC_RELAXED) & 0xffff;
}

uintptr_t cupel__debug_thread_stack(unsigned number) {
    unsigned last = cupel__debug_thread_last();
    return number == 0 || number > last || last - number >= STACKS
               ? 0
               : __atomic_load_n(&stacks[number % STACKS], __ATOMIC_RELAXED);
}
