/* Makes a failing input smaller while it goes on failing. Knows nothing of properties: it asks a function. */
#ifndef HARNESS_SRC_SHRINK_H
#define HARNESS_SRC_SHRINK_H

#include "harness/src/draws.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cupel__shrink {
    /* True where these bytes still fail in the same way. */
    bool (*fails)(void *user, const uint8_t *data, size_t length);
    /* Reads these bytes as `fails` does and logs the sizes drawn into *draws, which is empty but for its base. NULL:
     * nothing is known of draws. */
    void (*draws)(void *user, const uint8_t *data, size_t length, struct cupel__draws *draws);
    size_t capacity; /* bytes that there is room for, where writing a size anew makes the input longer; 0: its length */
    void *user;
    unsigned steps_max;  /* questions asked at most */
    int64_t deadline_ns; /* by cupel_clock_ns; 0: none */
    unsigned steps;      /* out: questions asked */
    bool was_cut;        /* out: a bound ended it before nothing more helped */
};

/* Shrinks data[0..length) in place and returns the new length. `data` and `scratch` have room
 * for length bytes, and for `capacity`. The result fails
 * (where the input did): every accepted step was asked for. Greedy: passes that remove, zero and lower are repeated
 * until none of them helps, as in integrated shrinkers of byte streams (Hypothesis, theft). In the end sizes that stand
 * near a power of two or near their max are lowered to what is needed, even if that takes a few bytes more; from there
 * on their total never grows. */
size_t cupel__shrink_run(struct cupel__shrink *shrink, uint8_t *data, size_t length, uint8_t *scratch);

#endif
