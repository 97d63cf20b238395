/* JSON, value by value. The writer keeps one bit a level: whether a comma is due. */
#include "alloc/base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cupel_json_init(struct cupel_json *json, FILE *stream, int indent) {
    *json = (struct cupel_json){.stream = stream, .indent = indent};
}

static void new_line(struct cupel_json *json) {
    if (json->indent > 0) {
        (void)fprintf(json->stream, "\n%*s", json->indent * (int)json->depth, "");
    }
}

/* The comma and the new line before an item of the innermost container. */
static void separate(struct cupel_json *json) {
    bool *has_items = &json->has_items[json->depth - 1];
    if (*has_items) {
        (void)fputc(',', json->stream);
    }
    *has_items = true;
    new_line(json);
}

/* Before every value: an object wants a key first, an array a comma. */
static void before_value(struct cupel_json *json) {
    if (json->depth == 0) {
        return;
    }
    if (json->is_object[json->depth - 1]) {
        assert(json->has_key);
        json->has_key = false;
    } else {
        separate(json);
    }
}

static void begin(struct cupel_json *json, bool is_object) {
    before_value(json);
    assert(json->depth < CUPEL_JSON_DEPTH_MAX);
    json->is_object[json->depth] = is_object;
    json->has_items[json->depth] = false;
    json->depth++;
    (void)fputc(is_object ? '{' : '[', json->stream);
}

static void end(struct cupel_json *json, bool is_object) {
    assert(json->depth > 0 && json->is_object[json->depth - 1] == is_object && !json->has_key);
    json->depth--;
    if (json->has_items[json->depth]) {
        new_line(json);
    }
    (void)fputc(is_object ? '}' : ']', json->stream);
}

void cupel_json_object_begin(struct cupel_json *json) {
    begin(json, true);
}

void cupel_json_object_end(struct cupel_json *json) {
    end(json, true);
}

void cupel_json_array_begin(struct cupel_json *json) {
    begin(json, false);
}

void cupel_json_array_end(struct cupel_json *json) {
    end(json, false);
}

/* Bytes of the UTF-8 sequence at `text`, 0 where it is none (RFC 3629: no surrogates, no overlong forms). */
static size_t sequence_length(const unsigned char *text, size_t left) {
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t length = forms[i].length;
        if (text[0] < forms[i].first_min || text[0] > forms[i].first_max || length > left) {
            continue;
        }
        if (length > 1 && (text[1] < forms[i].second_min || text[1] > forms[i].second_max)) {
            return 0;
        }
        for (size_t j = 2; j < length; j++) {
            if ((text[j] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
    return 0;
}

static void write_character(FILE *stream, const unsigned char *text, size_t length) {
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = memchr(escaped, text[0], sizeof escaped - 1);
    if (length == 0) {
        (void)fputs("\xef\xbf\xbd", stream); /* U+FFFD, a byte that is no UTF-8 */
    } else if (at != NULL) {
        (void)fprintf(stream, "\\%c", letters[at - escaped]);
    } else if (text[0] < 0x20 || text[0] == 0x7f) {
        (void)fprintf(stream, "\\u%04x", text[0]);
    } else {
        (void)fwrite(text, 1, length, stream);
    }
}

static void write_quoted(FILE *stream, const char *text, size_t length) {
    const unsigned char *at = (const unsigned char *)text;
    (void)fputc('"', stream);
    while (length > 0) {
        size_t sequence = sequence_length(at, length);
        write_character(stream, at, sequence);
        size_t taken = sequence > 0 ? sequence : 1;
        at += taken;
        length -= taken;
    }
    (void)fputc('"', stream);
}

void cupel_json_key(struct cupel_json *json, const char *key) {
    assert(json->depth > 0 && json->is_object[json->depth - 1] && !json->has_key);
    separate(json);
    write_quoted(json->stream, key, strlen(key));
    (void)fputs(json->indent > 0 ? ": " : ":", json->stream);
    json->has_key = true;
}

void cupel_json_string(struct cupel_json *json, const char *text) {
    cupel_json_string_n(json, text, strlen(text));
}

void cupel_json_string_n(struct cupel_json *json, const char *text, size_t length) {
    before_value(json);
    write_quoted(json->stream, text, length);
}

void cupel_json_uint(struct cupel_json *json, uint64_t value) {
    before_value(json);
    (void)fprintf(json->stream, "%" PRIu64, value);
}

void cupel_json_int(struct cupel_json *json, int64_t value) {
    before_value(json);
    (void)fprintf(json->stream, "%" PRId64, value);
}

void cupel_json_double(struct cupel_json *json, double value) {
    if (!isfinite(value)) {
        cupel_json_null(json);
        return;
    }
    before_value(json);
    char text[40];
    int digits = 15; /* the fewest that read back as the same number, and 17 always do */
    do {
        (void)snprintf(text, sizeof text, "%.*g", digits++, value);
    } while (digits <= 17 && strtod(text, NULL) != value);
    char *comma = strchr(text, ','); /* some locales */
    if (comma != NULL) {             /* LCOV_EXCL_BR_LINE(no such locale need be installed) */
        *comma = '.';                /* LCOV_EXCL_LINE(no such locale need be installed) */
    }
    (void)fputs(text, json->stream);
}

void cupel_json_bool(struct cupel_json *json, bool value) {
    before_value(json);
    (void)fputs(value ? "true" : "false", json->stream);
}

void cupel_json_null(struct cupel_json *json) {
    before_value(json);
    (void)fputs("null", json->stream);
}
