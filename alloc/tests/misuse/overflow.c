/* Writes one byte behind a block, inside its slot; found when it is freed.
 *
 * expect: misuse: overflow: bytes behind a block were written
 * expect: it is the live block of 21 bytes
 * expect: 1 byte written, 0 behind the end: 00
 * expect: found by thread 1 at
 * expect: #0 free_block
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP void free_block(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 21, 1);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 21, 1);
    write_byte(block + 21, 0);
    free_block(a, block);
    return misuse_end();
}
