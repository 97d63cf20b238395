/* Writes into a freed block of a page that is still in use; found at the end.
 *
 * expect: misuse: write-after-free: bytes of a freed block were written
 * expect: it is the freed block of 40 bytes
 * expect: 1 byte written, from offset 5: 2a
 * expect: freed by thread 1 at
 * expect: #0 free_block
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void free_block(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *kept = cupel_alloc(a, 40, 8);
    char *block = cupel_alloc(a, 40, 8);
    free_block(a, block);
    write_byte(block + 5, 42);
    int status = (int)cupel_debug_check(&misuse_debug) != 1;
    cupel_free(a, kept, 40, 8);
    return status * 2 + misuse_end();
}
