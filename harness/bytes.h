/* One stream of bytes feeds a property, a fuzz body, a replay and the shrinker. Every draw has a label, so that any
 * input can be printed as the values it means.
 *
 * Layout of an input:
 *
 *     | front: drawn by cupel_draw_rest, _bytes, _stream ->  ...  <- scalars, drawn from the end | fault trailer |
 *
 * A body that reads a file format takes the rest first, so its corpus files are files of the format and its dictionary
 * means what it says. A draw past the end gives the smallest value: every byte string is a valid input, shorter means
 * simpler, and shrinking is removing and lowering bytes. The fault trailer, where there is one, is a fault plan that
 * travels with the input (see cupel_bytes_fault_plan).
 *
 * Common to all draws: `label` is a short constant text, borrowed for the call, that names the value in a trace. They
 * allocate nothing, cost a few nanoseconds without a trace, and never fail. A stream is used by one thread at a time;
 * the functions hold no other state and may be called in a signal handler where no trace is set. */
#ifndef HARNESS_BYTES_H
#define HARNESS_BYTES_H

#include "alloc/failing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Some bytes that belong to somebody else. */
struct cupel_view {
    const uint8_t *data;
    size_t length; /* in bytes */
};

/* How a draw is shown: called for every draw where a trace is set. `depth` is 0 in the input itself and one more in
 * each sub-stream; `text` is the value as words, borrowed for the call. */
typedef void (*cupel_draw_trace)(void *user, unsigned depth, const char *label, const char *text);

/* A stream. Fields are for this header's functions; `trace` and `trace_user` may be set by the caller after init. */
struct cupel_bytes {
    const uint8_t *data;
    size_t front;           /* first byte not drawn from the front */
    size_t back;            /* one past the last byte not drawn from the back */
    unsigned depth;         /* 0, and one more in each sub-stream */
    cupel_draw_trace trace; /* NULL: none */
    void *trace_user;
};

/* Starts a stream over `length` bytes, borrowed: they must outlive it and all views drawn. NULL is fine for length 0.
 */
void cupel_bytes_init(struct cupel_bytes *bytes, const void *data, size_t length);
/* True when nothing is left: every further draw gives its smallest value. */
bool cupel_bytes_are_spent(const struct cupel_bytes *bytes);

/* A whole number in min..max, all alike; min past the end. min <= max, else it is a programmer error. Takes as many
 * bytes as max - min needs, 0 to 8. */
uint64_t cupel_draw_uint(struct cupel_bytes *bytes, const char *label, uint64_t min, uint64_t max);
/* The same, signed. */
int64_t cupel_draw_int(struct cupel_bytes *bytes, const char *label, int64_t min, int64_t max);
/* A size in min..max that leans to where sizes break: about three in eight draws are within 64 of min, three in ten are
 * a power of two, one more or one less (brought into the range), one in sixteen is within 3 of max, the rest are any.
 * min past the end. */
size_t cupel_draw_size(struct cupel_bytes *bytes, const char *label, size_t min, size_t max);
/* True or false; false past the end. */
bool cupel_draw_bool(struct cupel_bytes *bytes, const char *label);
/* Any finite double: small whole numbers, edges (both zeros, the limits, the subnormals), or any bit pattern. 0 past
 * the end. */
double cupel_draw_double(struct cupel_bytes *bytes, const char *label);
/* An index into `names`, 0 past the end. count >= 1; the names show in traces. */
unsigned cupel_draw_pick(struct cupel_bytes *bytes, const char *label, const char *const names[], unsigned count);
/* Up to `max` bytes from the front; the length is itself drawn (from the end) and cut to what is left. The view is
 * borrowed from the input. Empty past the end. */
struct cupel_view cupel_draw_bytes(struct cupel_bytes *bytes, const char *label, size_t max);
/* The untouched front of the input: everything that is left. Scalars drawn afterwards have their smallest values, so a
 * body that also wants scalars draws them first (they come from the end). Borrowed from the input. */
struct cupel_view cupel_draw_rest(struct cupel_bytes *bytes, const char *label);
/* A string of printable ASCII characters, at most size - 1 of them, always terminated, into `text`; returns its length.
 * size >= 1. Empty past the end; the simplest character is 'a'. */
size_t cupel_draw_string(struct cupel_bytes *bytes, const char *label, char *text, size_t size);
/* For loops: another element? False past the end, so every loop on it ends. */
bool cupel_draw_more(struct cupel_bytes *bytes, const char *label);
/* A stream of its own over up to `max` bytes from the front: draws in it do not shift those that follow. Inherits the
 * trace, one deeper. Empty past the end. */
struct cupel_bytes cupel_draw_stream(struct cupel_bytes *bytes, const char *label, size_t max);

/* The fault trailer: a fault plan at the very end of an input. The short form is seven bytes, which engines mutate like
 * all else, so they search the faults together with the data; the long one says any plan, in words, and is written
 * where the short one cannot say it.
 *
 *     | when | N low | N high | 'C' 'F' 0xfa 0x17 |       when modulo 4: 0 N, 1 N+, 2 every N, 3 N and N + 1
 *     | plan, a space, its seed | length of these | 'C' 'T' 0xfa 0x17 |      "read:3=EINTR 0"; one byte of length */
enum { CUPEL_BYTES_FAULT_LENGTH = 7, CUPEL_BYTES_FAULT_LENGTH_MAX = 255 + 5 };
#define CUPEL_BYTES_FAULT_MAGIC      "CF\xfa\x17"
#define CUPEL_BYTES_FAULT_TEXT_MAGIC "CT\xfa\x17"

/* Where the input ends in a fault trailer: takes it off the stream, so that no draw sees it, fills `plan` and returns
 * true. Else returns false and leaves both as they were. To be called before the first draw; runners do. A function
 * that the plan names is looked up in the loaded modules, which takes the loader's lock. */
bool cupel_bytes_fault_plan(struct cupel_bytes *bytes, struct cupel_fault_plan *plan);
/* Writes the trailer for a plan into `trailer`: the short form for one rule on `alloc` with N up to 65 535, no `how`
 * and no `where`. Its length in bytes; 0 where the plan is empty or needs more than 255 characters, and then `trailer`
 * is untouched. */
size_t cupel_bytes_fault_trailer(const struct cupel_fault_plan *plan, uint8_t trailer[CUPEL_BYTES_FAULT_LENGTH_MAX]);

#ifdef __cplusplus
}
#endif

#endif
