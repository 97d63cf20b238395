/* The strong guarantee: a call that fails changes nothing. A test declares a hash of its state (.strong); it is taken
 * before calls and compared where one was starved. Without a declaration these do nothing. */
#ifndef HARNESS_SRC_STRONG_H
#define HARNESS_SRC_STRONG_H

#include <stdbool.h>

/* Takes the hash: where a body begins, and after each call that went well. Only where faults are injected. */
void cupel__strong_note(void);
/* False where the hash is another than the one taken last. */
bool cupel__strong_holds(void);

#endif
