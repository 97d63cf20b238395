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
    if (length == 2 && getenv("WORD_PLANTED") != NULL) {
        twice[2 * length + 1] = '!'; /* what a sanitizer must see, where install.sh asks for it */
    }
    twice[2 * length] = '\0';
    return twice;
}
