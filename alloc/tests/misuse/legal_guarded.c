/* Legal: each block on pages of its own.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("guard-every=1");
    char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = cupel_alloc(a, i * 40, 16);
        memset(blocks[i], 1, i * 40);
    }
    for (size_t i = 0; i < 200; i++) {
        cupel_free(a, blocks[i], i * 40, 16);
    }
    return misuse_end();
}
