/* A thread writes into a block that another freed, on a page that is still in use.
 *
 * expect: misuse: write-after-free: bytes of a freed block were written
 * expect: it is the freed block of 40 bytes
 * expect: 1 byte written, from offset 5: 2a
 * expect: freed by thread 2 at
 * expect: #0 free_block
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

STEP void *free_block(void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
    return NULL;
}

STEP void *write_freed(void *block) {
    write_byte((char *)block + 5, 42);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("");
    void *kept = cupel_alloc(a, 40, 8);
    void *block = cupel_alloc(a, 40, 8);
    (void)misuse_in_thread(free_block, block);
    (void)misuse_in_thread(write_freed, block);
    int status = (int)cupel_debug_check(&misuse_debug) != 1;
    cupel_free(a, kept, 40, 8);
    return status * 2 + misuse_end();
}
