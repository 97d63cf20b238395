/* Frees an address behind a block: the nearest one is told.
 *
 * expect: misuse: wild-pointer:
 * expect: 200 bytes behind the live block of 40 bytes
 * expect: given by thread 1 at
 * expect: #0 free_behind
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void free_behind(struct cupel_allocator *a, char *block) {
    cupel_free(a, block + 240, 8, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 40, 8);
    free_behind(a, block);
    cupel_free(a, block, 40, 8);
    return misuse_end();
}
