/* Writes before a large block: the write faults.
 *
 * expect: misuse: out-of-bounds: memory beside a block was touched: write 0x
 * expect: 1 byte before the live block of 100000 bytes
 * expect: write by thread 1 at
 * expect: #0 write_before
 * expect: allocated by thread 1 at
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP void write_before(char *block) {
    write_byte(block - 1, 1);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 100000, 16);
    write_before(block);
    return misuse_end();
}
