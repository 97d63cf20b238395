/* Numbers, names and quoted texts as the reader takes them back. */
#include "vm/src/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void vm__double_text(double number, char text[VM__DOUBLE_TEXT_BYTES]) {
    if (isnan(number) || isinf(number)) {
        (void)snprintf(text, VM__DOUBLE_TEXT_BYTES, "%s", isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, VM__DOUBLE_TEXT_BYTES - 2, "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (!(back < number) && !(back > number)) {
            break;
        }
    }
    if (strpbrk(text, ".e") == NULL) {
        memcpy(text + strlen(text), ".0", sizeof ".0");
    }
}

bool vm__name_is_plain(const char *name, size_t length) {
    static const char *const taken[] = {"nil", "false", "true", "undefined", "nan", "inf"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strlen(taken[i]) == length && memcmp(taken[i], name, length) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte <= ' ' || byte == 0x7f || strchr("()[]{}\"|;\\#'", byte) != NULL) {
            return false;
        }
    }
    return length > 0 && strchr("0123456789+-.", name[0]) == NULL;
}

bool vm__quote_text(const char *text, size_t length, char quote, vm_sink *sink, void *context) {
    bool goes_on = sink(context, &quote, 1);
    size_t done = 0;
    for (size_t i = 0; goes_on && i < length; i++) {
        char byte = text[i], escape[8] = {'\\', byte};
        if (byte == '\n' || byte == '\t') {
            escape[1] = byte == '\n' ? 'n' : 't';
        } else if ((unsigned char)byte < 0x20 || byte == 0x7f) {
            (void)snprintf(escape, sizeof escape, "\\x%02x;", (unsigned)(unsigned char)byte);
        } else if (byte != quote && byte != '\\') {
            continue;
        }
        goes_on = sink(context, text + done, i - done) && sink(context, escape, strlen(escape));
        done = i + 1;
    }
    return goes_on && sink(context, text + done, length - done) && sink(context, &quote, 1);
}
