/* Legal: nothing is freed.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    cupel_free(a, NULL, 0, 1);
    cupel_free(a, NULL, 100, 16);
    return misuse_end();
}
