/* Gives what malloc made to operator delete, an array of operator new[] to operator delete, and a block of operator new
 * to realloc: each is told, and done.
 *
 * expect: misuse: wrong-family: a block was given back to a function of another family than its own: free 0x
 * expect: it is the live block of 24 bytes
 * expect: it is from malloc, and was given to operator delete
 * expect: given back by thread 1 at
 * expect: #0 delete_it
 * expect: allocated by thread 1 at
 * expect: #0 malloc_it
 * expect: misuse: wrong-family:
 * expect: it is the live block of 100000 bytes
 * expect: it is from operator new[], and was given to operator delete
 * expect: #0 delete_it
 * expect: #0 new_array
 * expect: misuse: wrong-family:
 * expect: resize 0x
 * expect: it is from operator new, and was given to realloc
 * expect: #0 realloc_it
 * expect: #0 new_it */
#include "alloc/tests/misuse/misuse.h"

STEP void *malloc_it(size_t size) {
    void *block = cupel_debug_acquire_as(&misuse_debug, CUPEL_FAMILY_MALLOC, size, 16, 0, NULL);
    STAY;
    return block;
}

STEP void *new_it(size_t size) {
    void *block = cupel_debug_acquire_as(&misuse_debug, CUPEL_FAMILY_NEW, size, 16, 0, NULL);
    STAY;
    return block;
}

STEP void *new_array(size_t size) {
    void *block = cupel_debug_acquire_as(&misuse_debug, CUPEL_FAMILY_NEW_ARRAY, size, 16, 0, NULL);
    STAY;
    return block;
}

STEP void *realloc_it(void *block, size_t size) {
    block = cupel_debug_remap_as(&misuse_debug, CUPEL_FAMILY_MALLOC, block, size, NULL);
    STAY;
    return block;
}

STEP void delete_it(void *block) {
    cupel_debug_release_as(&misuse_debug, CUPEL_FAMILY_NEW, block, SIZE_MAX, 0, NULL);
    STAY;
}

int main(void) {
    (void)misuse_begin("");
    delete_it(malloc_it(24));
    delete_it(new_array(100000));
    void *moved = realloc_it(new_it(24), 5000);
    delete_it(moved); /* it is operator new's still */
    return misuse_end();
}
