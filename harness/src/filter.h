/* A filter in GoogleTest's syntax, read once for many titles: test explorers hand over thousands of whole titles at
 * once, which are looked up; only words with '*' or '?' are walked. */
#ifndef HARNESS_SRC_FILTER_H
#define HARNESS_SRC_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cupel__filter_word {
    const char *text; /* borrowed from the filter */
    size_t length;
    uint64_t hash;
};

struct cupel__filter {
    struct cupel__filter_half {
        struct cupel__filter_word *words; /* owned; globs first, then whole titles in no order */
        size_t glob_count;
        uint32_t *slots; /* of whole titles: index + 1, 0 for none; owned */
        size_t mask;
    } in, out;
};

/* "A.*:B.*-C.*": titles that match any of the first list and none of the second; an empty first list before '-' is all.
 * `text` is borrowed until cupel__filter_deinit. False when out of memory. Linear in the length of the text. */
bool cupel__filter_init(struct cupel__filter *filter, const char *text);
bool cupel__filter_matches(const struct cupel__filter *filter, const char *title);
void cupel__filter_deinit(struct cupel__filter *filter);

/* '*' any text, '?' any character; the whole title must match. Both are taken up to their lengths. */
bool cupel__glob_matches(const char *pattern, size_t pattern_length, const char *text);

#endif
