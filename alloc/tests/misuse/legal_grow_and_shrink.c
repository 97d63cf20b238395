/* Legal: a block grows through all sizes and shrinks again, and keeps what it holds.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    size_t size = 1;
    unsigned char *block = cupel_alloc(a, size, 1);
    block[0] = 7;
    for (; size < 3000000; size = size * 2 + 1) {
        block = cupel_realloc(a, block, size, 1, size * 2 + 1);
        block[size * 2] = 9;
    }
    while (size > 1) {
        block = cupel_realloc(a, block, size, 1, size / 2);
        size /= 2;
        if (block[0] != 7) {
            return 2;
        }
    }
    cupel_free(a, block, size, 1);
    return misuse_end();
}
