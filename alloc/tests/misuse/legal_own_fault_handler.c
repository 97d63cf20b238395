/* Legal: a program that recovers from faults of its own still does.
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

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    struct sigaction action = {.sa_handler = jump};
    (void)sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(place, 1) == 0) {
        write_byte((void *)16, 1);
        return 2;
    }
    cupel_free(a, cupel_alloc(a, 10, 1), 10, 1);
    return misuse_end();
}
