/* Goal: a filter of any length selects what GoogleTest's syntax says. Method: a table of filters and titles, and a
 * property against the plain reading of the syntax: every word of each list tried in turn. */
#include "harness/harness.h"
#include "harness/src/filter.h"

#include <stdio.h>
#include <string.h>

struct match {
    const char *filter;
    const char *title;
    bool is_in;
};

static const struct match matches[] = {
    {"a.b", "a.b", true},
    {"a.b", "a.bc", false},
    {"a.b", "a.", false},
    {"a.*", "a.bc", true},
    {"*", "a.b", true},
    {"?.b", "a.b", true},
    {"?.b", "ab.b", false},
    {"x:a.b:y", "a.b", true},
    {"x::y", "", false},
    {"", "a.b", false},
    {"-a.b", "a.b", false},
    {"-a.b", "a.c", true},
    {"a.*-a.b:a.c", "a.c", false},
    {"a.*-a.b:a.c", "a.d", true},
    {"a.b:a.*-*c", "a.bc", false},
    {"a*c*e", "abcde", true},
    {"a*c*e", "abcdef", false},
    {"a.b/1", "a.b/1", true},
};

TEST(filter, selects, TABLE(matches)) {
    const struct match *match = test_row();
    struct cupel__filter filter;
    STARVED(!cupel__filter_init(&filter, match->filter));
    CHECK_INT_EQ(cupel__filter_matches(&filter, match->title), match->is_in);
    cupel__filter_deinit(&filter);
}

static bool any_matches(const char *list, size_t length, const char *title) {
    const char *end = list + length;
    while (list <= end) {
        size_t word_length = 0;
        while (list + word_length < end && list[word_length] != ':') {
            word_length++;
        }
        if (word_length != 0 && cupel__glob_matches(list, word_length, title)) {
            return true;
        }
        list += word_length + 1;
    }
    return false;
}

PROPERTY(filter, is_any_of_one_list_and_none_of_the_other, .longest = 256) {
    static const char letters[] = "ab.*?:-";
    char text[128];
    char title[4];
    size_t length = cupel_draw_size(bytes, "length of the filter", 0, sizeof text - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = letters[cupel_draw_uint(bytes, "letter", 0, sizeof letters - 2)];
    }
    text[length] = '\0';
    size_t title_length = cupel_draw_size(bytes, "length of the title", 0, sizeof title - 1);
    for (size_t i = 0; i < title_length; i++) {
        title[i] = letters[cupel_draw_uint(bytes, "letter of the title", 0, 2)];
    }
    title[title_length] = '\0';
    const char *minus = strchr(text, '-');
    size_t in_length = minus == NULL ? length : (size_t)(minus - text);
    bool is_in = (minus == text || any_matches(text, in_length, title)) &&
                 !(minus != NULL && any_matches(minus + 1, strlen(minus + 1), title));
    struct cupel__filter filter;
    STARVED(!cupel__filter_init(&filter, text));
    CHECK_INT_EQ(cupel__filter_matches(&filter, title), is_in);
    cupel__filter_deinit(&filter);
}
