/* Gives each block back to its own family, also after it was resized and moved, and blocks of cupel_alloc to any.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    static const enum cupel_family families[] = {CUPEL_FAMILY_MALLOC, CUPEL_FAMILY_NEW, CUPEL_FAMILY_NEW_ARRAY};
    static const size_t sizes[] = {0, 24, 32767, 32768, 100000};
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 5; j++) {
            for (size_t align = 1; align <= (1 << 17); align *= 2) {
                void *block = cupel_debug_acquire_as(&misuse_debug, families[i], sizes[j], align, 0, NULL);
                cupel_debug_release_as(&misuse_debug, families[i], block, sizes[j], align, NULL);
            }
            void *block = cupel_debug_acquire_as(&misuse_debug, families[i], sizes[j], 16, 0, NULL);
            block = cupel_debug_remap(&misuse_debug, block, sizes[j] / 2 + 1, NULL);
            block = cupel_debug_remap(&misuse_debug, block, 2 * sizes[j] + 1, NULL);
            cupel_debug_release_as(&misuse_debug, families[i], block, SIZE_MAX, 16, NULL);
            block = cupel_alloc(a, sizes[j], 8);
            cupel_debug_release_as(&misuse_debug, families[i], block, sizes[j], 0, NULL);
            block = cupel_debug_acquire_as(&misuse_debug, families[i], sizes[j], 8, CUPEL_ZEROED, NULL);
            cupel_free(a, block, sizes[j], 8);
        }
    }
    void *block = cupel_debug_remap_as(&misuse_debug, CUPEL_FAMILY_MALLOC, cupel_alloc(a, 10, 8), 100000, NULL);
    cupel_debug_release_as(&misuse_debug, CUPEL_FAMILY_ANY, block, SIZE_MAX, 0, NULL);
    return misuse_end();
}
