/* Eight thousand tests in eighty suites, which is what a large project has: of whichever harness, by its ONE(suite,
 * name). */
#ifndef HARNESS_BENCH_MANY_H
#define HARNESS_BENCH_MANY_H

#define TEN(suite, stem)                                                                                               \
    ONE(suite, stem##0)                                                                                                \
    ONE(suite, stem##1)                                                                                                \
    ONE(suite, stem##2)                                                                                                \
    ONE(suite, stem##3)                                                                                                \
    ONE(suite, stem##4)                                                                                                \
    ONE(suite, stem##5)                                                                                                \
    ONE(suite, stem##6)                                                                                                \
    ONE(suite, stem##7)                                                                                                \
    ONE(suite, stem##8)                                                                                                \
    ONE(suite, stem##9)
#define SUITE(suite)                                                                                                   \
    TEN(suite, reads_a_record_0)                                                                                       \
    TEN(suite, reads_a_record_1)                                                                                       \
    TEN(suite, reads_a_record_2)                                                                                       \
    TEN(suite, reads_a_record_3)                                                                                       \
    TEN(suite, reads_a_record_4)                                                                                       \
    TEN(suite, refuses_a_word_0)                                                                                       \
    TEN(suite, refuses_a_word_1)                                                                                       \
    TEN(suite, refuses_a_word_2)                                                                                       \
    TEN(suite, refuses_a_word_3)                                                                                       \
    TEN(suite, refuses_a_word_4)
#define SUITES(stem)                                                                                                   \
    SUITE(stem##_0)                                                                                                    \
    SUITE(stem##_1)                                                                                                    \
    SUITE(stem##_2)                                                                                                    \
    SUITE(stem##_3)                                                                                                    \
    SUITE(stem##_4)                                                                                                    \
    SUITE(stem##_5)                                                                                                    \
    SUITE(stem##_6)                                                                                                    \
    SUITE(stem##_7)                                                                                                    \
    SUITE(stem##_8)                                                                                                    \
    SUITE(stem##_9)

SUITES(lexer)
SUITES(parser)
SUITES(printer)
SUITES(checker)
SUITES(linker)
SUITES(loader)
SUITES(network)
SUITES(storage)

#endif
