/* Jansson, a library for JSON, as a customer of the harness: values built, packed, copied, updated, written and read,
 * and any bytes as a text that survives being written and read again. */
#include "harness/harness.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same order of keys in each run: hashing is seeded by the clock otherwise. */
static void seed(void) {
    json_object_seed(1);
}

/* One of everything; NULL where memory ended. */
static json_t *build(void) {
    json_t *root = json_pack("{s:i, s:f, s:b, s:n, s:s, s:[i,i,[s,s]], s:{s:{}, s:s++}}", "integer", 42, "real", 0.5,
                             "yes", 1, "nothing", "text", "h\xc3\xa9llo \"\\\n\t\xf0\x9f\x98\x80", "list", 1, 2, "a",
                             "b", "inner", "empty", "joined", "one", "two", "three");
    if (root == NULL) {
        return NULL;
    }
    json_t *list = json_array();
    bool is_whole = list != NULL;
    for (int i = 0; is_whole && i < 40; i++) {
        is_whole = json_array_append_new(list, json_sprintf("number %d", i)) == 0;
    }
    is_whole = is_whole && json_array_insert_new(list, 1, json_string("inserted")) == 0 &&
               json_array_set_new(list, 2, json_stringn("set", 3)) == 0 && json_array_remove(list, 3) == 0 &&
               json_array_extend(list, json_object_get(root, "list")) == 0;
    is_whole = json_object_set_new(root, "long", list) == 0 && is_whole;
    for (int i = 0; is_whole && i < 20; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key %d", i);
        is_whole = json_object_set_new_nocheck(root, key, json_integer(i)) == 0;
    }
    if (!is_whole) {
        json_decref(root);
        return NULL;
    }
    return root;
}

/* Changes a built value in place; false where memory ended. */
static bool change(json_t *root) {
    json_t *more = json_pack("{s:{s:s}, s:i}", "inner", "added", "value", "integer", 43);
    bool is_done = more != NULL && json_object_update_recursive(root, more) == 0 &&
                   json_object_update_new(root, json_pack("{s:o}", "fresh", json_true())) == 0 &&
                   json_object_update_existing(root, more) == 0 && json_object_update_missing(root, more) == 0 &&
                   json_string_set(json_object_get(root, "text"), "another text") == 0 &&
                   json_string_setn_nocheck(json_object_get(root, "text"), "third", 5) == 0;
    json_decref(more);
    return is_done;
}

TEST(jansson, builds_writes_and_reads, .tags = "customer", .setup = seed) {
    json_error_t error;
    bool is_equal = false;
    char *text = NULL;
    json_t *back = NULL;
    json_t *copy = NULL;
    json_t *root = build();
    if (root != NULL && change(root) && (copy = json_deep_copy(root)) != NULL) {
        text = json_dumps(copy, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
        back = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &error);
        is_equal = back != NULL && json_equal(root, back);
    }
    bool is_starved = back == NULL;
    json_decref(root);
    json_decref(copy);
    json_decref(back);
    free(text);
    STARVED(is_starved);
    CHECK(is_equal);
}

TEST(jansson, copies_and_unpacks, .tags = "customer", .setup = seed) {
    json_t *root = build();
    json_t *copy = root == NULL ? NULL : json_copy(root);
    json_t *list = root == NULL ? NULL : json_copy(json_object_get(root, "long"));
    int integer = 0;
    const char *string = NULL;
    json_error_t error = {.line = -1};
    int status = -1;
    if (copy != NULL && list != NULL) {
        status = json_unpack_ex(copy, &error, 0, "{s:i, s:s, s:{s:s}}", "integer", &integer, "text", &string, "inner",
                                "joined", &string);
    }
    bool is_copied = copy != NULL && json_equal(copy, root) && json_equal(list, json_object_get(root, "long"));
    bool is_right = integer == 42 && string != NULL && strcmp(string, "onetwothree") == 0;
    int strict = copy == NULL ? 0 : json_unpack_ex(list, &error, JSON_STRICT, "[s]", &string);
    json_decref(copy);
    json_decref(list);
    json_decref(root);
    STARVED(status != 0);
    CHECK(is_copied);
    CHECK(is_right);
    CHECK_INT_EQ(strict, -1);
}

static size_t give_bytes(void *buffer, size_t length, void *user) {
    const char **at = user;
    size_t part = strnlen(*at, length < 5 ? length : 5);
    memcpy(buffer, *at, part);
    *at += part;
    return part;
}

TEST(jansson, goes_through_files_and_callbacks, .tags = "customer", .setup = seed) {
    static const char text[] = "{\"a\": [1, 2.5e3, \"\\u20ac\\ud83d\\ude00\", null, true, false, {}], \"b\": -0.0}";
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/value.json", test_directory());
    json_error_t error = {.line = -1};
    const char *at = text;
    json_t *root = json_load_callback(give_bytes, &at, 0, &error);
    bool is_written = root != NULL && json_dump_file(root, path, JSON_COMPACT) == 0;
    json_t *back = is_written ? json_load_file(path, JSON_DECODE_INT_AS_REAL | JSON_DISABLE_EOF_CHECK, &error) : NULL;
    json_t *buffered = back == NULL ? NULL : json_loadb("[[[]]]", 6, 0, &error);
    bool is_read = buffered != NULL;
    size_t size = root == NULL ? 0 : json_object_size(root);
    json_decref(buffered);
    json_decref(back);
    json_decref(root);
    STARVED(!is_read);
    CHECK_UINT_EQ(size, 2);
}

/* Where memory ends the text of an error may be of something else, or none: that is known by errno. */
static bool has_starved(const json_t *root) {
    return root == NULL && errno == ENOMEM;
}

TEST(jansson, tells_what_is_wrong, .tags = "customer", .setup = seed) {
    json_error_t error = {.line = -1};
    errno = 0;
    json_t *root = json_loads("{\"a\": [1, 2,, 3]}", 0, &error);
    bool is_starved = has_starved(root);
    json_decref(root);
    STARVED(is_starved);
    CHECK_PTR_EQ(root, NULL);
    CHECK_INT_EQ(json_error_code(&error), json_error_invalid_syntax);
}

TEST(jansson, reads_long_numbers, .tags = "customer", .setup = seed) {
    static const char text[] = "[0.123456789012345678, 1E-000000000000000000001]";
    json_error_t error = {.line = -1};
    json_t *root = json_loads(text, 0, &error);
    size_t size = json_array_size(root);
    double number = json_real_value(json_array_get(root, 0));
    json_decref(root);
    STARVED(root == NULL);
    CHECK_UINT_EQ(size, 2);
    CHECK_DOUBLE_NEAR(number, 0.123456789012345678, 1e-17);
}

/* What is accepted comes back the same when it is written and read again. */
PROPERTY(jansson, texts_come_back, .tags = "customer", .dictionary = "jansson.dict", .setup = seed) {
    struct cupel_view input = cupel_draw_rest(bytes, "text");
    seed();
    json_error_t error = {.line = -1};
    errno = 0;
    json_t *root = json_loadb((const char *)input.data, input.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    STARVED(has_starved(root));
    if (root == NULL) {
        return;
    }
    char *text = json_dumps(root, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_t *back = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool is_starved = has_starved(back);
    bool is_equal = back != NULL && json_equal(root, back);
    free(text);
    json_decref(back);
    json_decref(root);
    STARVED(is_starved);
    CHECK(is_equal);
}
