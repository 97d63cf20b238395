/* Legal: the same where addresses are few: they are used again, with a word and no finding.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("address-space=2097152:ignore=addresses-reused");
    for (unsigned i = 0; i < 100000; i++) {
        char *block = cupel_alloc(a, 100 + i % 50, 8);
        memset(block, 1, 100 + i % 50);
        cupel_free(a, block, 100 + i % 50, 8);
    }
    return misuse_end();
}
