/* Resizes a block that was freed.
 *
 * expect: misuse: resize-after-free:
 * expect: resized by thread 1 at
 * expect: #0 resize_freed
 * expect: freed by thread 1 at
 * expect: #0 main
 * expect: allocated by thread 1 at */
#include "alloc/tests/misuse/misuse.h"

STEP void *resize_freed(struct cupel_allocator *a, void *block) {
    void *moved = cupel_realloc(a, block, 24, 8, 48);
    STAY;
    return moved;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    cupel_free(a, block, 24, 8);
    if (resize_freed(a, block) != NULL) {
        return 2;
    }
    return misuse_end();
}
