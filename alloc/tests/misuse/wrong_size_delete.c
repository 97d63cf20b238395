/* Deletes an object with the size of another class, as a sized operator delete does, and then one that is aligned for
 * vectors as if it were not.
 *
 * expect: misuse: wrong-size:
 * expect: it is the live block of 48 bytes
 * expect: it was given as a block of 16 bytes
 * expect: #0 delete_base
 * expect: #0 new_derived
 * expect: misuse: wrong-align:
 * expect: it was given with an alignment of 16 bytes, and has 64
 * expect: #0 delete_unaligned */
#include "alloc/tests/misuse/misuse.h"

STEP void *new_derived(size_t align) {
    void *block = cupel_debug_acquire_as(&misuse_debug, CUPEL_FAMILY_NEW, 48, align, 0, NULL);
    STAY;
    return block;
}

STEP void delete_base(void *block) {
    cupel_debug_release_as(&misuse_debug, CUPEL_FAMILY_NEW, block, 16, 16, NULL);
    STAY;
}

STEP void delete_unaligned(void *block) {
    cupel_debug_release_as(&misuse_debug, CUPEL_FAMILY_NEW, block, SIZE_MAX, 16, NULL);
    STAY;
}

int main(void) {
    (void)misuse_begin("");
    delete_base(new_derived(16));
    delete_unaligned(new_derived(64));
    return misuse_end();
}
