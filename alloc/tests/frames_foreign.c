/* Code without frame pointers, as distributions build their libraries, for the tests of call stacks. It is compiled
 * with -fomit-frame-pointer in every variant. */
#include "alloc/tests/frames_foreign.h"

/* The empty instructions behind the calls keep them from being the last thing, which would be a jump. */
__attribute__((noinline)) void frames_foreign_inner(void (*call)(void)) {
    call();
    __asm__ volatile("");
}

__attribute__((noinline)) void frames_foreign_outer(void (*call)(void)) {
    frames_foreign_inner(call);
    __asm__ volatile("");
}
