/* Legal: a block is freed by a thread that did not allocate it, after its own has ended.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

STEP void *allocate(void *user) {
    void *block = cupel_alloc(user, 123, 8);
    STAY;
    return block;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    pthread_t thread;
    void *block = NULL;
    if (pthread_create(&thread, NULL, allocate, a) != 0 || pthread_join(thread, &block) != 0) {
        return 2;
    }
    cupel_free(a, block, 123, 8);
    return misuse_end();
}
