/* Legal: a handler that was there before has its turn.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <setjmp.h>
#include <signal.h>

static sigjmp_buf place;

STEP void jump(int number) {
    (void)number;
    siglongjmp(place, 1);
}

__attribute__((constructor)) static void catch_faults(void) {
    struct sigaction action = {.sa_handler = jump};
    (void)sigaction(SIGSEGV, &action, NULL);
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    if (sigsetjmp(place, 1) == 0) {
        write_byte((void *)16, 1);
        return 2;
    }
    cupel_free(a, cupel_alloc(a, 10, 1), 10, 1);
    return misuse_end();
}
