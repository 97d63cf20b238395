/* Loses blocks that it had through wrappers of the allocator: one that the options name, and in it or alone one that
 * the source declares. Each caller is one group, from wherever it was called itself.
 *
 * expect: misuse: leak: blocks were never freed, and nothing points to them
 * expect: 2000 bytes in 2 blocks
 * expect: asked for by #2, which calls what wraps the allocator
 * expect: #0 declared_wrapper
 * expect: #1 xmalloc
 * expect: #2 lose_much
 * expect: #3 main
 * expect: misuse: leak:
 * expect: 200 bytes in 2 blocks
 * expect: asked for by #1, which
 * expect: #0 declared_wrapper
 * expect: #1 lose_little
 * expect: #2 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *allocator;

CUPEL_ALLOCATION_WRAPPER static void *declared_wrapper(size_t size) {
    void *block = cupel_alloc(allocator, size, 8);
    STAY;
    return block;
}

STEP void *xmalloc(size_t size) {
    void *block = declared_wrapper(size);
    STAY;
    return block;
}

STEP void lose_much(void) {
    memset(xmalloc(1000), 1, 1000);
    STAY;
}

STEP void lose_little(void) {
    memset(declared_wrapper(100), 1, 100);
    STAY;
}

/* Overwrites what the calls before left on the stack. */
STEP void clear_stack(void) {
    volatile char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
    STAY;
}

int main(void) {
    allocator = misuse_begin("wrappers=xmal*,nobody");
    lose_much();
    lose_little();
    lose_much();
    lose_little();
    clear_stack();
    return misuse_end();
}
