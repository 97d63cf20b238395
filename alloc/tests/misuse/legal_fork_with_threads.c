/* Legal: children of a process whose other threads allocate.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* The thread is at work until the last child has ended: the thread sanitizer takes a thread that has ended and is not
 * joined yet when the process forks for one that the child has lost. */
static bool has_forked;

STEP void *work(void *user) {
    struct cupel_allocator *a = user;
    for (unsigned i = 0; !__atomic_load_n(&has_forked, __ATOMIC_RELAXED); i++) {
        char *block = cupel_alloc(a, i % 900, 8);
        memset(block, 1, i % 900);
        cupel_free(a, block, i % 900, 8);
    }
    return NULL;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, a) != 0) {
        return 2;
    }
    for (unsigned i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            cupel_free(a, cupel_alloc(a, 60, 8), 60, 8);
            _exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            return 2;
        }
    }
    __atomic_store_n(&has_forked, true, __ATOMIC_RELAXED);
    (void)pthread_join(thread, NULL);
    return misuse_end();
}
