/* json-c as a customer of the harness: values built, changed, copied, sorted, addressed by pointers, written and read,
 * and any bytes as a text that survives being written and read again. It tells failures by NULL or a negative number.
 */
#include "harness/harness.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <json-c/printbuf.h>
#include <stdio.h>
#include <string.h>

/* The same order of keys in each run: hashing is seeded by the clock otherwise. */
static void choose_hash(void) {
    (void)json_global_set_string_hash(JSON_C_STR_HASH_PERLLIKE);
}

/* Adds a value that is released where it cannot be added. */
static bool add(struct json_object *to, const char *key, struct json_object *value) {
    bool is_added = value != NULL &&
                    (key == NULL ? json_object_array_add(to, value) == 0 : json_object_object_add(to, key, value) == 0);
    if (!is_added) {
        (void)json_object_put(value);
    }
    return is_added;
}

/* An object with one of everything; NULL where memory ended. */
static struct json_object *build(void) {
    struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array_ext(2);
    bool is_whole =
        root != NULL && list != NULL && add(root, "integer", json_object_new_int(42)) &&
        add(root, "large", json_object_new_int64(INT64_MIN)) &&
        add(root, "unsigned", json_object_new_uint64(UINT64_MAX)) && add(root, "real", json_object_new_double(0.5)) &&
        add(root, "exact", json_object_new_double_s(1.1, "1.10")) && add(root, "yes", json_object_new_boolean(1)) &&
        add(root, "text", json_object_new_string("a \"text\" \xe2\x82\xac\n")) &&
        add(root, "long",
            json_object_new_string_len("a text that has no room within its object, as short ones do", 50));
    for (int i = 0; is_whole && i < 40; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key %d", i);
        is_whole = add(list, NULL, json_object_new_int(40 - i)) && add(root, key, json_object_new_string(key));
    }
    is_whole = is_whole && json_object_array_put_idx(list, 45, json_object_get(root)) == 0;
    if (is_whole) { /* not a ring: the reference was only to grow the array */
        (void)json_object_array_del_idx(list, 40, 6);
    }
    if (!is_whole || json_object_object_add(root, "list", list) != 0) {
        (void)json_object_put(list);
        (void)json_object_put(root);
        return NULL;
    }
    return root;
}

static int compare(const void *left, const void *right) {
    int a = json_object_get_int(*(struct json_object *const *)left);
    int b = json_object_get_int(*(struct json_object *const *)right);
    return (a > b) - (a < b);
}

/* Changes a built object in place; false where memory ended. */
static bool change(struct json_object *root) {
    struct json_object *list = json_object_object_get(root, "list");
    struct json_object *found = NULL;
    json_object_array_sort(list, compare);
    struct json_object *added = json_object_new_string("set by a pointer");
    if (added == NULL || json_pointer_set(&root, "/list/0", added) != 0) {
        (void)json_object_put(added);
        return false;
    }
    added = json_object_new_object();
    if (added == NULL || json_pointer_setf(&root, added, "/%s", "fresh") != 0) {
        (void)json_object_put(added);
        return false;
    }
    if (json_pointer_get(root, "/list/3", &found) != 0 || json_pointer_getf(root, &found, "/list/%d", 4) != 0) {
        return false;
    }
    return json_object_set_string(json_object_object_get(root, "text"),
                                  "a longer text than there was before, and more") == 1 &&
           json_object_set_string_len(json_object_object_get(root, "key 1"), "short", 5) == 1 &&
           json_object_array_shrink(list, 0) == 0;
}

TEST(jsonc, builds_writes_and_reads, .tags = "customer", .setup = choose_hash) {
    struct json_object *root = build();
    struct json_object *copy = NULL;
    struct json_object *back = NULL;
    const char *text = NULL;
    bool is_equal = false;
    if (root != NULL && change(root) && json_object_deep_copy(root, &copy, NULL) == 0) {
        text = json_object_to_json_string_ext(copy, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
        back = text == NULL ? NULL : json_tokener_parse(text);
        is_equal = json_object_is_type(back, json_type_object) && json_object_equal(root, copy) != 0 &&
                   json_object_object_length(back) == json_object_object_length(root);
    }
    bool is_starved = back == NULL;
    (void)json_object_put(root);
    (void)json_object_put(copy);
    (void)json_object_put(back);
    STARVED(is_starved);
    CHECK(is_equal);
}

TEST(jsonc, reads_piece_by_piece, .tags = "customer", .setup = choose_hash) {
    static const char text[] = "/* a remark */ {\"a\": [1, -2.5e3, \"\\u20ac\\ud83d\\ude00\", null, true, false, {}, "
                               "NaN, 18446744073709551615], \"b\": {\"c\": [[]]}}";
    struct json_tokener *tokener = json_tokener_new_ex(8);
    STARVED(tokener == NULL);
    struct json_object *root = NULL;
    enum json_tokener_error error = json_tokener_continue;
    for (size_t at = 0; at < sizeof text && error == json_tokener_continue; at += 7) {
        size_t part = sizeof text - at < 7 ? sizeof text - at : 7;
        root = json_tokener_parse_ex(tokener, text + at, (int)part);
        error = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    struct json_object *list = json_object_object_get(root, "a"); /* the library aborts where it is no array */
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    (void)json_object_put(root);
    STARVED(root == NULL);
    CHECK_UINT_EQ(length, 9);
}

static int count(json_object *object, int flags, json_object *parent, const char *key, size_t *index, void *user) {
    (void)object;
    (void)flags;
    (void)parent;
    (void)key;
    (void)index;
    ++*(unsigned *)user;
    return JSON_C_VISIT_RETURN_CONTINUE;
}

TEST(jsonc, goes_through_files, .tags = "customer", .setup = choose_hash) {
    char path[4096];
    unsigned visited = 0;
    (void)snprintf(path, sizeof path, "%s/value.json", test_directory());
    struct json_object *root = build();
    bool is_written = root != NULL && json_object_to_file_ext(path, root, JSON_C_TO_STRING_PRETTY) == 0;
    struct json_object *back = is_written ? json_object_from_file(path) : NULL;
    struct printbuf *buffer = back == NULL ? NULL : printbuf_new();
    bool is_whole = buffer != NULL && printbuf_memset(buffer, -1, 'x', 100) >= 0 &&
                    sprintbuf(buffer, "%0200d", 7) >= 0 &&
                    json_c_set_serialization_double_format("%.3f", JSON_C_OPTION_GLOBAL) == 0 &&
                    json_c_visit(back, 0, count, &visited) == 0;
    (void)json_c_set_serialization_double_format(NULL, JSON_C_OPTION_GLOBAL);
    printbuf_free(buffer);
    (void)json_object_put(back);
    (void)json_object_put(root);
    STARVED(!is_whole);
    CHECK_UINT_GT(visited, 40);
}

/* What is accepted and written is written the same when it was read again. */
PROPERTY(jsonc, texts_come_back, .tags = "customer", .dictionary = "jansson.dict", .setup = choose_hash) {
    struct cupel_view input = cupel_draw_rest(bytes, "text");
    choose_hash();
    errno = 0;
    struct json_tokener *tokener = json_tokener_new();
    STARVED(tokener == NULL);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT); /* else numbers such as 00e are kept as they stand */
    struct json_object *root = json_tokener_parse_ex(tokener, (const char *)input.data, (int)input.length);
    json_tokener_free(tokener);
    STARVED(root == NULL && errno == ENOMEM);
    const char *text = root == NULL ? NULL : json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
    struct json_object *back = text == NULL ? NULL : json_tokener_parse(text);
    const char *again = back == NULL ? NULL : json_object_to_json_string_ext(back, JSON_C_TO_STRING_PLAIN);
    bool is_same = root == NULL || back == NULL || (again != NULL && strcmp(text, again) == 0);
    (void)json_object_put(back);
    (void)json_object_put(root);
    STARVED(errno == ENOMEM);
    CHECK(is_same);
}
