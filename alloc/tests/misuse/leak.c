/* Loses blocks of two sites, and keeps one that is never freed.
 *
 * expect: misuse: leak: blocks were never freed, and nothing points to them
 * expect: 3000 bytes in 3 blocks
 * expect: allocated by thread 1 at
 * expect: #0 lose_much
 * expect: misuse: leak:
 * expect: 50 bytes in 5 blocks
 * expect: #0 lose_little
 * expect: misuse: still-reachable: blocks were never freed, and something points to them
 * expect: 5000 bytes in 1 block
 * expect: #0 keep */
#include "alloc/tests/misuse/misuse.h"

static void *volatile kept;

STEP void lose_much(struct cupel_allocator *a) {
    memset(cupel_alloc(a, 1000, 8), 1, 1000);
    STAY;
}

STEP void lose_little(struct cupel_allocator *a) {
    memset(cupel_alloc(a, 10, 8), 1, 10);
    STAY;
}

STEP void keep(struct cupel_allocator *a) {
    kept = cupel_alloc(a, 5000, 8);
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

int main(int argc, char **argv) {
    (void)argv;
    struct cupel_allocator *a = misuse_begin("");
    for (unsigned i = 0; i < 2 + (unsigned)argc; i++) {
        lose_much(a);
    }
    for (unsigned i = 0; i < 4 + (unsigned)argc; i++) {
        lose_little(a);
    }
    keep(a);
    clear_stack();
    return misuse_end();
}
