/* Goal: the texts that users write (fault plans) are understood or refused with the column, and what is
 * understood survives being written back. Method: bytes as text, parsed, formatted and parsed again. */
#include "alloc/failing.h"
#include "harness/harness.h"

#include <string.h>

enum { TEXT_MAX = 1024 };

static bool is_same_rule(const struct cupel_fault_rule *a, const struct cupel_fault_rule *b) {
    return a->call == b->call && a->when == b->when && a->first == b->first && a->second == b->second &&
           strcmp(a->how, b->how) == 0 && strcmp(a->where, b->where) == 0 && a->size_min == b->size_min &&
           a->size_max == b->size_max;
}

static void check_plan(const char *text) {
    struct cupel_fault_plan plan;
    struct cupel_error error = {.column = 0};
    if (!cupel_fault_plan_parse(&plan, text, &error)) {
        CHECK_UINT_EQ(plan.count, 0);
        CHECK(error.text[0] != '\0');
        CHECK_UINT_GE(error.column, 1);
        CHECK_UINT_LE(error.column, strlen(text) + 1);
        return;
    }
    char token[4 * TEXT_MAX];
    char again_token[4 * TEXT_MAX];
    struct cupel_fault_plan again;
    int length = cupel_fault_plan_format(&plan, token, sizeof token);
    REQUIRE_INT_GE(length, 0);
    REQUIRE_INT_LT(length, (int)sizeof token);
    if (!cupel_fault_plan_parse(&again, token, &error)) {
        REQUIRE_FAIL("the token '%s' of '%s' is refused at column %u: %s", token, text, error.column, error.text);
    }
    REQUIRE_UINT_EQ(again.count, plan.count);
    for (unsigned i = 0; i < plan.count; i++) {
        CHECK(is_same_rule(&plan.rules[i], &again.rules[i]));
    }
    (void)cupel_fault_plan_format(&again, again_token, sizeof again_token);
    CHECK_STR_EQ(again_token, token);
}

PROPERTY(layers, spec, .longest = TEXT_MAX) {
    char text[TEXT_MAX + 1];
    struct cupel_view view = cupel_draw_rest(bytes, "text");
    size_t length = view.length < TEXT_MAX ? view.length : TEXT_MAX;
    if (length > 0) {
        memcpy(text, view.data, length);
    }
    text[length] = '\0'; /* a NUL within ends it earlier */
    check_plan(text);
}
