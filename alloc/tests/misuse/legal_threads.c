/* Legal: threads allocate and end.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

enum { THREADS = 4 };

STEP void *work(void *user) {
    struct cupel_allocator *a = user;
    for (unsigned i = 0; i < 5000; i++) {
        char *block = cupel_alloc(a, i % 900, 8);
        memset(block, 1, i % 900);
        cupel_free(a, block, i % 900, 8);
    }
    return NULL;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, a) != 0) {
            return 2;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return misuse_end();
}
