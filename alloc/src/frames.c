/* The bounded walk over frame pointers: see frames.h.
 *
 * A register that is no frame pointer may hold anything, so a step is taken only within the bounds of the stack, only
 * upwards, and the walk counts for nothing unless it meets the site that the caller gave. */
#include "alloc/src/frames.h"

#include "alloc/src/stack.h"
#include "alloc/src/unsanitized.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame begins with the caller's frame pointer and the return address on these machines. */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define FRAMES_ARE_CHAINED 1
#else
#define FRAMES_ARE_CHAINED 0
#endif

enum { STEPS_MAX = 64 }; /* frames between the walk and the site, and those taken */

CUPEL__UNSANITIZED unsigned cupel__frames_collect(const void *site, const void *frames[], unsigned max) {
    const uintptr_t *frame = __builtin_frame_address(0);
    frames[0] = site;
    unsigned count = 1;
    if (max < 2 || !FRAMES_ARE_CHAINED) {
        return count;
    }
    struct cupel__stack stack;
    if (!cupel__stack_find((uintptr_t)frame, &stack)) {
        return count;
    }
    bool has_met_site = false;
    for (unsigned step = 0; step < STEPS_MAX && count < max; step++) {
        uintptr_t address = (uintptr_t)frame;
        if (address < stack.low || address > stack.high - 2 * sizeof *frame || address % sizeof *frame != 0) {
            break;
        }
        const void *caller = (const void *)frame[1];
        if (caller == NULL) {
            break;
        }
        if (has_met_site) {
            frames[count++] = caller;
        }
        has_met_site = has_met_site || caller == site;
        if (frame[0] <= address) {
            break;
        }
        frame = (const uintptr_t *)frame[0];
    }
    return count;
}
