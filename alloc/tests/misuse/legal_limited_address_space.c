/* Legal: an address space of 1 GiB is enough.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <sys/resource.h>

__attribute__((constructor)) static void limit(void) {
    if (MISUSE_IS_SANITIZED) {
        return; /* its shadow alone is more */
    }
    const struct rlimit gibibyte = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    (void)setrlimit(RLIMIT_AS, &gibibyte);
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    for (unsigned i = 0; i < 20000; i++) {
        char *block = cupel_alloc(a, i, 8);
        if (block == NULL) {
            return 2;
        }
        memset(block, 1, i);
        cupel_free(a, block, i, 8);
    }
    return misuse_end();
}
