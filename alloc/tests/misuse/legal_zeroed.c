/* Legal: blocks that were asked for zeroed are, also where others were before.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    for (unsigned i = 0; i < 3000; i++) {
        size_t size = i * 37 % 5000 + 1;
        char *block = cupel_alloc_zeroed(a, size, 8);
        for (size_t j = 0; j < size; j++) {
            if (block[j] != 0) {
                return 2;
            }
        }
        memset(block, 0x55, size);
        cupel_free(a, block, size, 8);
    }
    return misuse_end();
}
