/* See difference.h. */
#include "harness/src/difference.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CONTEXT = 24, AFTER = 40, ROW = 16 };

/* Text that grows in place and stops at its end. */
struct page {
    char *text;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(page->text + page->used, page->size - page->used, format, arguments);
    va_end(arguments);
    page->used += length < 0 ? 0 : (size_t)length;
    if (page->used >= page->size) {
        page->used = page->size - 1;
    }
}

void cupel__show_int(int64_t value, char *text, size_t size) {
    if (value > 9999 || value < -9999) {
        (void)snprintf(text, size, "%" PRId64 " (%s0x%" PRIx64 ")", value, value < 0 ? "-" : "",
                       value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    } else {
        (void)snprintf(text, size, "%" PRId64, value);
    }
}

void cupel__show_uint(uint64_t value, char *text, size_t size) {
    (void)snprintf(text, size, value > 9999 ? "%" PRIu64 " (0x%" PRIx64 ")" : "%" PRIu64, value, value);
}

/* One byte as C would write it. UTF-8 goes through as it is. Returns the columns it takes, bytes taken as columns. */
static size_t put_byte(struct page *page, unsigned char byte) {
    static const char letters[] = "\a\b\t\n\v\f\r";
    const char *letter = byte == 0 ? NULL : strchr(letters, byte);
    size_t before = page->used;
    if (letter != NULL) {
        put(page, "\\%c", "abtnvfr"[letter - letters]);
    } else if (byte == '"' || byte == '\\') {
        put(page, "\\%c", byte);
    } else if (byte < 0x20 || byte == 0x7f) {
        put(page, "\\%03o", byte);
    } else {
        put(page, "%c", byte);
    }
    return page->used - before;
}

/* The part of a string around `at`; returns the column of `at`, counted from the opening quote. */
static size_t put_part(struct page *page, const char *value, size_t from, size_t at) {
    size_t column = 1;
    size_t length = strlen(value);
    size_t end = length < at + AFTER ? length : at + AFTER;
    put(page, "%s\"", from == 0 ? "" : "...");
    column += from == 0 ? 0 : 3;
    for (size_t i = from; i < end; i++) {
        size_t width = put_byte(page, (unsigned char)value[i]);
        /* Bytes within a character of UTF-8 take no column of their own. */
        bool is_inner = ((unsigned char)value[i] & 0xc0) == 0x80;
        column += i < at && !is_inner ? width : 0;
    }
    put(page, "\"%s", end == length ? "" : "...");
    return column;
}

void cupel__show_string(const char *value, char *text, size_t size) {
    struct page page = {text, size, 0};
    text[0] = '\0';
    if (value == NULL) {
        put(&page, "NULL");
        return;
    }
    (void)put_part(&page, value, 0, 1200);
}

static size_t line_of(const char *text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    return line;
}

void cupel__show_strings(const char *actual, const char *expected, char *text, size_t size) {
    struct page page = {text, size, 0};
    text[0] = '\0';
    if (actual == NULL || expected == NULL) {
        put(&page, "  actual:   ");
        if (actual == NULL) {
            put(&page, "NULL");
        } else {
            (void)put_part(&page, actual, 0, 160);
        }
        put(&page, "\n  expected: ");
        if (expected == NULL) {
            put(&page, "NULL");
        } else {
            (void)put_part(&page, expected, 0, 160);
        }
        return;
    }
    size_t at = 0;
    while (actual[at] != '\0' && actual[at] == expected[at]) {
        at++;
    }
    while (at > 0 && ((unsigned char)actual[at] & 0xc0) == 0x80) {
        at--; /* begin at the character, not within it */
    }
    size_t from = at > CONTEXT ? at - CONTEXT : 0;
    while (from > 0 && ((unsigned char)actual[from] & 0xc0) == 0x80) {
        from--;
    }
    put(&page, "  actual:   ");
    size_t column = put_part(&page, actual, from, at);
    put(&page, "\n  expected: ");
    (void)put_part(&page, expected, from, at);
    put(&page, "\n            %*s^ they differ from byte %zu (line %zu); lengths %zu and %zu", (int)column, "", at,
        line_of(actual, at), strlen(actual), strlen(expected));
}

static void put_row(struct page *page, const char *name, const unsigned char *bytes, size_t from, size_t length,
                    const unsigned char *other) {
    put(page, "\n  %-9s %6zx:", name, from);
    for (size_t i = from; i < from + ROW; i++) {
        if (i < length) {
            put(page, "%c%02x", bytes[i] != other[i] ? '*' : ' ', bytes[i]);
        } else {
            put(page, "   ");
        }
    }
    put(page, "  ");
    for (size_t i = from; i < from + ROW && i < length; i++) {
        put(page, "%c", bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
    }
}

void cupel__show_memory(const void *actual, const void *expected, size_t length, char *text, size_t size) {
    const unsigned char *a = actual;
    const unsigned char *e = expected;
    struct page page = {text, size, 0};
    text[0] = '\0';
    size_t first = length;
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (a[i] != e[i]) {
            first = count == 0 ? i : first;
            count++;
        }
    }
    put(&page, "  %zu of %zu bytes differ, the first at %zu", count, length, first);
    size_t row = first / ROW * ROW;
    for (size_t from = row >= ROW ? row - ROW : 0; from < length && from <= row + ROW; from += ROW) {
        put_row(&page, "actual", a, from, length, e);
        put_row(&page, "expected", e, from, length, a);
    }
}
