/* One stream of bytes feeds a property, a fuzz body, a replay and the shrinker. Every draw has a label, so that any
 * input can be printed as the values it means.
 *
 * Scalars are drawn from the end of the input, cupel_draw_rest and cupel_draw_bytes from the front: a body that reads a
 * file format takes the rest first, so its corpus files are files of the format. A draw past the end gives the smallest
 * value: every byte string is a valid input, shorter means simpler, and shrinking is removing and lowering bytes. A
 * fault plan, where the input carries one, is a trailer behind the magic word CUPEL_BYTES_FAULT_MAGIC. */
#ifndef HARNESS_BYTES_H
#define HARNESS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cupel_view {
    const uint8_t *data;
    size_t length;
};

struct cupel_bytes;

/* How a draw is shown: called for every draw where a trace is set. `text` is the value as words. */
typedef void (*cupel_draw_trace)(void *user, const char *label, const char *text);

struct cupel_bytes {
    const uint8_t *data;
    size_t front;           /* first byte not drawn from the front */
    size_t back;            /* one past the last byte not drawn from the back */
    unsigned depth;         /* open sub-streams */
    cupel_draw_trace trace; /* NULL: none */
    void *trace_user;
};

/* Starts a stream over `length` bytes that must outlive it. */
void cupel_bytes_init(struct cupel_bytes *bytes, const void *data, size_t length);
/* True when nothing is left. */
bool cupel_bytes_are_spent(const struct cupel_bytes *bytes);

uint64_t cupel_draw_uint(struct cupel_bytes *bytes, const char *label, uint64_t min, uint64_t max);
int64_t cupel_draw_int(struct cupel_bytes *bytes, const char *label, int64_t min, int64_t max);
/* Leans to the edges and to powers of two and their neighbours. */
size_t cupel_draw_size(struct cupel_bytes *bytes, const char *label, size_t min, size_t max);
bool cupel_draw_bool(struct cupel_bytes *bytes, const char *label);
double cupel_draw_double(struct cupel_bytes *bytes, const char *label); /* any finite double; 0 past the end */
/* An index into `names`, 0 past the end. */
unsigned cupel_draw_pick(struct cupel_bytes *bytes, const char *label, const char *const names[], unsigned count);
/* Up to `max` bytes from the front; the length is a draw. Borrowed from the input. */
struct cupel_view cupel_draw_bytes(struct cupel_bytes *bytes, const char *label, size_t max);
/* The untouched front of the input: everything that is left. Scalars drawn afterwards are the smallest values, so a
 * body that also wants scalars draws them first (they come from the end). */
struct cupel_view cupel_draw_rest(struct cupel_bytes *bytes, const char *label);
/* A string of printable characters, at most size - 1, always terminated, into `text`; returns its length. */
size_t cupel_draw_string(struct cupel_bytes *bytes, const char *label, char *text, size_t size);
/* Loop: another element? False past the end. */
bool cupel_draw_more(struct cupel_bytes *bytes, const char *label);
/* A stream of its own over a drawn part of the front: draws in it do not shift those that follow. */
struct cupel_bytes cupel_draw_stream(struct cupel_bytes *bytes, const char *label, size_t max);

#endif
