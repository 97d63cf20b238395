/* Goal: what a failed comparison shows is right to the byte and never overruns its room. Method: the texts by hand, and
 * each of them again into every smaller room. */
#include "harness/harness.h"
#include "harness/src/difference.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

TEST(difference, numbers_are_shown_in_both_bases_where_they_are_large) {
    char text[64];
    cupel__show_int(-9999, text, sizeof text);
    CHECK_STR_EQ(text, "-9999");
    cupel__show_int(65536, text, sizeof text);
    CHECK_STR_EQ(text, "65536 (0x10000)");
    cupel__show_int(INT64_MIN, text, sizeof text);
    CHECK_STR_EQ(text, "-9223372036854775808 (-0x8000000000000000)");
    cupel__show_uint(UINT64_MAX, text, sizeof text);
    CHECK_STR_EQ(text, "18446744073709551615 (0xffffffffffffffff)");
    cupel__show_uint(7, text, sizeof text);
    CHECK_STR_EQ(text, "7");
}

TEST(difference, a_string_is_shown_as_c_writes_it) {
    char text[ROOM];
    cupel__show_string("a\n\t\"\\\x01\x7f\xc3\xa4", text, sizeof text);
    CHECK_STR_EQ(text, "\"a\\n\\t\\\"\\\\\\001\\177\xc3\xa4\"");
    cupel__show_string(NULL, text, sizeof text);
    CHECK_STR_EQ(text, "NULL");
    cupel__show_string("", text, sizeof text);
    CHECK_STR_EQ(text, "\"\"");
}

TEST(difference, strings_are_shown_around_their_first_difference) {
    char text[ROOM];
    cupel__show_strings("one\ntwo", "one\ntwin", text, sizeof text);
    CHECK_STR_EQ(text, "  actual:   \"one\\ntwo\"\n  expected: \"one\\ntwin\"\n"
                       "                    ^ they differ from byte 6 (line 2); lengths 7 and 8");
    cupel__show_strings(NULL, "x", text, sizeof text);
    CHECK_STR_EQ(text, "  actual:   NULL\n  expected: \"x\"");
    cupel__show_strings("x", NULL, text, sizeof text);
    CHECK_STR_EQ(text, "  actual:   \"x\"\n  expected: NULL");
}

TEST(difference, a_difference_within_a_character_is_shown_at_its_beginning) {
    char text[ROOM];
    cupel__show_strings("\xc3\xa4", "\xc3\xb6", text, sizeof text);
    CHECK_STR_CONTAINS(text, "actual:   \"\xc3\xa4\"");
    CHECK_STR_CONTAINS(text, "\n             ^ they differ from byte 0 (line 1)");
    char actual[100];
    char expected[100];
    for (size_t i = 0; i < 96; i += 2) {
        memcpy(actual + i, "\xc3\xa4", 2);
    }
    actual[96] = '\0';
    memcpy(expected, actual, sizeof expected);
    expected[91] = '\xb6';
    cupel__show_strings(actual, expected, text, sizeof text);
    CHECK_STR_CONTAINS(text, "differ from byte 90");
    CHECK_STR_CONTAINS(text, "...\"\xc3\xa4");
}

TEST(difference, memory_is_shown_in_rows_with_its_differences_marked) {
    unsigned char actual[40];
    unsigned char expected[40];
    char text[ROOM];
    memset(actual, 'a', sizeof actual);
    memcpy(expected, actual, sizeof expected);
    expected[20] = '\0';
    actual[39] = 'z';
    cupel__show_memory(actual, expected, sizeof actual, text, sizeof text);
    CHECK_STR_CONTAINS(text, "  2 of 40 bytes differ, the first at 20\n");
    CHECK_STR_CONTAINS(text, "\n  actual        10: 61 61 61 61*61 61");
    CHECK_STR_CONTAINS(text, "\n  expected      10: 61 61 61 61*00 61");
    CHECK_STR_CONTAINS(text, "aaaa.aaaaaaaaaaa");
}

TEST(difference, no_room_is_overrun) {
    for (size_t size = 1; size < 130; size++) {
        char *text = malloc(size); /* exactly: a sanitizer sees one byte more */
        STARVED(text == NULL);
        cupel__show_strings("some text that is long enough", "some text that is another", text, size);
        CHECK(strlen(text) < size);
        cupel__show_memory("abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyZ", 26, text, size);
        CHECK(strlen(text) < size);
        cupel__show_string("\n\n\n\n\n\n", text, size);
        CHECK(strlen(text) < size);
        cupel__show_int(LONG_MIN, text, size);
        CHECK(strlen(text) < size);
        free(text);
    }
}
