/* The byte stream: see bytes.h. Kept out of line and without instrumentation in the fuzz variants, so that engines see
 * the code under test and not the draws.
 *
 * The invariant: front <= back, bytes outside front..back were drawn. Scalars take bytes from the end, the first taken
 * being the most significant, so a number lies in memory with its low byte first and lowering bytes lowers it. */
#include "harness/bytes.h"
#include "harness/src/draws.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TRACE_TEXT_SIZE = 512 };

#define IS_TRACED(bytes) __builtin_expect((bytes)->trace != NULL, 0)

__attribute__((format(printf, 3, 4), cold)) static void trace(struct cupel_bytes *bytes, const char *label,
                                                              const char *format, ...) {
    char text[TRACE_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes->trace(bytes->trace_user, bytes->depth, label, text);
}

/* Shows bytes as a C string literal; where it was cut, dots follow the closing quote. */
__attribute__((cold)) static void trace_view(struct cupel_bytes *bytes, const char *label, struct cupel_view view) {
    assert(view.data != NULL || view.length == 0);
    char text[TRACE_TEXT_SIZE];
    size_t used = (size_t)snprintf(text, sizeof text, "%zu bytes \"", view.length);
    size_t i = 0;
    for (; i < view.length && used + 10 < sizeof text; i++) {
        uint8_t byte = view.data[i];
        bool is_plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
        used += (size_t)snprintf(text + used, sizeof text - used, is_plain ? "%c" : "\\%03o", byte);
    }
    trace(bytes, label, "%s\"%s", text, i < view.length ? "..." : "");
}

void cupel_bytes_init(struct cupel_bytes *bytes, const void *data, size_t length) {
    assert(data != NULL || length == 0);
    *bytes = (struct cupel_bytes){.data = data, .back = length};
}

bool cupel_bytes_are_spent(const struct cupel_bytes *bytes) {
    return bytes->front >= bytes->back;
}

/* The next `count` bytes from the end as a number. Missing bytes add nothing, so a cut number is a small one. */
static inline uint64_t take(struct cupel_bytes *bytes, unsigned count) {
    uint64_t value = 0;
    while (count > 0 && bytes->back > bytes->front) {
        value = value << 8 | bytes->data[--bytes->back];
        count--;
    }
    return value;
}

static inline unsigned bytes_for(uint64_t span) {
    return span == 0 ? 0 : (unsigned)(71 - __builtin_clzll(span)) / 8;
}

/* 0..span. */
static inline uint64_t draw_raw(struct cupel_bytes *bytes, uint64_t span) {
    uint64_t value = take(bytes, bytes_for(span));
    if (span < UINT32_MAX) { /* then value fits as well, and a 32-bit division is much cheaper */
        return (uint32_t)value % ((uint32_t)span + 1);
    }
    return span == UINT64_MAX ? value : value % (span + 1);
}

uint64_t cupel_draw_uint(struct cupel_bytes *bytes, const char *label, uint64_t min, uint64_t max) {
    assert(min <= max);
    uint64_t value = min + draw_raw(bytes, max - min);
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%" PRIu64, value);
    }
    return value;
}

int64_t cupel_draw_int(struct cupel_bytes *bytes, const char *label, int64_t min, int64_t max) {
    assert(min <= max);
    int64_t value = (int64_t)((uint64_t)min + draw_raw(bytes, (uint64_t)max - (uint64_t)min));
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%" PRId64, value);
    }
    return value;
}

static unsigned log2_of(size_t value) {
    return value == 0 ? 0 : 63 - (unsigned)__builtin_clzll(value);
}

/* A power of two between the one below min and the one above max, give or take one, brought into min..max. */
static size_t draw_near_power(struct cupel_bytes *bytes, unsigned shape, size_t min, size_t max) {
    unsigned lowest = log2_of(min);
    unsigned highest = log2_of(max);
    size_t power = (size_t)1 << (lowest + (unsigned)take(bytes, 1) % (highest - lowest + 1));
    size_t around = power + shape % 3 - 1; /* power >= 1, and 2^63 + 1 fits: no wrap */
    return around < min ? min : around > max ? max : around;
}

void cupel__draws_trace(void *user, unsigned depth, const char *label, const char *text) {
    (void)user, (void)depth, (void)label, (void)text;
}

/* A size was drawn from the bytes below `before`: its words, or a line of the log. */
__attribute__((cold)) static void trace_size(struct cupel_bytes *bytes, const char *label, size_t before, size_t min,
                                             size_t max, size_t value) {
    if (bytes->trace != cupel__draws_trace) {
        trace(bytes, label, "%zu", value);
        return;
    }
    struct cupel__draws *draws = bytes->trace_user;
    draws->total = draws->total + (value - min) < draws->total ? UINT64_MAX : draws->total + (value - min);
    if (before > bytes->back && draws->count < CUPEL__DRAWS_MAX) {
        draws->sizes[draws->count++] = (struct cupel__size_draw){.end = (size_t)(bytes->data - draws->base) + before,
                                                                 .used = before - bytes->back,
                                                                 .width = bytes_for(max - min),
                                                                 .above = value - min};
    }
}

size_t cupel_draw_size(struct cupel_bytes *bytes, const char *label, size_t min, size_t max) {
    assert(min <= max);
    size_t span = max - min;
    size_t value;
    size_t before = bytes->back;
    unsigned shape = (unsigned)take(bytes, 1);
    if (shape < CUPEL__SIZE_POWER) {
        value = min + (size_t)draw_raw(bytes, span < CUPEL__SIZE_SMALL_MAX ? span : CUPEL__SIZE_SMALL_MAX);
    } else if (shape < CUPEL__SIZE_PLAIN) {
        value = draw_near_power(bytes, shape, min, max);
    } else if (shape < CUPEL__SIZE_HIGHEST) {
        value = min + (size_t)draw_raw(bytes, span);
    } else {
        size_t below = shape & 3;
        value = below > span ? min : max - below;
    }
    assert(value >= min && value <= max);
    if (IS_TRACED(bytes)) {
        trace_size(bytes, label, before, min, max, value);
    }
    return value;
}

bool cupel_draw_bool(struct cupel_bytes *bytes, const char *label) {
    bool value = (take(bytes, 1) & 1) != 0;
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%s", value ? "true" : "false");
    }
    return value;
}

double cupel_draw_double(struct cupel_bytes *bytes, const char *label) {
    static const double edges[] = {0.5,          -0.0,          DBL_MAX,     -DBL_MAX,           DBL_MIN, -DBL_MIN,
                                   DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_EPSILON, 9007199254740993.0, 1e308,   1.0 / 3};
    unsigned shape = (unsigned)take(bytes, 1);
    double value;
    if (shape < 0x40) {
        int64_t whole = (int64_t)draw_raw(bytes, 0xffff);
        value = (double)((whole & 1) != 0 ? -(whole >> 1) - 1 : whole >> 1);
    } else if (shape < 0x60) {
        value = edges[shape % (sizeof edges / sizeof edges[0])];
    } else {
        uint64_t bits = take(bytes, 8);
        memcpy(&value, &bits, sizeof value);
        value = isfinite(value) ? value : 0;
    }
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%.17g", value);
    }
    return value;
}

unsigned cupel_draw_pick(struct cupel_bytes *bytes, const char *label, const char *const names[], unsigned count) {
    assert(count >= 1);
    unsigned index = (unsigned)draw_raw(bytes, count - 1);
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%s", names[index]);
    }
    return index;
}

/* Up to max bytes from the front, no trace. */
static struct cupel_view take_front(struct cupel_bytes *bytes, size_t max) {
    size_t length = (size_t)draw_raw(bytes, max);
    size_t left = bytes->back - bytes->front;
    struct cupel_view view = {bytes->data == NULL ? NULL : bytes->data + bytes->front, length < left ? length : left};
    bytes->front += view.length;
    return view;
}

struct cupel_view cupel_draw_bytes(struct cupel_bytes *bytes, const char *label, size_t max) {
    struct cupel_view view = take_front(bytes, max);
    if (IS_TRACED(bytes)) {
        trace_view(bytes, label, view);
    }
    return view;
}

struct cupel_view cupel_draw_rest(struct cupel_bytes *bytes, const char *label) {
    struct cupel_view view = {bytes->data == NULL ? NULL : bytes->data + bytes->front, bytes->back - bytes->front};
    bytes->front = bytes->back;
    if (IS_TRACED(bytes)) {
        trace_view(bytes, label, view);
    }
    return view;
}

size_t cupel_draw_string(struct cupel_bytes *bytes, const char *label, char *text, size_t size) {
    static const char simplest_first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                         " _-./,:;()[]{}<>=+*&^%$#@!?|~`'\"\\";
    _Static_assert(sizeof simplest_first == 96, "all 95 printable characters, each once");
    assert(size >= 1);
    size_t length = (size_t)draw_raw(bytes, size - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = simplest_first[take(bytes, 1) % 95];
    }
    text[length] = '\0';
    if (IS_TRACED(bytes)) {
        trace_view(bytes, label, (struct cupel_view){(const uint8_t *)text, length});
    }
    return length;
}

bool cupel_draw_more(struct cupel_bytes *bytes, const char *label) {
    bool more = take(bytes, 1) != 0;
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%s", more ? "yes" : "no");
    }
    return more;
}

struct cupel_bytes cupel_draw_stream(struct cupel_bytes *bytes, const char *label, size_t max) {
    struct cupel_view view = take_front(bytes, max);
    if (IS_TRACED(bytes)) {
        trace(bytes, label, "%zu bytes:", view.length);
    }
    return (struct cupel_bytes){.data = view.data,
                                .back = view.length,
                                .depth = bytes->depth + 1,
                                .trace = bytes->trace,
                                .trace_user = bytes->trace_user};
}
