/* Legal: blocks of every alignment up to 1 MiB.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    for (size_t align = 1; align <= (size_t)1 << 20; align *= 2) {
        char *block = cupel_alloc(a, align + 3, align);
        if (block == NULL || (uintptr_t)block % align != 0) {
            return 2;
        }
        memset(block, 1, align + 3);
        cupel_free(a, block, align + 3, align);
    }
    return misuse_end();
}
