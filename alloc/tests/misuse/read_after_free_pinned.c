/* Reads a freed block whose neighbours on its page are freed too, of a span that a live block keeps.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: read 0x
 * expect: 4 bytes into the freed block of 40 bytes
 * expect: read by thread 1 at
 * expect: #0 read_freed
 * expect: freed by thread 1 at
 * expect: allocated by thread 1 at
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP int read_freed(const char *block) {
    int value = read_byte(block + 4);
    STAY;
    return value;
}

int main(void) {
    enum { COUNT = 3000 };
    static char *blocks[COUNT];
    struct cupel_allocator *a = misuse_begin("");
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = cupel_alloc(a, 40, 8);
    }
    for (unsigned i = 1; i < COUNT; i++) {
        cupel_free(a, blocks[i], 40, 8);
    }
    return read_freed(blocks[500]) == 0xdd ? 0 : 2;
}
