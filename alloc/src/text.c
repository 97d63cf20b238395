/* Text without formatting functions, and without a C library: see text.h. */
#include "alloc/src/text.h"

enum { DIGITS = 24 };

bool cupel__text_is(const char *string, const char *word, size_t length) {
    size_t i = 0;
    while (i < length && string[i] != '\0' && string[i] == word[i]) {
        i++;
    }
    return i == length && string[i] == '\0';
}

void cupel__text_string(const struct cupel__text *text, const char *string) {
    size_t length = 0;
    while (string[length] != '\0') {
        length++;
    }
    if (length > 0) {
        text->put(text->user, string, length);
    }
}

static void put_number(const struct cupel__text *text, uint64_t number, unsigned base) {
    char digits[DIGITS];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    text->put(text->user, digits + at, sizeof digits - at);
}

void cupel__text_decimal(const struct cupel__text *text, uint64_t number) {
    put_number(text, number, 10);
}

void cupel__text_signed(const struct cupel__text *text, int64_t number) {
    if (number < 0) {
        cupel__text_string(text, "-");
    }
    put_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
}

void cupel__text_hex(const struct cupel__text *text, uint64_t number) {
    cupel__text_string(text, "0x");
    put_number(text, number, 16);
}

void cupel__text_count(const struct cupel__text *text, uint64_t number, const char *unit) {
    cupel__text_decimal(text, number);
    cupel__text_string(text, " ");
    cupel__text_string(text, unit);
    cupel__text_string(text, number == 1 ? "" : "s");
}

void cupel__text_json(const struct cupel__text *text, const char *string) {
    cupel__text_string(text, "\"");
    for (; *string != '\0'; string++) {
        unsigned char c = (unsigned char)*string;
        char escaped[7] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15], '\0'};
        char plain[2] = {*string, '\0'};
        bool is_plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        cupel__text_string(text, is_plain ? plain : escaped);
    }
    cupel__text_string(text, "\"");
}
