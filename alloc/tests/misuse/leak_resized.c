/* Loses a large block that was resized: both stacks are told.
 *
 * expect: misuse: leak:
 * expect: 300000 bytes in 1 block
 * expect: resized last by thread 1 at
 * expect: #0 grow
 * expect: allocated by thread 1 at
 * expect: #0 allocate */
#include "alloc/tests/misuse/misuse.h"

STEP char *allocate(struct cupel_allocator *a) {
    char *block = cupel_alloc(a, 100000, 8);
    STAY;
    return block;
}

STEP void grow(struct cupel_allocator *a, char *block) {
    write_byte(cupel_realloc(a, block, 100000, 8, 300000), 1);
    STAY;
}

STEP void lose(struct cupel_allocator *a) {
    grow(a, allocate(a));
    STAY;
}

STEP void clear_stack(void) {
    volatile char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("leaks=unreachable");
    lose(a);
    clear_stack();
    return misuse_end();
}
