/* Writes into a freed large block: the write faults.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: write 0x
 * expect: 50000 bytes into the freed block of 100000 bytes
 * expect: write by thread 1 at
 * expect: #0 write_freed
 * expect: freed by thread 1 at
 * expect: #0 main
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP void write_freed(char *block) {
    write_byte(block + 50000, 1);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 100000, 8);
    cupel_free(a, block, 100000, 8);
    write_freed(block);
    return misuse_end();
}
