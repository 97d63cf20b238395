/* A stack of its own for the handler of faults, a thread: so that a fault is told where the thread's stack is at its
 * end or was overwritten. A thread that has an alternate stack keeps it. */
#include "alloc/src/debug_fault.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

enum { STACK_BYTES = 128 << 10 };

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void give_back(void *stack) {
    stack_t present;
    const stack_t none = {.ss_flags = SS_DISABLE};
    if (sigaltstack(NULL, &present) == 0 && present.ss_sp == stack) {
        (void)sigaltstack(&none, NULL);
    }
    (void)munmap(stack, STACK_BYTES);
}

static void make_key(void) {
    has_key = pthread_key_create(&key, give_back) == 0;
}

void cupel__debug_altstack(void) {
    stack_t present;
    (void)pthread_once(&once, make_key);
    /* LCOV_EXCL_BR_START(keys do not run out before the first) */
    if (!has_key || sigaltstack(NULL, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) {
        return;
    }
    /* LCOV_EXCL_BR_STOP */
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        return;
    }
    const stack_t fresh = {.ss_sp = stack, .ss_size = STACK_BYTES};
    /* LCOV_EXCL_BR_START(memory for the first values of a thread is its own) */
    if (pthread_setspecific(key, stack) != 0 || sigaltstack(&fresh, NULL) != 0) {
        (void)pthread_setspecific(key, NULL);
        (void)munmap(stack, STACK_BYTES);
    }
    /* LCOV_EXCL_BR_STOP */
}
