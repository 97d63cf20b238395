/* Reads the encodings of unwinding tables, never beyond their end. */
#ifndef ALLOC_SRC_CFI_BYTES_H
#define ALLOC_SRC_CFI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cupel__cfi_bytes {
    const uint8_t *at;
    const uint8_t *end;
    bool has_failed; /* something lay beyond the end: what was read since is 0 */
};

static inline uint64_t cupel__cfi_fixed(struct cupel__cfi_bytes *bytes, size_t size) {
    uint64_t value = 0;
    if ((size_t)(bytes->end - bytes->at) < size) {
        bytes->has_failed = true;
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->at, size); /* little-endian, as the machine is */
    bytes->at += size;
    return value;
}

static inline uint8_t cupel__cfi_byte(struct cupel__cfi_bytes *bytes) {
    return (uint8_t)cupel__cfi_fixed(bytes, 1);
}

static inline uint64_t cupel__cfi_unsigned(struct cupel__cfi_bytes *bytes) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = cupel__cfi_byte(bytes);
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        shift += 7;
    } while ((byte & 0x80) != 0);
    return value;
}

static inline int64_t cupel__cfi_signed(struct cupel__cfi_bytes *bytes) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = cupel__cfi_byte(bytes);
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        shift += 7;
    } while ((byte & 0x80) != 0);
    if ((byte & 0x40) != 0 && shift < 64) {
        value |= ~(uint64_t)0 << shift;
    }
    return (int64_t)value;
}

static inline void cupel__cfi_skip(struct cupel__cfi_bytes *bytes, uint64_t size) {
    if ((uint64_t)(bytes->end - bytes->at) < size) {
        bytes->has_failed = true;
        bytes->at = bytes->end;
    } else {
        bytes->at += size;
    }
}

/* An LEB128 length and that many bytes, which are skipped and returned. */
static inline struct cupel__cfi_bytes cupel__cfi_block(struct cupel__cfi_bytes *bytes) {
    uint64_t length = cupel__cfi_unsigned(bytes);
    struct cupel__cfi_bytes block = {bytes->at, bytes->at, false};
    cupel__cfi_skip(bytes, length);
    block.end = bytes->has_failed ? block.at : bytes->at;
    block.has_failed = bytes->has_failed;
    return block;
}

#endif
