/* Legal: a pointer into a block keeps it from being a leak.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

static char *volatile kept;

int main(void) {
    struct cupel_allocator *a = misuse_begin("leaks=unreachable");
    kept = (char *)cupel_alloc(a, 100, 8) + 60;
    return misuse_end();
}
