/* Legal: blocks of no bytes are distinct, and freed.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *blocks[100];
    for (unsigned i = 0; i < 100; i++) {
        blocks[i] = cupel_alloc(a, 0, 1);
        if (blocks[i] == NULL || (i > 0 && blocks[i] == blocks[i - 1])) {
            return 2;
        }
    }
    for (unsigned i = 0; i < 100; i++) {
        cupel_free(a, blocks[i], 0, 1);
    }
    return misuse_end();
}
