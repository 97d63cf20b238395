/* SHA-1 (FIPS 180-4), and files named by it: see store.h. */
#include "alloc/base/store.h"

#include "alloc/base/outfile.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint32_t rotate(uint32_t value, unsigned count) {
    return value << count | value >> (32 - count);
}

static void block(uint32_t state[5], const uint8_t data[64]) {
    uint32_t words[80];
    for (size_t i = 0; i < 16; i++) {
        words[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 | (uint32_t)data[4 * i + 2] << 8 |
                   data[4 * i + 3];
    }
    for (size_t i = 16; i < 80; i++) {
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    uint32_t e = state[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t mixed;
        if (i < 20) {
            mixed = ((b & c) | (~b & d)) + 0x5a827999;
        } else if (i < 40) {
            mixed = (b ^ c ^ d) + 0x6ed9eba1;
        } else if (i < 60) {
            mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
        } else {
            mixed = (b ^ c ^ d) + 0xca62c1d6;
        }
        uint32_t next = rotate(a, 5) + mixed + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void cupel_sha1(const void *data, size_t length, char text[CUPEL_SHA1_TEXT]) {
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *at = data;
    size_t left = length;
    for (; left >= 64; left -= 64, at += 64) {
        block(state, at);
    }
    uint8_t last[128] = {0};
    if (left > 0) {
        memcpy(last, at, left);
    }
    last[left] = 0x80;
    size_t end = left < 56 ? 64 : 128;
    for (size_t i = 0; i < 8; i++) {
        last[end - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    }
    block(state, last);
    if (end == 128) {
        block(state, last + 64);
    }
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 40; i++) {
        text[i] = digits[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    }
    text[40] = '\0';
}

bool cupel_store_add(const char *directory, const void *data, size_t length, char name[CUPEL_SHA1_TEXT], bool *is_new,
                     struct cupel_error *error) {
    char path[4096];
    cupel_sha1(data, length, name);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path) {
        return cupel_error_set(error, 0, 0, "the path is too long: %.120s...", directory);
    }
    *is_new = access(path, F_OK) != 0;
    if (!*is_new) {
        return true;
    }
    struct cupel_outfile file;
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    (void)fwrite(data, 1, length, file.stream);
    return cupel_outfile_commit(&file, error);
}
