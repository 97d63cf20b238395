/* Legal: what is usable is used.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 100, 8);
    memset(block, 1, cupel_usable(a, block, 100, 8));
    cupel_free(a, block, 100, 8);
    return misuse_end();
}
