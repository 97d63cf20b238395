/* A thread frees an address inside a block of another's.
 *
 * expect: misuse: interior-pointer:
 * expect: 8 bytes into the live block of 40 bytes
 * expect: given by thread 2 at
 * expect: #0 free_inside
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *free_inside(void *block) {
    cupel_free(a, (char *)block + 8, 32, 8);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("");
    void *block = cupel_alloc(a, 40, 8);
    (void)misuse_in_thread(free_inside, block);
    cupel_free(a, block, 40, 8);
    return misuse_end();
}
