/* cJSON, a small library for JSON, as a customer of the harness: values built, duplicated, changed, printed and parsed,
 * and any bytes as a text that survives being printed and parsed again. */
#include "harness/harness.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An object with one of everything; NULL where memory ended. */
static cJSON *build(void) {
    static const int integers[] = {1, 2, 3};
    static const float floats[] = {0.5F, 1.5F};
    static const double doubles[] = {1e300, -1e-300};
    static const char *const strings[] = {"one", "t\xc3\xa9", "\"three\"\n"};
    cJSON *root = cJSON_CreateObject();
    bool is_whole =
        root != NULL && cJSON_AddNullToObject(root, "null") != NULL && cJSON_AddTrueToObject(root, "true") != NULL &&
        cJSON_AddFalseToObject(root, "false") != NULL && cJSON_AddBoolToObject(root, "bool", 1) != NULL &&
        cJSON_AddNumberToObject(root, "number", 42.5) != NULL &&
        cJSON_AddStringToObject(root, "string", "text") != NULL && cJSON_AddRawToObject(root, "raw", "[1]") != NULL &&
        cJSON_AddObjectToObject(root, "object") != NULL && cJSON_AddArrayToObject(root, "array") != NULL;
    cJSON *arrays[] = {cJSON_CreateIntArray(integers, 3), cJSON_CreateFloatArray(floats, 2),
                       cJSON_CreateDoubleArray(doubles, 2), cJSON_CreateStringArray(strings, 3)};
    cJSON *object = cJSON_GetObjectItem(root, "object");
    for (unsigned i = 0; i < 4; i++) {
        char key[] = {(char)('a' + i), '\0'};
        bool is_added = is_whole && arrays[i] != NULL && cJSON_AddItemToObject(object, key, arrays[i]) != 0;
        if (!is_added) {
            cJSON_Delete(arrays[i]);
        }
        is_whole = is_added;
    }
    if (!is_whole) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

/* Adds an item that is deleted where it cannot be added. */
static bool add(cJSON *array, cJSON *item) {
    bool is_added = item != NULL && cJSON_AddItemToArray(array, item) != 0;
    if (!is_added) {
        cJSON_Delete(item);
    }
    return is_added;
}

/* Changes a built object in place; false where memory ended. (An item is inserted at 0: Debian's 1.7.15-1+deb12u4
 * refuses every other place, by a check of its own that looks at the new item instead of the one that is there.) */
static bool change(cJSON *root) {
    cJSON *array = cJSON_GetObjectItemCaseSensitive(root, "array");
    cJSON *object = cJSON_GetObjectItem(root, "OBJECT");
    bool is_done = add(array, cJSON_CreateNull()) && add(array, cJSON_CreateBool(0)) &&
                   add(array, cJSON_CreateTrue()) && add(array, cJSON_CreateFalse()) &&
                   add(array, cJSON_CreateRaw("{}")) && add(array, cJSON_CreateStringReference("borrowed")) &&
                   cJSON_AddItemReferenceToArray(array, object) != 0 &&
                   cJSON_AddItemReferenceToObject(array, "again", object) != 0;
    cJSON *reference = is_done ? cJSON_CreateArrayReference(object->child) : NULL;
    is_done = reference != NULL && add(array, reference);
    reference = is_done ? cJSON_CreateObjectReference(object->child) : NULL;
    is_done = reference != NULL && add(array, reference);
    cJSON *item = is_done ? cJSON_CreateNumber(7) : NULL;
    is_done = item != NULL && cJSON_InsertItemInArray(array, 0, item) != 0;
    item = is_done ? cJSON_CreateString("replaced") : NULL;
    if (item != NULL && cJSON_ReplaceItemInObject(root, "string", item) == 0) {
        cJSON_Delete(item);
        item = NULL;
    }
    is_done = item != NULL;
    item = is_done ? cJSON_CreateArray() : NULL;
    is_done = item != NULL && cJSON_ReplaceItemInArray(array, 0, item) != 0;
    return is_done &&
           cJSON_SetValuestring(cJSON_GetObjectItem(root, "string"), "a longer string than there was") != NULL;
}

TEST(cjson, builds_prints_and_parses, .tags = "customer") {
    cJSON *root = build();
    cJSON *copy = NULL;
    cJSON *back = NULL;
    char *text = NULL;
    char *short_text = NULL;
    bool is_equal = false;
    if (root != NULL && change(root) && (copy = cJSON_Duplicate(root, 1)) != NULL) {
        text = cJSON_Print(copy);
        short_text = text == NULL ? NULL : cJSON_PrintUnformatted(root);
        back = short_text == NULL ? NULL : cJSON_Parse(text);
    }
    bool is_starved = back == NULL;
    if (!is_starved) {
        cJSON_Minify(text);
        is_equal = strcmp(text, short_text) == 0 && cJSON_Compare(root, copy, 1) != 0;
    }
    cJSON_Delete(root);
    cJSON_Delete(copy);
    cJSON_Delete(back);
    cJSON_free(text);
    cJSON_free(short_text);
    STARVED(is_starved);
    CHECK(is_equal);
}

TEST(cjson, prints_into_buffers, .tags = "customer") {
    char place[4096];
    cJSON *root = build();
    bool is_printed = root != NULL && cJSON_PrintPreallocated(root, place, sizeof place, 1) != 0;
    char *text = is_printed ? cJSON_PrintBuffered(root, 3, 0) : NULL;
    size_t length = text == NULL ? 0 : strlen(text);
    cJSON_Delete(root);
    cJSON_free(text);
    STARVED(length == 0);
    CHECK_UINT_GT(length, 100);
}

TEST(cjson, parses_what_others_wrote, .tags = "customer") {
    static const char text[] =
        "\xef\xbb\xbf{\"a\":[1,-2.5e+3,\"\\u20ac\\ud83d\\ude00\\n\",null,true,false,{}],\"b\":{\"c\":[[]]}} rest";
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, sizeof text, &end, 0);
    int size = root == NULL ? 0 : cJSON_GetArraySize(cJSON_GetObjectItem(root, "a"));
    cJSON_Delete(root);
    STARVED(root == NULL);
    CHECK_INT_EQ(size, 7);
    CHECK_STR_EQ(end, " rest");
}

/* What is accepted and printed is printed the same when it was parsed again. (Not: is equal to what was parsed first,
 * for a number too large for a double is printed as null.) A parse that fails does not say why; errno does, where it
 * was for want of memory. */
PROPERTY(cjson, texts_come_back, .tags = "customer", .dictionary = "cjson.dict") {
    struct cupel_view input = cupel_draw_rest(bytes, "text");
    errno = 0;
    cJSON *root = cJSON_ParseWithLength((const char *)input.data, input.length);
    STARVED(root == NULL && errno == ENOMEM);
    if (root == NULL) {
        return;
    }
    char *text = cJSON_PrintUnformatted(root);
    cJSON *back = text == NULL ? NULL : cJSON_Parse(text);
    char *again = back == NULL ? NULL : cJSON_PrintUnformatted(back);
    bool is_same = again != NULL && strcmp(text, again) == 0;
    bool is_starved = again == NULL;
    cJSON_free(text);
    cJSON_free(again);
    cJSON_Delete(back);
    cJSON_Delete(root);
    STARVED(is_starved);
    CHECK(is_same);
}
