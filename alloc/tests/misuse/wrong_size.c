/* Frees a block with a wrong size.
 *
 * expect: misuse: wrong-size:
 * expect: it is the live block of 24 bytes
 * expect: it was given as a block of 25 bytes
 * expect: given back by thread 1 at
 * expect: #0 free_wrongly
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void free_wrongly(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 25, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    free_wrongly(a, block);
    return misuse_end();
}
