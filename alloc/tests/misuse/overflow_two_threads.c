/* A thread writes behind a block of another's, and frees it.
 *
 * expect: misuse: overflow: bytes behind a block were written
 * expect: it is the live block of 21 bytes
 * expect: 1 byte written, 0 behind the end: 2a
 * expect: found by thread 2 at
 * expect: #0 write_behind
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *write_behind(void *block) {
    write_byte((char *)block + 21, 42);
    cupel_free(a, block, 21, 8);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("");
    (void)misuse_in_thread(write_behind, cupel_alloc(a, 21, 8));
    return misuse_end();
}
