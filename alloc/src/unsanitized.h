/* For functions that read stacks: the words there belong to others, and no sanitizer may judge the reading. */
#ifndef ALLOC_SRC_UNSANITIZED_H
#define ALLOC_SRC_UNSANITIZED_H

#if defined(__clang__)
#define CUPEL__UNSANITIZED __attribute__((no_sanitize("address", "memory", "thread", "undefined")))
#else
#define CUPEL__UNSANITIZED __attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))
#endif

#endif
