/* Reads one byte behind a guarded block: the read faults.
 *
 * expect: misuse: out-of-bounds: memory beside a block was touched: read 0x
 * expect: 0 bytes behind the live block of 64 bytes
 * expect: read by thread 1 at
 * expect: #0 read_behind
 * expect: allocated by thread 1 at
 * expect: #0 main
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP int read_behind(const char *block) {
    int value = read_byte(block + 64);
    STAY;
    return value;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("guard-every=1");
    char *block = cupel_alloc(a, 64, 16);
    return read_behind(block) == 0 ? 0 : 2;
}
