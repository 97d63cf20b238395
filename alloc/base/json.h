/* Writes JSON to a stream, commas and escapes included. Misuse (a value without a key in an object, unbalanced ends) is
 * a programmer error and asserts. Write errors stay in the stream: ask ferror, or cupel_outfile_commit. No heap. A
 * whole value ends without a newline; further ones may follow on the same writer (JSON lines: write "\n" yourself). */
#ifndef ALLOC_BASE_JSON_H
#define ALLOC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_JSON_DEPTH_MAX = 32 };

struct cupel_json {
    FILE *stream;
    int indent;     /* spaces a level; 0 writes one line */
    unsigned depth; /* open objects and arrays */
    bool is_object[CUPEL_JSON_DEPTH_MAX];
    bool has_items[CUPEL_JSON_DEPTH_MAX];
    bool has_key;
};

void cupel_json_init(struct cupel_json *json, FILE *stream, int indent);
void cupel_json_object_begin(struct cupel_json *json);
void cupel_json_object_end(struct cupel_json *json);
void cupel_json_array_begin(struct cupel_json *json);
void cupel_json_array_end(struct cupel_json *json);
void cupel_json_key(struct cupel_json *json, const char *key);
void cupel_json_string(struct cupel_json *json, const char *text);
void cupel_json_string_n(struct cupel_json *json, const char *text,
                         size_t length); /* bytes that are no UTF-8 become U+FFFD */
void cupel_json_uint(struct cupel_json *json, uint64_t value);
void cupel_json_int(struct cupel_json *json, int64_t value);
void cupel_json_double(struct cupel_json *json, double value); /* NaN and infinities become null */
void cupel_json_bool(struct cupel_json *json, bool value);
void cupel_json_null(struct cupel_json *json);

#ifdef __cplusplus
}
#endif

#endif
