/* Reads a freed block of a span that is retired: the read faults.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: read 0x
 * expect: 4 bytes into the freed block of 40 bytes
 * expect: read by thread 1 at
 * expect: #0 read_freed
 * expect: #1 main
 * expect: freed by thread 1 at
 * expect: #0 free_block
 * expect: allocated by thread 1 at
 * expect: #0 main
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP void free_block(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
}

STEP int read_freed(const char *block) {
    int value = read_byte(block + 4);
    STAY;
    return value;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 40, 8);
    free_block(a, block);
    return read_freed(block) == 0xdd ? 0 : 2;
}
