/* A thread frees a block of another's with a wrong size, and a third one with a wrong alignment.
 *
 * expect: misuse: wrong-size:
 * expect: it was given as a block of 25 bytes
 * expect: given back by thread 2 at
 * expect: #0 free_longer
 * expect: allocated by thread 1 at
 * expect: #0 main
 * expect: misuse: wrong-align:
 * expect: it was given with an alignment of 32 bytes, and has 8
 * expect: given back by thread 3 at
 * expect: #0 free_aligned
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *free_longer(void *block) {
    cupel_free(a, block, 25, 8);
    STAY;
    return NULL;
}

STEP void *free_aligned(void *block) {
    cupel_free(a, block, 24, 32);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("");
    (void)misuse_in_thread(free_longer, cupel_alloc(a, 24, 8));
    (void)misuse_in_thread(free_aligned, cupel_alloc(a, 24, 8));
    return misuse_end();
}
