/* See title.h. By hand: of thousands of rows it is made before and after each runs. */
#include "harness/src/title.h"

#include "harness/result.h"

#include <string.h>

/* Behind what is in the text already; returns the length of both, also where it had to be cut. */
static size_t add(char *text, size_t size, size_t at, const char *piece, size_t length) {
    if (at < size) {
        size_t room = size - 1 - at;
        size_t taken = length < room ? length : room;
        memcpy(text + at, piece, taken);
        text[at + taken] = '\0';
    }
    return at + length;
}

int cupel__title(const char *suite, const char *name, uint32_t row, char *text, size_t size) {
    char digits[12];
    char *const end = digits + sizeof digits;
    char *digit = end;
    size_t length = add(text, size, 0, suite, strlen(suite));
    length = add(text, size, length, ".", 1);
    length = add(text, size, length, name, strlen(name));
    if (row != CUPEL_NO_ROW) {
        do {
            *--digit = (char)('0' + row % 10);
            row /= 10;
        } while (row != 0);
        *--digit = '/';
        length = add(text, size, length, digit, (size_t)(end - digit));
    }
    return (int)length;
}
