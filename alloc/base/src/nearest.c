/* Distance between words: insertions, deletions, substitutions and swaps of neighbours, each of cost one (the "optimal
 * string alignment" form of the Damerau-Levenshtein distance, three rows of the usual table). */
#include "alloc/base/nearest.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 63 };

static unsigned min_of(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned substituted = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min_of(substituted, min_of(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = min_of(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

void cupel_nearest_init(struct cupel_nearest *nearest, const char *word) {
    *nearest = (struct cupel_nearest){.word = word, .distance = UINT_MAX};
}

void cupel_nearest_offer(struct cupel_nearest *nearest, const char *candidate) {
    size_t word_length = strlen(nearest->word);
    size_t length = strlen(candidate);
    if (word_length > WORD_MAX || length > WORD_MAX) {
        return;
    }
    size_t longer = word_length > length ? word_length : length;
    unsigned edits = distance(nearest->word, word_length, candidate, length);
    if (word_length >= 2 && strncmp(nearest->word, candidate, word_length) == 0) {
        edits = min_of(edits, 1);
    }
    if (edits <= (longer < 3 ? 1 : longer / 3) && edits < nearest->distance && edits < longer) {
        nearest->best = candidate;
        nearest->distance = edits;
    }
}
