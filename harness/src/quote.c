/* See quote.h. */
#include "harness/src/quote.h"

#include <stdbool.h>
#include <string.h>

static size_t put(char *text, size_t size, size_t used, const char *piece) {
    size_t length = strlen(piece);
    if (used + length < size) {
        memcpy(text + used, piece, length); /* NOLINT(bugprone-not-null-terminated-result): the caller ends it */
        return used + length;
    }
    return used;
}

const char *cupel__quote(const char *word, char *text, size_t size) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
    bool is_plain = word[0] != '\0' && word[strspn(word, plain)] == '\0';
    size_t used = is_plain ? 0 : put(text, size, 0, "'");
    for (size_t i = 0; word[i] != '\0'; i++) {
        char one[2] = {word[i], '\0'};
        used = put(text, size, used, word[i] == '\'' ? "'\\''" : one);
    }
    used = is_plain ? used : put(text, size, used, "'");
    text[used < size ? used : size - 1] = '\0';
    return text;
}
