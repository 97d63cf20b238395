/* Legal: blocks are resized in place where that is possible.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    size_t size = 100000;
    char *block = cupel_alloc(a, size, 8);
    for (unsigned i = 0; i < 100; i++) {
        size_t wanted = size + (i % 2 == 0 ? 3000 : (size_t)-2500);
        if (cupel_resize(a, block, size, 8, wanted)) {
            size = wanted;
        }
        memset(block, (int)i, size);
    }
    cupel_free(a, block, size, 8);
    return misuse_end();
}
