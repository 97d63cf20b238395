/* The byte stream: see bytes.h. Kept out of line and without instrumentation in the fuzz variants, so that engines see
 * the code under test and not the draws. */
#include "harness/bytes.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void trace(struct cupel_bytes *bytes, const char *label,
                                                        const char *format, ...) {
    if (bytes->trace == NULL) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes->trace(bytes->trace_user, label, text);
}

void cupel_bytes_init(struct cupel_bytes *bytes, const void *data, size_t length) {
    *bytes = (struct cupel_bytes){.data = data, .back = length};
}

bool cupel_bytes_are_spent(const struct cupel_bytes *bytes) {
    return bytes->front >= bytes->back;
}

/* The next `count` bytes from the end as a number; missing bytes are zero. */
static uint64_t take(struct cupel_bytes *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value <<= 8;
        if (bytes->back > bytes->front) {
            value |= bytes->data[--bytes->back];
        }
    }
    return value;
}

static unsigned bytes_for(uint64_t span) {
    return span == 0 ? 0 : (unsigned)(71 - __builtin_clzll(span)) / 8;
}

static uint64_t draw_raw(struct cupel_bytes *bytes, uint64_t min, uint64_t max) {
    uint64_t span = max - min;
    uint64_t value = take(bytes, bytes_for(span));
    if (span == UINT64_MAX) {
        return value;
    }
    if (span < UINT32_MAX) {
        return min + (uint32_t)value % ((uint32_t)span + 1);
    }
    return min + value % (span + 1);
}

uint64_t cupel_draw_uint(struct cupel_bytes *bytes, const char *label, uint64_t min, uint64_t max) {
    uint64_t value = draw_raw(bytes, min, max);
    trace(bytes, label, "%" PRIu64, value);
    return value;
}

int64_t cupel_draw_int(struct cupel_bytes *bytes, const char *label, int64_t min, int64_t max) {
    int64_t value = (int64_t)((uint64_t)min + draw_raw(bytes, 0, (uint64_t)max - (uint64_t)min));
    trace(bytes, label, "%" PRId64, value);
    return value;
}

size_t cupel_draw_size(struct cupel_bytes *bytes, const char *label, size_t min, size_t max) {
    size_t value = min;
    size_t span = max - min;
    unsigned shape = (unsigned)take(bytes, 1);
    if (shape < 0x60) {
        value = min + (span == 0 ? 0 : draw_raw(bytes, 0, span < 64 ? span : 64));
    } else if (shape < 0xb0) {
        size_t power = (size_t)1 << (take(bytes, 1) % 64);
        size_t around = power + (size_t)(shape % 3) - 1;
        value = around < min ? min : around > max ? max - (shape % 3) % (span + (span < SIZE_MAX)) : around;
    } else if (shape < 0xf0) {
        value = draw_raw(bytes, min, max);
    } else {
        size_t below = shape & 3;
        value = below > span ? min : max - below;
    }
    trace(bytes, label, "%zu", value);
    return value;
}

bool cupel_draw_bool(struct cupel_bytes *bytes, const char *label) {
    bool value = (take(bytes, 1) & 1) != 0;
    trace(bytes, label, "%s", value ? "true" : "false");
    return value;
}

double cupel_draw_double(struct cupel_bytes *bytes, const char *label) {
    uint64_t bits = take(bytes, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) {
        value = 0;
    }
    trace(bytes, label, "%.17g", value);
    return value;
}

unsigned cupel_draw_pick(struct cupel_bytes *bytes, const char *label, const char *const names[], unsigned count) {
    unsigned index = (unsigned)draw_raw(bytes, 0, count - 1);
    trace(bytes, label, "%s", names[index]);
    return index;
}

static void trace_view(struct cupel_bytes *bytes, const char *label, struct cupel_view view) {
    if (bytes->trace == NULL) {
        return;
    }
    char text[512];
    size_t used = (size_t)snprintf(text, sizeof text, "%zu bytes \"", view.length);
    for (size_t i = 0; i < view.length && used + 8 < sizeof text; i++) {
        uint8_t byte = view.data[i];
        const char *format = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\' ? "%c" : "\\%03o";
        used += (size_t)snprintf(text + used, sizeof text - used, format, byte);
    }
    trace(bytes, label, "%s\"", text);
}

struct cupel_view cupel_draw_bytes(struct cupel_bytes *bytes, const char *label, size_t max) {
    size_t length = (size_t)draw_raw(bytes, 0, max);
    size_t left = bytes->back - bytes->front;
    struct cupel_view view = {bytes->data + bytes->front, length < left ? length : left};
    bytes->front += view.length;
    trace_view(bytes, label, view);
    return view;
}

struct cupel_view cupel_draw_rest(struct cupel_bytes *bytes, const char *label) {
    struct cupel_view view = {bytes->data + bytes->front, bytes->back - bytes->front};
    bytes->front = bytes->back;
    trace_view(bytes, label, view);
    return view;
}

size_t cupel_draw_string(struct cupel_bytes *bytes, const char *label, char *text, size_t size) {
    size_t length = (size_t)draw_raw(bytes, 0, size - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)(' ' + take(bytes, 1) % 95);
    }
    text[length] = '\0';
    trace(bytes, label, "\"%s\"", text);
    return length;
}

bool cupel_draw_more(struct cupel_bytes *bytes, const char *label) {
    bool more = !cupel_bytes_are_spent(bytes) && take(bytes, 1) != 0;
    trace(bytes, label, "%s", more ? "yes" : "no");
    return more;
}

struct cupel_bytes cupel_draw_stream(struct cupel_bytes *bytes, const char *label, size_t max) {
    struct cupel_view view = cupel_draw_bytes(bytes, label, max);
    struct cupel_bytes stream;
    cupel_bytes_init(&stream, view.data, view.length);
    stream.depth = bytes->depth + 1;
    stream.trace = bytes->trace;
    stream.trace_user = bytes->trace_user;
    return stream;
}
