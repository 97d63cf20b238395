/* See xml.h. */
#include "harness/src/xml.h"

#include <stdbool.h>
#include <stddef.h>

/* Length of the well-formed UTF-8 sequence of a character that XML 1.0 allows, or 0. */
static size_t xml_character(const unsigned char *at) {
    if (at[0] < 0x80) {
        return at[0] >= 0x20 || at[0] == '\n' || at[0] == '\t' ? 1 : 0;
    }
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool is_forbidden = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90) ||
                        (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe);
    return is_overlong || is_forbidden ? 0 : length;
}

static void write_text(FILE *out, const char *text, bool is_attribute) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = xml_character(at);
        if (length == 0) {
            fputs("\xef\xbf\xbd", out); /* the replacement character */
            at++;
            continue;
        }
        switch (*at) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\n':
            fputs(is_attribute ? "&#x0A;" : "\n", out);
            break;
        case '\t':
            fputs(is_attribute ? "&#x09;" : "\t", out);
            break;
        default:
            (void)fwrite(at, 1, length, out);
        }
        at += length;
    }
}

void cupel__xml_text(FILE *out, const char *text) {
    write_text(out, text, false);
}

void cupel__xml_attribute(FILE *out, const char *name, const char *text) {
    fprintf(out, " %s=\"", name);
    write_text(out, text, true);
    fputc('"', out);
}
