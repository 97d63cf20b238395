/* A log of the sizes that a body drew: for the shrinker, which writes them anew in the one form that holds any value.
 * It is a trace of its own kind: set `trace` of a stream to cupel__draws_trace and `trace_user` to the log. */
#ifndef HARNESS_SRC_DRAWS_H
#define HARNESS_SRC_DRAWS_H

#include <stddef.h>
#include <stdint.h>

/* How cupel_draw_size reads its first byte. */
enum cupel__size_shape {
    CUPEL__SIZE_SMALL = 0,     /* one byte follows: 0..64 above min */
    CUPEL__SIZE_POWER = 0x60,  /* one byte follows: near a power of two */
    CUPEL__SIZE_PLAIN = 0xb0,  /* as many bytes as the range needs: any value */
    CUPEL__SIZE_HIGHEST = 0xf0 /* nothing follows: near max */
};
enum { CUPEL__SIZE_SMALL_MAX = 64, CUPEL__DRAWS_MAX = 64 };

struct cupel__size_draw {
    size_t end;     /* in the input: one past the draw's first byte, which is its last in memory */
    size_t used;    /* bytes before `end` that it took, at least 1 */
    unsigned width; /* bytes of its value in the plain form */
    uint64_t above; /* the value, less its min */
};

struct cupel__draws {
    const uint8_t *base; /* the input; set by the caller, the rest 0 */
    unsigned count;      /* of those kept: the first ones */
    uint64_t total;      /* of `above` of all sizes drawn */
    struct cupel__size_draw sizes[CUPEL__DRAWS_MAX];
};

/* Never called with words of sizes; does nothing with the others. */
void cupel__draws_trace(void *user, unsigned depth, const char *label, const char *text);

#endif
