/* Two threads lose a block each in the same place, and end.
 *
 * expect: misuse: leak: blocks were never freed, and nothing points to them
 * expect: 200 bytes in 2 blocks
 * expect: allocated by thread 1 at
 * expect: #0 lose */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void lose(void) {
    memset(cupel_alloc(a, 100, 8), 1, 100);
    STAY;
}

/* Overwrites what the call before left on the stack, which the C library keeps for another thread. */
STEP void clear_stack(void) {
    volatile char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
    STAY;
}

static void *lose_in_thread(void *unused) {
    (void)unused;
    lose();
    clear_stack();
    return NULL;
}

int main(void) {
    a = misuse_begin("frames=1");
    (void)misuse_in_thread(lose_in_thread, NULL);
    (void)misuse_in_thread(lose_in_thread, NULL);
    return misuse_end();
}
