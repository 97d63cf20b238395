/* Checks: see check.h. Each compares; what two values differ in is said by difference.c. */
#include "harness/check.h"
#include "harness/src/difference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 4096, NUMBER_MAX = 64 };

bool cupel__check(bool fatal, bool ok, const char *text, const char *file, unsigned line) {
    if (!ok) {
        cupel__fail(fatal, file, line, "%s does not hold", text);
    }
    return ok;
}

/* `order` is negative, zero or positive: actual is less, equal or greater. */
static bool holds(const char *operation, int order) {
    bool or_equal = operation[1] == '=';
    switch (operation[0]) {
    case '=':
        return order == 0;
    case '!':
        return order != 0;
    case '<':
        return order < 0 || (or_equal && order == 0);
    default:
        return order > 0 || (or_equal && order == 0);
    }
}

static void fail_numbers(bool fatal, const char *operation, const char *actual_text, const char *expected_text,
                         const char *actual, const char *expected, const char *file, unsigned line) {
    cupel__fail(fatal, file, line, "%s %s %s does not hold\n  actual:   %s\n  expected: %s%s%s", actual_text, operation,
                expected_text, actual, operation[0] == '=' ? "" : operation, operation[0] == '=' ? "" : " ", expected);
}

bool cupel__check_int(bool fatal, const char *operation, int64_t actual, int64_t expected, const char *actual_text,
                      const char *expected_text, const char *file, unsigned line) {
    bool ok = holds(operation, (actual > expected) - (actual < expected));
    if (!ok) {
        char actual_shown[NUMBER_MAX];
        char expected_shown[NUMBER_MAX];
        cupel__show_int(actual, actual_shown, sizeof actual_shown);
        cupel__show_int(expected, expected_shown, sizeof expected_shown);
        fail_numbers(fatal, operation, actual_text, expected_text, actual_shown, expected_shown, file, line);
    }
    return ok;
}

bool cupel__check_uint(bool fatal, const char *operation, uint64_t actual, uint64_t expected, const char *actual_text,
                       const char *expected_text, const char *file, unsigned line) {
    bool ok = holds(operation, (actual > expected) - (actual < expected));
    if (!ok) {
        char actual_shown[NUMBER_MAX];
        char expected_shown[NUMBER_MAX];
        cupel__show_uint(actual, actual_shown, sizeof actual_shown);
        cupel__show_uint(expected, expected_shown, sizeof expected_shown);
        fail_numbers(fatal, operation, actual_text, expected_text, actual_shown, expected_shown, file, line);
    }
    return ok;
}

bool cupel__check_double(bool fatal, double actual, double expected, double tolerance, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line) {
    /* Two infinities of one sign are near, and so are two NaNs: a test that expects one means it. */
    bool is_same = (isnan(actual) && isnan(expected)) || (isinf(actual) && isinf(expected) && actual * expected > 0);
    bool ok = is_same || fabs(actual - expected) <= tolerance;
    if (!ok) {
        cupel__fail(fatal, file, line,
                    "%s is not near %s\n  actual:   %.17g\n  expected: %.17g\n  they are %g apart; at most %g is near",
                    actual_text, expected_text, actual, expected, fabs(actual - expected), tolerance);
    }
    return ok;
}

static bool string_holds(const char *operation, const char *actual, const char *expected) {
    if (actual == NULL || expected == NULL) {
        return operation[0] == 'c' ? false : (actual == expected) == (operation[0] == '=');
    }
    if (operation[0] == 'c') {
        return strstr(actual, expected) != NULL;
    }
    return (strcmp(actual, expected) == 0) == (operation[0] == '=');
}

bool cupel__check_string(bool fatal, const char *operation, const char *actual, const char *expected,
                         const char *actual_text, const char *expected_text, const char *file, unsigned line) {
    if (string_holds(operation, actual, expected)) {
        return true;
    }
    char shown[SHOWN_MAX];
    if (operation[0] == '=') {
        cupel__show_strings(actual, expected, shown, sizeof shown);
        cupel__fail(fatal, file, line, "%s == %s does not hold\n%s", actual_text, expected_text, shown);
        return false;
    }
    char other[SHOWN_MAX];
    cupel__show_string(actual, shown, sizeof shown);
    cupel__show_string(expected, other, sizeof other);
    cupel__fail(fatal, file, line, "%s %s %s does not hold\n  actual:   %s\n  expected: %s%s", actual_text, operation,
                expected_text, shown, operation[0] == 'c' ? "a text that contains " : "any but ", other);
    return false;
}

bool cupel__check_memory(bool fatal, const void *actual, const void *expected, size_t length, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line) {
    if (length == 0 || (actual != NULL && expected != NULL && memcmp(actual, expected, length) == 0)) {
        return true;
    }
    if (actual == NULL || expected == NULL) {
        cupel__fail(fatal, file, line, "%s and %s: %s is NULL, and %zu bytes were to be compared", actual_text,
                    expected_text, actual == NULL ? actual_text : expected_text, length);
        return false;
    }
    char shown[SHOWN_MAX];
    cupel__show_memory(actual, expected, length, shown, sizeof shown);
    cupel__fail(fatal, file, line, "%s and %s are not the same\n%s", actual_text, expected_text, shown);
    return false;
}

bool cupel__check_pointer(bool fatal, const char *operation, const void *actual, const void *expected,
                          const char *actual_text, const char *expected_text, const char *file, unsigned line) {
    bool ok = (actual == expected) == (operation[0] == '=');
    if (!ok) {
        cupel__fail(fatal, file, line, "%s %s %s does not hold\n  actual:   %p\n  expected: %s%p", actual_text,
                    operation, expected_text, actual, operation[0] == '=' ? "" : "any but ", expected);
    }
    return ok;
}
