/* Checks of the first runner. */
#include "harness/check.h"
#include "harness/src/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cupel__fail(bool fatal, const char *file, unsigned line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%u: ", file, line);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    cupel__run_failed(fatal);
}

void cupel_note(const char *format, ...) {
    (void)format;
}

bool cupel__check(bool fatal, bool ok, const char *text, const char *file, unsigned line) {
    if (!ok) {
        cupel__fail(fatal, file, line, "%s does not hold", text);
    }
    return ok;
}

static bool compare(const char *operation, int order) {
    bool orEqual = operation[1] == '=';
    return operation[0] == '='   ? order == 0
           : operation[0] == '!' ? order != 0
           : operation[0] == '<' ? order < 0 || (orEqual && order == 0)
                                 : order > 0 || (orEqual && order == 0);
}

bool cupel__check_int(bool fatal, const char *operation, int64_t actual, int64_t expected, const char *actual_text,
                      const char *expected_text, const char *file, unsigned line) {
    bool ok = compare(operation, (actual > expected) - (actual < expected));
    if (!ok) {
        cupel__fail(fatal, file, line, "%s %s %s: %" PRId64 " and %" PRId64, actual_text, operation, expected_text,
                    actual, expected);
    }
    return ok;
}

bool cupel__check_uint(bool fatal, const char *operation, uint64_t actual, uint64_t expected, const char *actual_text,
                       const char *expected_text, const char *file, unsigned line) {
    bool ok = compare(operation, (actual > expected) - (actual < expected));
    if (!ok) {
        cupel__fail(fatal, file, line, "%s %s %s: %" PRIu64 " and %" PRIu64, actual_text, operation, expected_text,
                    actual, expected);
    }
    return ok;
}

bool cupel__check_double(bool fatal, double actual, double expected, double tolerance, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line) {
    bool ok = fabs(actual - expected) <= tolerance;
    if (!ok) {
        cupel__fail(fatal, file, line, "%s near %s: %.17g and %.17g", actual_text, expected_text, actual, expected);
    }
    return ok;
}

bool cupel__check_string(bool fatal, const char *operation, const char *actual, const char *expected,
                         const char *actual_text, const char *expected_text, const char *file, unsigned line) {
    bool ok = operation[0] == 'c' ? strstr(actual, expected) != NULL
                                  : (strcmp(actual, expected) == 0) == (operation[0] == '=');
    if (!ok) {
        cupel__fail(fatal, file, line, "%s %s %s: \"%s\" and \"%s\"", actual_text, operation, expected_text, actual,
                    expected);
    }
    return ok;
}

bool cupel__check_memory(bool fatal, const void *actual, const void *expected, size_t length, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line) {
    bool ok = memcmp(actual, expected, length) == 0;
    if (!ok) {
        cupel__fail(fatal, file, line, "%s and %s differ within %zu bytes", actual_text, expected_text, length);
    }
    return ok;
}

bool cupel__check_pointer(bool fatal, const char *operation, const void *actual, const void *expected,
                          const char *actual_text, const char *expected_text, const char *file, unsigned line) {
    bool ok = (actual == expected) == (operation[0] == '=');
    if (!ok) {
        cupel__fail(fatal, file, line, "%s %s %s: %p and %p", actual_text, operation, expected_text, actual, expected);
    }
    return ok;
}
