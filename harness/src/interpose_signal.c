/* Sending a signal, in a test program: noted where it goes to the test's own runner (meddler.h), and else left alone.
 * Linked as an object, as interpose.c. */
#include "harness/src/interpose_real.h"
#include "harness/src/meddler.h"

CUPEL__REAL(kill, int, pid_t, int);

int kill(pid_t process, int number) {
    if (cupel__meddler_on_kill != NULL) {
        cupel__meddler_on_kill(process, number);
    }
    return REAL(kill)(process, number);
}
