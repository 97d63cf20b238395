/* Legal: what is left is no leak where nobody asks.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("leaks=none");
    memset(cupel_alloc(a, 100, 8), 1, 100);
    return misuse_end();
}
