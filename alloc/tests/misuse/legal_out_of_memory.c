/* Legal: what cannot be had is NULL, and nothing has changed.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 10, 1);
    if (cupel_alloc(a, SIZE_MAX, 1) != NULL || cupel_alloc(a, 10, 3) != NULL ||
        cupel_alloc(a, (size_t)PTRDIFF_MAX, 1) != NULL || cupel_realloc(a, block, 10, 1, PTRDIFF_MAX) != NULL) {
        return 2;
    }
    cupel_free(a, block, 10, 1);
    return misuse_end();
}
