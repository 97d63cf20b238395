/* What TEST and PROPERTY come to in C++, from C++11 on, with the words that they have in C:
 *
 *     TEST(suite, name, .timeout_s = 5, .tags = "slow") { ... }
 *
 * C++ before 2020 has no designated initialisers, and later ones want them in the order of the members. So each word is
 * made an assignment: `.timeout_s = 5` becomes `options.timeout_s = 5`. A value with commas of its own stands in
 * parentheses. The record is filled before main, and has C linkage, so that a file in C can name it.
 *
 * REQUIRE and STARVED leave the body by longjmp: destructors of what still stands in it do not run, and its memory
 * counts as left behind. What owns memory in a body is best released before them, or checked with CHECK. */
#ifndef HARNESS_CPLUSPLUS_H
#define HARNESS_CPLUSPLUS_H
#ifdef __cplusplus

/* How many words there are, at least 1 and at most 16. */
#define CUPEL__COUNT_OF(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count
#define CUPEL__COUNT(...)                                                           CUPEL__COUNT_OF(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

#define CUPEL__PASTE_NOW(a, b) a##b
#define CUPEL__PASTE(a, b)     CUPEL__PASTE_NOW(a, b)

/* One expression that assigns them all. */
#define CUPEL__ASSIGN(...)       CUPEL__PASTE(CUPEL__ASSIGN_, CUPEL__COUNT(__VA_ARGS__))(__VA_ARGS__)
#define CUPEL__ASSIGN_1(x)       options x
#define CUPEL__ASSIGN_2(x, ...)  options x, CUPEL__ASSIGN_1(__VA_ARGS__)
#define CUPEL__ASSIGN_3(x, ...)  options x, CUPEL__ASSIGN_2(__VA_ARGS__)
#define CUPEL__ASSIGN_4(x, ...)  options x, CUPEL__ASSIGN_3(__VA_ARGS__)
#define CUPEL__ASSIGN_5(x, ...)  options x, CUPEL__ASSIGN_4(__VA_ARGS__)
#define CUPEL__ASSIGN_6(x, ...)  options x, CUPEL__ASSIGN_5(__VA_ARGS__)
#define CUPEL__ASSIGN_7(x, ...)  options x, CUPEL__ASSIGN_6(__VA_ARGS__)
#define CUPEL__ASSIGN_8(x, ...)  options x, CUPEL__ASSIGN_7(__VA_ARGS__)
#define CUPEL__ASSIGN_9(x, ...)  options x, CUPEL__ASSIGN_8(__VA_ARGS__)
#define CUPEL__ASSIGN_10(x, ...) options x, CUPEL__ASSIGN_9(__VA_ARGS__)
#define CUPEL__ASSIGN_11(x, ...) options x, CUPEL__ASSIGN_10(__VA_ARGS__)
#define CUPEL__ASSIGN_12(x, ...) options x, CUPEL__ASSIGN_11(__VA_ARGS__)
#define CUPEL__ASSIGN_13(x, ...) options x, CUPEL__ASSIGN_12(__VA_ARGS__)
#define CUPEL__ASSIGN_14(x, ...) options x, CUPEL__ASSIGN_13(__VA_ARGS__)
#define CUPEL__ASSIGN_15(x, ...) options x, CUPEL__ASSIGN_14(__VA_ARGS__)
#define CUPEL__ASSIGN_16(x, ...) options x, CUPEL__ASSIGN_15(__VA_ARGS__)

#define CUPEL__DECLARE(suite_, name_) extern "C" const struct cupel_test cupel_property_##suite_##_##name_
#define CUPEL__RECORD(kind_, suite_, name_, run_, body_, ...)                                                          \
    static struct cupel_test_options cupel__options_##suite_##_##name_() {                                             \
        struct cupel_test_options options = cupel_test_options();                                                      \
        CUPEL__ASSIGN(__VA_ARGS__);                                                                                    \
        return options;                                                                                                \
    }                                                                                                                  \
    const struct cupel_test cupel_property_##suite_##_##name_ = {                                                      \
        kind_, #suite_, #name_, __FILE__, __LINE__, run_, body_, CUPEL_FUZZ_ROOT, cupel__options_##suite_##_##name_()}

#endif
#endif
