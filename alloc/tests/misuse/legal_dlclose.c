/* Legal: blocks of a module that was unloaded are freed.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <dlfcn.h>

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *module = dlopen("libm.so.6", RTLD_NOW);
    void *block = cupel_alloc(a, 77, 8);
    if (module == NULL || dlclose(module) != 0) {
        return 2;
    }
    cupel_free(a, block, 77, 8);
    return misuse_end();
}
