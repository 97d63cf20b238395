/* Resizes a block with a wrong size, and with a wrong alignment: nothing becomes of either.
 *
 * expect: misuse: wrong-size:
 * expect: resize 0x
 * expect: it is the live block of 24 bytes
 * expect: it was given as a block of 23 bytes
 * expect: given back by thread 1 at
 * expect: #0 resize_shorter
 * expect: misuse: wrong-align:
 * expect: it was given with an alignment of 16 bytes, and has 8
 * expect: #0 resize_aligned */
#include "alloc/tests/misuse/misuse.h"

STEP bool resize_shorter(struct cupel_allocator *a, void *block) {
    bool has_resized = cupel_resize(a, block, 23, 8, 10);
    STAY;
    return has_resized;
}

STEP void *resize_aligned(struct cupel_allocator *a, void *block) {
    void *moved = cupel_realloc(a, block, 24, 16, 100);
    STAY;
    return moved;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    if (resize_shorter(a, block) || resize_aligned(a, block) != NULL) {
        return 2;
    }
    cupel_free(a, block, 24, 8);
    return misuse_end();
}
