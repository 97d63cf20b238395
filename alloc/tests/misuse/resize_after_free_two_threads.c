/* A thread resizes a block that another freed.
 *
 * expect: misuse: resize-after-free:
 * expect: resized by thread 3 at
 * expect: #0 resize_freed
 * expect: freed by thread 2 at
 * expect: #0 free_block
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *free_block(void *block) {
    cupel_free(a, block, 24, 8);
    STAY;
    return NULL;
}

STEP void *resize_freed(void *block) {
    void *moved = cupel_realloc(a, block, 24, 8, 48);
    STAY;
    return moved;
}

int main(void) {
    a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    (void)misuse_in_thread(free_block, block);
    return misuse_in_thread(resize_freed, block) != NULL ? 2 : misuse_end();
}
