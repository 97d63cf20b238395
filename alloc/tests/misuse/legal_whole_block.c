/* Legal: each byte of blocks of many sizes is written, first and last too.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    for (size_t size = 1; size < 70000; size += size / 8 + 1) {
        char *block = cupel_alloc(a, size, 1);
        memset(block, 0xff, size);
        cupel_free(a, block, size, 1);
    }
    return misuse_end();
}
