/* See word.h. */
#include "word.h"

#include <stdlib.h>
#include <string.h>

char *word_twice(const char *word, size_t length) {
    char *twice = malloc(2 * length + 1);
    if (twice == NULL) {
        return NULL;
    }
    if (length > 0) {
        memcpy(twice, word, length);
        memcpy(twice + length, word, length);
    }
    twice[2 * length] = '\0';
    return twice;
}
