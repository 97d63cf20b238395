/* Reads through a pointer from before the block moved.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: read 0x
 * expect: the freed block of 100000 bytes
 * expect: read by thread 1 at
 * expect: #0 read_stale
 * expect: freed by thread 1 at
 * expect: #0 grow
 * expect: allocated by thread 1 at
 * expect: #0 main
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

STEP int read_stale(const char *block) {
    int value = read_byte(block + 10);
    STAY;
    return value;
}

STEP char *grow(struct cupel_allocator *a, char *block) {
    char *moved = cupel_realloc(a, block, 100000, 8, 10000000);
    STAY;
    return moved;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 100000, 8);
    void *behind = cupel_alloc(a, 100000, 8);
    char *moved = grow(a, block);
    if (moved == block) {
        return 2;
    }
    cupel_free(a, behind, 100000, 8);
    return read_stale(block) == 0 ? 0 : 2;
}
