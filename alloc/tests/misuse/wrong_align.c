/* Resizes a block with a wrong alignment.
 *
 * expect: misuse: wrong-align:
 * expect: it was given with an alignment of 16 bytes, and has 8
 * expect: given back by thread 1 at
 * expect: #0 resize_wrongly
 * expect: allocated by thread 1 at */
#include "alloc/tests/misuse/misuse.h"

STEP bool resize_wrongly(struct cupel_allocator *a, void *block) {
    bool has_resized = cupel_resize(a, block, 24, 16, 20);
    STAY;
    return has_resized;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    if (resize_wrongly(a, block)) {
        return 2;
    }
    cupel_free(a, block, 24, 8);
    return misuse_end();
}
