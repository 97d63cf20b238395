/* For tests: which sanitizer this build has, gcc's word for it or clang's. */
#ifndef HARNESS_TESTS_WATCHED_H
#define HARNESS_TESTS_WATCHED_H

#if defined(__has_feature)
#define WATCHED__FEATURE(name) __has_feature(name)
#else
#define WATCHED__FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || WATCHED__FEATURE(address_sanitizer)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || WATCHED__FEATURE(thread_sanitizer)
#define HAS_TSAN 1
#else
#define HAS_TSAN 0
#endif
#if WATCHED__FEATURE(memory_sanitizer)
#define HAS_MSAN 1
#else
#define HAS_MSAN 0
#endif
#define HAS_SANITIZER (HAS_ASAN || HAS_TSAN || HAS_MSAN)

#endif
