/* Finds the record of a code address: in the sorted table of .eh_frame_hdr where it has one, else by reading .eh_frame
 * from its beginning. See cfi.h for the format. */
#include "alloc/src/cfi_record.h"

#include "alloc/src/cfi.h"

#if defined(__x86_64__)

/* Encodings of addresses: the low four bits are the format, the next three what it is relative to. */
enum {
    FORMAT_POINTER = 0x00,
    FORMAT_UNSIGNED = 0x01,
    FORMAT_2 = 0x02,
    FORMAT_4 = 0x03,
    FORMAT_8 = 0x04,
    FORMAT_SIGNED = 0x09,
    FORMAT_SIGNED_2 = 0x0a,
    FORMAT_SIGNED_4 = 0x0b,
    FORMAT_SIGNED_8 = 0x0c,
    BASE_HERE = 0x10,
    BASE_DATA = 0x30,
    OMITTED = 0xff,
    SORTED = BASE_DATA | FORMAT_SIGNED_4, /* the encoding of the table that linkers write */
};

uintptr_t cupel__cfi_address(struct cupel__cfi_bytes *bytes, uint8_t encoding, const uint8_t *data_base,
                             bool *is_known) {
    uintptr_t base = 0;
    switch (encoding & 0x70) {
    case 0:
        break;
    case BASE_HERE:
        base = (uintptr_t)bytes->at;
        break;
    case BASE_DATA:
        base = (uintptr_t)data_base;
        break;
    default:
        *is_known = false;
        return 0;
    }
    switch (encoding & 0x0f) {
    case FORMAT_POINTER:
    case FORMAT_8:
    case FORMAT_SIGNED_8:
        return base + cupel__cfi_fixed(bytes, 8);
    case FORMAT_UNSIGNED:
        return base + cupel__cfi_unsigned(bytes);
    case FORMAT_SIGNED:
        return base + (uintptr_t)cupel__cfi_signed(bytes);
    case FORMAT_2:
        return base + cupel__cfi_fixed(bytes, 2);
    case FORMAT_4:
        return base + cupel__cfi_fixed(bytes, 4);
    case FORMAT_SIGNED_2:
        return base + (uintptr_t)(int16_t)cupel__cfi_fixed(bytes, 2);
    case FORMAT_SIGNED_4:
        return base + (uintptr_t)(int32_t)cupel__cfi_fixed(bytes, 4);
    default:
        *is_known = false;
        return 0;
    }
}

/* The contents of the record at `at`, which lies before `end`, after its length; at == end at the end of the table. */
static struct cupel__cfi_bytes open_record(const uint8_t *at, const uint8_t *end) {
    struct cupel__cfi_bytes bytes = {at, end, false};
    uint64_t length = cupel__cfi_fixed(&bytes, 4);
    if (length == 0xffffffff) {
        length = cupel__cfi_fixed(&bytes, 8);
    }
    if (length > (uint64_t)(bytes.end - bytes.at)) {
        bytes.has_failed = true;
        length = 0;
    }
    bytes.end = bytes.at + length;
    return bytes;
}

/* Reads the augmentation of a common entry: what it says about addresses and signals. */
static bool read_augmentation(const char *words, struct cupel__cfi_bytes *bytes, struct cupel__cfi_record *record) {
    if (*words != 'z') {
        return *words == '\0';
    }
    struct cupel__cfi_bytes data = cupel__cfi_block(bytes);
    bool is_known = true;
    while (*++words != '\0' && is_known) {
        switch (*words) {
        case 'R':
            record->encoding = cupel__cfi_byte(&data);
            break;
        case 'P': {
            uint8_t encoding = cupel__cfi_byte(&data);
            (void)cupel__cfi_address(&data, encoding & 0x7f, NULL, &is_known);
            break;
        }
        case 'L':
            (void)cupel__cfi_byte(&data);
            break;
        case 'S':
            record->is_signal = true;
            break;
        default:
            is_known = *words == 'B'; /* of another machine; without data */
        }
    }
    return is_known && !data.has_failed;
}

static bool read_common(const uint8_t *at, const uint8_t *end, struct cupel__cfi_record *record, bool *has_length) {
    struct cupel__cfi_bytes bytes = open_record(at, end);
    if (bytes.has_failed || cupel__cfi_fixed(&bytes, 4) != 0) {
        return false;
    }
    uint8_t version = cupel__cfi_byte(&bytes);
    const char *words = (const char *)bytes.at;
    while (cupel__cfi_byte(&bytes) != 0) {
    }
    if (bytes.has_failed || version == 0 || version == 2 || version > 4) {
        return false;
    }
    if (version == 4) {
        cupel__cfi_skip(&bytes, 2); /* sizes of addresses and segments */
    }
    record->code_alignment = cupel__cfi_unsigned(&bytes);
    record->data_alignment = cupel__cfi_signed(&bytes);
    record->return_column = version == 1 ? cupel__cfi_byte(&bytes) : cupel__cfi_unsigned(&bytes);
    *has_length = *words == 'z';
    if (!read_augmentation(words, &bytes, record)) {
        return false;
    }
    record->initial = bytes;
    return !bytes.has_failed;
}

/* Reads a function's entry; false for other records, and for what cannot be read. */
static bool read_record(const struct cupel__cfi_module *module, const uint8_t *at, struct cupel__cfi_record *record) {
    struct cupel__cfi_bytes bytes = open_record(at, module->end);
    const uint8_t *here = bytes.at;
    uint64_t distance = cupel__cfi_fixed(&bytes, 4); /* 0 where there are no four bytes */
    if (distance == 0 || distance > (uint64_t)(here - module->start)) {
        return false;
    }
    *record = (struct cupel__cfi_record){0};
    bool has_length = false;
    bool is_known = true;
    if (!read_common(here - distance, module->end, record, &has_length)) {
        return false;
    }
    record->start = cupel__cfi_address(&bytes, record->encoding, NULL, &is_known);
    record->size = cupel__cfi_address(&bytes, record->encoding & 0x0f, NULL, &is_known);
    if (has_length) {
        (void)cupel__cfi_block(&bytes);
    }
    record->program = bytes;
    return is_known && !bytes.has_failed;
}

static bool holds(const struct cupel__cfi_record *record, uintptr_t address) {
    return address >= record->start && address - record->start < record->size;
}

/* Looks at every record: some linkers write no table. */
static bool find_by_reading(const struct cupel__cfi_module *module, const uint8_t *at, uintptr_t address,
                            struct cupel__cfi_record *record) {
    while (at >= module->start && at < module->end) {
        struct cupel__cfi_bytes bytes = open_record(at, module->end);
        if (bytes.has_failed || bytes.at == bytes.end) {
            return false;
        }
        if (read_record(module, at, record) && holds(record, address)) {
            return true;
        }
        at = bytes.end;
    }
    return false;
}

/* The entry of the sorted table that may hold the address: the last that starts at or before it. */
static const uint8_t *find_in_table(const uint8_t *header, const uint8_t *table, uint64_t count, uintptr_t address) {
    int64_t wanted = (int64_t)(address - (uintptr_t)header);
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int32_t start;
        memcpy(&start, table + middle * 8, sizeof start);
        if (start <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    int32_t place;
    memcpy(&place, table + (low - 1) * 8 + 4, sizeof place);
    return header + place;
}

bool cupel__cfi_record_find(const struct cupel__cfi_module *module, uintptr_t address,
                            struct cupel__cfi_record *record) {
    struct cupel__cfi_bytes bytes = {module->header, module->end, false};
    uint8_t version = cupel__cfi_byte(&bytes);
    uint8_t start_encoding = cupel__cfi_byte(&bytes);
    uint8_t count_encoding = cupel__cfi_byte(&bytes);
    uint8_t table_encoding = cupel__cfi_byte(&bytes);
    bool is_known = true;
    if (version != 1 || start_encoding == OMITTED) {
        return false;
    }
    const uint8_t *records = (const uint8_t *)cupel__cfi_address(&bytes, start_encoding, module->header, &is_known);
    if (!is_known || bytes.has_failed) {
        return false;
    }
    if (count_encoding == OMITTED || table_encoding != SORTED) {
        return find_by_reading(module, records, address, record);
    }
    uint64_t count = cupel__cfi_address(&bytes, count_encoding, module->header, &is_known);
    if (!is_known || bytes.has_failed || count > (uint64_t)(bytes.end - bytes.at) / 8) {
        return false;
    }
    const uint8_t *at = find_in_table(module->header, bytes.at, count, address);
    return at != NULL && at >= module->start && at < module->end && read_record(module, at, record) &&
           holds(record, address);
}

#endif
