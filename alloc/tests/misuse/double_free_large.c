/* Frees a large block twice.
 *
 * expect: misuse: double-free:
 * expect: it is the freed block of 100000 bytes
 * expect: #0 free_again
 * expect: freed first by thread 1 at
 * expect: #0 free_first
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void free_first(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 100000, 8);
    STAY;
}

STEP void free_again(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 100000, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 100000, 8);
    free_first(a, block);
    free_again(a, block);
    return misuse_end();
}
