/* Legal: what something points to is no leak where only lost blocks are.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

static void *volatile kept;

int main(void) {
    struct cupel_allocator *a = misuse_begin("leaks=unreachable");
    kept = cupel_alloc(a, 100, 8);
    void **inner = kept;
    *inner = cupel_alloc(a, 100, 8);
    return misuse_end();
}
