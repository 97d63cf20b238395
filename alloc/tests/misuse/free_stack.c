/* Frees a variable of the stack.
 *
 * expect: misuse: stack-pointer:
 * expect:  of free_variable
 * expect: given by thread 1 at
 * expect: #0 free_variable */
#include "alloc/tests/misuse/misuse.h"

STEP void free_variable(struct cupel_allocator *a) {
    long variable = 0;
    cupel_free(a, &variable, sizeof variable, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    free_variable(a);
    return misuse_end();
}
