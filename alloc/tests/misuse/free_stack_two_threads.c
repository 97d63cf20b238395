/* A thread frees a variable of the stack of another.
 *
 * expect: misuse: stack-pointer:
 * expect: on the stack of thread
 * expect: given by thread 1 at
 * expect: #0 free_variable */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *free_variable(void *variable) {
    cupel_free(a, variable, sizeof(long), 8);
    STAY;
    return NULL;
}

int main(void) {
    long variable = 0;
    a = misuse_begin("");
    (void)misuse_in_thread(free_variable, &variable);
    return misuse_end();
}
