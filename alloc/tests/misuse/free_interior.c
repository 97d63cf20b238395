/* Frees an address inside a block.
 *
 * expect: misuse: interior-pointer: an address inside a block was given in place of its beginning: free 0x
 * expect: 8 bytes into the live block of 40 bytes
 * expect: given by thread 1 at
 * expect: #0 free_inside
 * expect: allocated by thread 1 at
 * expect: #0 main
 * status: 1 */
#include "alloc/tests/misuse/misuse.h"

STEP void free_inside(struct cupel_allocator *a, char *block) {
    cupel_free(a, block + 8, 40, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 40, 8);
    free_inside(a, block);
    cupel_free(a, block, 40, 8);
    return misuse_end();
}
