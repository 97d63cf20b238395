/* UTF-8: checked where text enters, trusted from then on. Well-formed is what the Unicode standard's table 3-7 allows:
 * no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "vm/src/text.h"

static size_t ascii_prefix(const char *bytes, size_t length) {
    size_t at = 0;
    for (uint64_t eight; length - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (at < length && (bytes[at] & 0x80) == 0) {
        at++;
    }
    return at;
}

/* Bytes in a character by its first byte; 0: no character begins so. */
static unsigned length_by(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

uint32_t vm__utf8_read(const char **at, const char *end) {
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)**at;
    unsigned length = length_by(first);
    if (length == 0 || (size_t)(end - *at) < length) {
        return UINT32_MAX;
    }
    uint32_t character = first & first_bits[length];
    for (unsigned i = 1; i < length; i++) {
        unsigned char next = (unsigned char)(*at)[i];
        if ((next & 0xc0) != 0x80) {
            return UINT32_MAX;
        }
        character = character << 6 | (next & 0x3f);
    }
    if (character < least[length] || character > 0x10ffff || (character & ~(uint32_t)0x7ff) == 0xd800) {
        return UINT32_MAX;
    }
    *at += length;
    return character;
}

bool vm_utf8_check(const char *text, size_t length_bytes, size_t *characters) {
    size_t count = length_bytes == 0 ? 0 : ascii_prefix(text, length_bytes);
    const char *end = count == length_bytes ? text : text + length_bytes;
    for (const char *at = count == length_bytes ? end : text + count; at != end; count++) {
        if (vm__utf8_read(&at, end) == UINT32_MAX) {
            return false;
        }
    }
    *characters = count;
    return true;
}

size_t vm__utf8_count(const char *bytes, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    }
    return count;
}

size_t vm__utf8_offset(const char *bytes, size_t length, size_t index) {
    size_t at = 0;
    (void)length; /* where assertions are left out */
    for (; index > 0; index--) {
        assert(at < length);
        at += length_by((unsigned char)bytes[at]);
    }
    return at;
}

unsigned vm_utf8_write(uint32_t character, char text[4]) {
    if (character < 0x80) {
        text[0] = (char)character;
        return 1;
    }
    unsigned length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    text[0] = (char)(marks[length] | character);
    return length;
}
