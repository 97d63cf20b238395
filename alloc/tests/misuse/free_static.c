/* Frees a variable of the program's data, and one of its zeroed data.
 *
 * expect: misuse: static-pointer:
 * expect: #0 free_data
 * expect: misuse: static-pointer:
 * expect: #0 free_zeroed */
#include "alloc/tests/misuse/misuse.h"

static long data[100] = {1};
static long zeroed[100000];

STEP void free_data(struct cupel_allocator *a) {
    cupel_free(a, data, 8, 8);
    STAY;
}

STEP void free_zeroed(struct cupel_allocator *a) {
    cupel_free(a, zeroed + 50000, 8, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    free_data(a);
    free_zeroed(a);
    return misuse_end();
}
