/* Goal: what the writer writes is JSON, and means what was given. Method: exact texts for each kind of value; random
 * bytes as strings, checked by a small reader of its own. */
#include "alloc/base/json.h"
#include "harness/harness.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Runs `write` on a fresh writer into `text`. */
static void written(char *text, size_t size, int indent, void (*write)(struct cupel_json *)) {
    struct cupel_json json;
    memset(text, 0, size); /* MemorySanitizer does not see what a stream writes */
    FILE *stream = fmemopen(text, size, "w");
    REQUIRE(stream != NULL);
    cupel_json_init(&json, stream, indent);
    write(&json);
    REQUIRE_INT_EQ(fclose(stream), 0);
}

static void write_record(struct cupel_json *json) {
    cupel_json_object_begin(json);
    cupel_json_key(json, "name");
    cupel_json_string(json, "a\"b\\c\n\x01");
    cupel_json_key(json, "counts");
    cupel_json_array_begin(json);
    cupel_json_uint(json, UINT64_MAX);
    cupel_json_int(json, INT64_MIN);
    cupel_json_double(json, 0.1);
    cupel_json_double(json, NAN);
    cupel_json_double(json, INFINITY);
    cupel_json_array_end(json);
    cupel_json_key(json, "empty");
    cupel_json_object_begin(json);
    cupel_json_object_end(json);
    cupel_json_key(json, "is");
    cupel_json_bool(json, true);
    cupel_json_key(json, "not");
    cupel_json_null(json);
    cupel_json_object_end(json);
}

TEST(base, json_writes_one_line) {
    char text[512];
    written(text, sizeof text, 0, write_record);
    CHECK_STR_EQ(text, "{\"name\":\"a\\\"b\\\\c\\n\\u0001\",\"counts\":[18446744073709551615,-9223372036854775808,"
                       "0.1,null,null],\"empty\":{},\"is\":true,\"not\":null}");
}

static void write_nested(struct cupel_json *json) {
    cupel_json_object_begin(json);
    cupel_json_key(json, "a");
    cupel_json_array_begin(json);
    cupel_json_int(json, 1);
    cupel_json_array_begin(json);
    cupel_json_array_end(json);
    cupel_json_array_end(json);
    cupel_json_object_end(json);
}

TEST(base, json_indents) {
    char text[512];
    written(text, sizeof text, 2, write_nested);
    CHECK_STR_EQ(text, "{\n  \"a\": [\n    1,\n    []\n  ]\n}");
}

static void write_doubles(struct cupel_json *json) {
    cupel_json_array_begin(json);
    cupel_json_double(json, 1.0 / 3);
    cupel_json_double(json, 5e-324);
    cupel_json_double(json, 1e300);
    cupel_json_double(json, -0.0);
    cupel_json_array_end(json);
}

TEST(base, json_doubles_read_back_the_same) {
    char text[512];
    written(text, sizeof text, 0, write_doubles);
    char *at = text + 1;
    CHECK(strtod(at, &at) == 1.0 / 3);
    CHECK(strtod(at + 1, &at) == 5e-324);
    CHECK(strtod(at + 1, &at) == 1e300);
    CHECK(signbit(strtod(at + 1, &at)));
}

static const struct utf8 {
    const char *bytes, *written;
} sequences[] = {
    {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
    {"\xf0\x9f\xa7\xaa", "\"\xf0\x9f\xa7\xaa\""},
    {"\xc3", "\"\xef\xbf\xbd\""},                                                 /* cut short */
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                                 /* overlong */
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                 /* surrogate */
    {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* over U+10FFFF */
    {"\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
    {"\xe2\x82z", "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
};

static void write_sequence(struct cupel_json *json) {
    const struct utf8 *row = test_row();
    cupel_json_string(json, row->bytes);
}

TEST(base, json_replaces_bytes_that_are_no_utf8, TABLE(sequences)) {
    const struct utf8 *row = test_row();
    char text[64];
    written(text, sizeof text, 0, write_sequence);
    CHECK_STR_EQ(text, row->written);
}

TEST(base, json_write_errors_stay_in_the_stream) {
    struct cupel_json json;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        cupel_test_skip("no /dev/full here");
    }
    cupel_json_init(&json, full, 0);
    cupel_json_string(&json, "text");
    CHECK(fflush(full) != 0);
    CHECK(ferror(full));
    (void)fclose(full);
}

#ifndef NDEBUG
static void write_value_without_key(struct cupel_json *json) {
    cupel_json_object_begin(json);
    cupel_json_int(json, 1);
}

TEST(base, json_refuses_a_value_without_a_key, .expect_signal = SIGABRT, .expect_stderr = "has_key") {
    char text[64];
    written(text, sizeof text, 0, write_value_without_key);
}

static void write_wrong_end(struct cupel_json *json) {
    cupel_json_array_begin(json);
    cupel_json_object_end(json);
}

TEST(base, json_refuses_the_wrong_end, .expect_signal = SIGABRT, .expect_stderr = "is_object") {
    char text[64];
    written(text, sizeof text, 0, write_wrong_end);
}

static void write_too_deep(struct cupel_json *json) {
    for (int i = 0; i <= CUPEL_JSON_DEPTH_MAX; i++) {
        cupel_json_array_begin(json);
    }
}

TEST(base, json_refuses_to_go_too_deep, .expect_signal = SIGABRT, .expect_stderr = "CUPEL_JSON_DEPTH_MAX") {
    char text[64];
    written(text, sizeof text, 0, write_too_deep);
}
#endif

/* One four-digit escape as a byte, -1 where it is none below 256. */
static int hex_byte(const char *text) {
    char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
    char *end = NULL;
    long value = strtol(digits, &end, 16);
    return *end == '\0' && value < 256 ? (int)value : -1;
}

/* Reads a JSON string, the quotes included, to bytes; the number of bytes, or -1 where it is no JSON string. */
static long read_string(const char *text, size_t length, char *out) {
    static const char letters[] = "\"\\bfnrt";
    static const char means[] = "\"\\\b\f\n\r\t";
    long count = 0;
    if (length < 2 || text[0] != '"' || text[length - 1] != '"') {
        return -1;
    }
    for (size_t i = 1; i < length - 1; i++) {
        const char *at = text[i] == '\\' ? strchr(letters, text[i + 1]) : NULL;
        if ((unsigned char)text[i] < 0x20 || text[i] == '"') {
            return -1;
        }
        if (text[i] != '\\') {
            out[count++] = text[i];
        } else if (at != NULL && *at != '\0' && i + 2 < length) {
            out[count++] = means[at - letters];
            i++;
        } else if (text[i + 1] == 'u' && i + 6 < length && hex_byte(text + i + 2) >= 0) {
            out[count++] = (char)hex_byte(text + i + 2);
            i += 5;
        } else {
            return -1;
        }
    }
    return count;
}

PROPERTY(base, json_strings, .longest = 256) {
    struct cupel_view view = cupel_draw_bytes(bytes, "text", 200);
    char text[2048] = "";
    char back[2048];
    struct cupel_json json;
    FILE *stream = fmemopen(text, sizeof text, "w");
    REQUIRE(stream != NULL);
    cupel_json_init(&json, stream, 0);
    cupel_json_string_n(&json, (const char *)view.data, view.length);
    long length = ftell(stream);
    REQUIRE(fclose(stream) == 0 && length >= 2);
    long count = read_string(text, (size_t)length, back);
    REQUIRE(count >= 0);
    bool is_ascii = true;
    for (size_t i = 0; i < view.length; i++) {
        is_ascii = is_ascii && view.data[i] < 0x80;
    }
    if (is_ascii) {
        REQUIRE_INT_EQ(count, (long)view.length);
        REQUIRE_MEM_EQ(back, view.data, view.length);
    }
}
