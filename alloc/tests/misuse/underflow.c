/* Writes one byte before a block; found when it is resized.
 *
 * expect: misuse: underflow: bytes before a block were written
 * expect: 1 byte written, 0 before the beginning: ff
 * expect: found by thread 1 at
 * expect: #0 resize_block
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

STEP bool resize_block(struct cupel_allocator *a, void *block) {
    bool has_resized = cupel_resize(a, block, 24, 8, 20);
    STAY;
    return has_resized;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    unsigned char *block = cupel_alloc(a, 24, 8);
    write_byte(block - 1, 0xff);
    cupel_free(a, block, resize_block(a, block) ? 20 : 24, 8);
    return misuse_end();
}
