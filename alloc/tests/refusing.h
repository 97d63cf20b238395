/* The kernel refuses a call, as it does where something has run out: for tests of what is done then. It is refused for
 * the rest of the process, so a test that uses this runs in one of its own (.isolate = CUPEL_ISOLATE_PROCESS), or in a
 * child of fork. */
#ifndef ALLOC_TESTS_REFUSING_H
#define ALLOC_TESTS_REFUSING_H

#include <stdbool.h>
#include <stdint.h>

/* Which calls of a number are refused: those whose argument has this value, or all. */
struct refusal {
    int number;        /* SYS_... */
    int error;         /* errno of the refused call */
    unsigned argument; /* counted from 1; 0: whatever the arguments are */
    uint64_t value;
};

/* Whether this build goes on where that is refused: sanitizers need some calls themselves. */
bool refusal_is_borne(struct refusal refusal);
/* From here on these are refused, with all that were before. Skips the test where that is not borne, and fails it where
 * the kernel knows no filters. */
void refuse(struct refusal refusal);

#endif
