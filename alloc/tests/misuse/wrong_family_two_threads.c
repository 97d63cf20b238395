/* A thread deletes what another one had from malloc.
 *
 * expect: misuse: wrong-family:
 * expect: it is from malloc, and was given to operator delete[]
 * expect: given back by thread 2 at
 * expect: #0 delete_array
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void *delete_array(void *block) {
    cupel_debug_release_as(&misuse_debug, CUPEL_FAMILY_NEW_ARRAY, block, SIZE_MAX, 0, NULL);
    STAY;
    return NULL;
}

int main(void) {
    (void)misuse_begin("");
    (void)misuse_in_thread(delete_array, cupel_debug_acquire_as(&misuse_debug, CUPEL_FAMILY_MALLOC, 24, 16, 0, NULL));
    return misuse_end();
}
