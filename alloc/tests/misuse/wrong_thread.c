/* Uses an allocator for one thread in another.
 *
 * expect: misuse: wrong-thread: an allocator for one thread was used by another
 * expect: used by thread 2 at
 * expect: #0 use_in_thread
 * expect: used last by thread 1 at
 * expect: #0 use_in_main */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

static struct cupel_allocator *a;

STEP void use_in_main(void) {
    cupel_free(a, cupel_alloc(a, 16, 8), 16, 8);
    STAY;
}

STEP void *use_in_thread(void *unused) {
    void *block = cupel_alloc(a, 16, 8);
    STAY;
    return unused == NULL ? block : NULL;
}

int main(void) {
    a = misuse_begin("single-thread");
    use_in_main();
    pthread_t thread;
    void *block;
    if (pthread_create(&thread, NULL, use_in_thread, NULL) != 0 || pthread_join(thread, &block) != 0) {
        return 2;
    }
    cupel_free(a, block, 16, 8);
    return misuse_end();
}
