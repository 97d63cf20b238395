/* Legal: pointers on the stack of a thread that lives, and in its own memory, keep blocks from being leaks.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

static struct cupel_allocator *a;
static pthread_barrier_t barrier;
static _Thread_local void *volatile own;

STEP void *keep_two(void *unused) {
    (void)unused;
    void *volatile on_stack = cupel_alloc(a, 100, 8);
    own = cupel_alloc(a, 200, 8);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_barrier_wait(&barrier);
    cupel_free(a, on_stack, 100, 8);
    cupel_free(a, own, 200, 8);
    return NULL;
}

int main(void) {
    pthread_t thread;
    a = misuse_begin("leaks=unreachable");
    if (pthread_barrier_init(&barrier, NULL, 2) != 0 || pthread_create(&thread, NULL, keep_two, NULL) != 0) {
        return 2;
    }
    (void)pthread_barrier_wait(&barrier);
    bool is_clean = cupel_debug_tell_leaks(&misuse_debug) == 0;
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_join(thread, NULL);
    return is_clean ? misuse_end() : 2;
}
