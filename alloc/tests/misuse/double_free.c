/* Frees a block twice.
 *
 * expect: misuse: double-free: a block was freed that had been freed already: free 0x
 * expect: it is the freed block of 40 bytes
 * expect: freed again by thread 1 at
 * expect: #0 free_again
 * expect: #1 main
 * expect: freed first by thread 1 at
 * expect: #0 free_first
 * expect: allocated by thread 1 at
 * expect: #0 allocate */
#include "alloc/tests/misuse/misuse.h"

STEP void *allocate(struct cupel_allocator *a) {
    void *block = cupel_alloc(a, 40, 8);
    STAY;
    return block;
}

STEP void free_first(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
}

STEP void free_again(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = allocate(a);
    free_first(a, block);
    free_again(a, block);
    return misuse_end();
}
