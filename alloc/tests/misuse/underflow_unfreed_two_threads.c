/* A thread writes before a block of one that has ended; nobody frees it, so that it is found at the end.
 *
 * expect: misuse: underflow: bytes before a block were written
 * expect: it is the live block of 100 bytes
 * expect: 2 bytes written, 0 before the beginning: 2a 2b
 * expect: allocated by thread 1 at
 * expect: #0 allocate */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *allocate(void *unused) {
    (void)unused;
    void *block = cupel_alloc(a, 100, 8);
    STAY;
    return block;
}

STEP void *write_before(void *block) {
    write_byte((char *)block - 2, 42);
    write_byte((char *)block - 1, 43);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("leaks=none");
    (void)misuse_in_thread(write_before, misuse_in_thread(allocate, NULL));
    return misuse_end();
}
