/* CHECK goes on after a failure, REQUIRE stops the test. Each evaluates its arguments once. Safe on any thread of the
 * test (REQUIRE only on the test's own). */
#ifndef HARNESS_CHECK_H
#define HARNESS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each reports where `ok` is false and, where `fatal`, does not return then. Results: whether the check held. */
bool cupel__check(bool fatal, bool ok, const char *text, const char *file, unsigned line);
bool cupel__check_int(bool fatal, const char *operation, int64_t actual, int64_t expected, const char *actual_text,
                      const char *expected_text, const char *file, unsigned line);
bool cupel__check_uint(bool fatal, const char *operation, uint64_t actual, uint64_t expected, const char *actual_text,
                       const char *expected_text, const char *file, unsigned line);
bool cupel__check_double(bool fatal, double actual, double expected, double tolerance, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line);
bool cupel__check_string(bool fatal, const char *operation, const char *actual, const char *expected,
                         const char *actual_text, const char *expected_text, const char *file, unsigned line);
bool cupel__check_memory(bool fatal, const void *actual, const void *expected, size_t length, const char *actual_text,
                         const char *expected_text, const char *file, unsigned line);
bool cupel__check_pointer(bool fatal, const char *operation, const void *actual, const void *expected,
                          const char *actual_text, const char *expected_text, const char *file, unsigned line);
/* A failure with words of one's own, as printf. */
/* Called where a check has failed, and does nothing: a place for breakpoints (--debugger sets one). */
void cupel_failure_break(void);
void cupel__fail(bool fatal, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Prints with the test's failure, only if it fails: context for loops, as printf. */
void cupel_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifndef CUPEL_NO_SHORT_NAMES
#define CHECK(c)                     cupel__check(false, (c), #c, __FILE__, __LINE__)
#define CHECK_INT_EQ(a, e)           cupel__check_int(false, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_INT_NE(a, e)           cupel__check_int(false, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_INT_LT(a, e)           cupel__check_int(false, "<", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_INT_LE(a, e)           cupel__check_int(false, "<=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_INT_GT(a, e)           cupel__check_int(false, ">", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_INT_GE(a, e)           cupel__check_int(false, ">=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_EQ(a, e)          cupel__check_uint(false, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_NE(a, e)          cupel__check_uint(false, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_LT(a, e)          cupel__check_uint(false, "<", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_LE(a, e)          cupel__check_uint(false, "<=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_GT(a, e)          cupel__check_uint(false, ">", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_UINT_GE(a, e)          cupel__check_uint(false, ">=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_DOUBLE_NEAR(a, e, t)   cupel__check_double(false, (a), (e), (t), #a, #e, __FILE__, __LINE__)
#define CHECK_STR_EQ(a, e)           cupel__check_string(false, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_STR_NE(a, e)           cupel__check_string(false, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_STR_CONTAINS(a, e)     cupel__check_string(false, "contains", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_MEM_EQ(a, e, n)        cupel__check_memory(false, (a), (e), (n), #a, #e, __FILE__, __LINE__)
#define CHECK_PTR_EQ(a, e)           cupel__check_pointer(false, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define CHECK_PTR_NE(a, e)           cupel__check_pointer(false, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define FAIL(...)                    cupel__fail(false, __FILE__, __LINE__, __VA_ARGS__)
#define REQUIRE(c)                   cupel__check(true, (c), #c, __FILE__, __LINE__)
#define REQUIRE_INT_EQ(a, e)         cupel__check_int(true, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_INT_NE(a, e)         cupel__check_int(true, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_INT_LT(a, e)         cupel__check_int(true, "<", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_INT_LE(a, e)         cupel__check_int(true, "<=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_INT_GT(a, e)         cupel__check_int(true, ">", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_INT_GE(a, e)         cupel__check_int(true, ">=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_EQ(a, e)        cupel__check_uint(true, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_NE(a, e)        cupel__check_uint(true, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_LT(a, e)        cupel__check_uint(true, "<", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_LE(a, e)        cupel__check_uint(true, "<=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_GT(a, e)        cupel__check_uint(true, ">", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_UINT_GE(a, e)        cupel__check_uint(true, ">=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_DOUBLE_NEAR(a, e, t) cupel__check_double(true, (a), (e), (t), #a, #e, __FILE__, __LINE__)
#define REQUIRE_STR_EQ(a, e)         cupel__check_string(true, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_STR_NE(a, e)         cupel__check_string(true, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_STR_CONTAINS(a, e)   cupel__check_string(true, "contains", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_MEM_EQ(a, e, n)      cupel__check_memory(true, (a), (e), (n), #a, #e, __FILE__, __LINE__)
#define REQUIRE_PTR_EQ(a, e)         cupel__check_pointer(true, "==", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_PTR_NE(a, e)         cupel__check_pointer(true, "!=", (a), (e), #a, #e, __FILE__, __LINE__)
#define REQUIRE_FAIL(...)            cupel__fail(true, __FILE__, __LINE__, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
