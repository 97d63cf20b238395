/* Frees an address that nobody ever returned.
 *
 * expect: misuse: wild-pointer: an address was given as a block that no allocation ever returned: free 0x1234
 * expect: given by thread 1 at
 * expect: #0 free_wild */
#include "alloc/tests/misuse/misuse.h"

STEP void free_wild(struct cupel_allocator *a) {
    cupel_free(a, (void *)0x1234, 8, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    free_wild(a);
    return misuse_end();
}
