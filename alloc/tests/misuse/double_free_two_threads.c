/* Frees a block in a thread and once more in the first one.
 *
 * expect: misuse: double-free:
 * expect: freed again by thread 1 at
 * expect: #0 main
 * expect: freed first by thread 2 at
 * expect: #0 free_in_thread
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

static struct cupel_allocator *a;

STEP void *free_in_thread(void *block) {
    cupel_free(a, block, 24, 8);
    STAY;
    return NULL;
}

int main(void) {
    a = misuse_begin("");
    void *block = cupel_alloc(a, 24, 8);
    pthread_t thread;
    if (pthread_create(&thread, NULL, free_in_thread, block) != 0 || pthread_join(thread, NULL) != 0) {
        return 2;
    }
    cupel_free(a, block, 24, 8);
    return misuse_end();
}
