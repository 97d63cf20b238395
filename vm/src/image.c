/* The binary form of a program, canonical: each program has one image, and what is not that image is refused.
 *
 *     "\x7fVMB" version:1 flags:1, then sections: id:1 length, that many bytes
 *         1 strings     count { length bytes }                        sorted by bytes, no two alike, each used, UTF-8
 *         2 constants   count { kind:1 content }                      sorted by vm__constant_compare, each used
 *         3 imports     count { string }                              sorted, each used
 *         5 functions   count { function }                            parents before children, as a walk in depth sees
 * them 7 check       CRC-32C of all before this section, 4 bytes function: name + 1, file + 1, parent + 1, arity,
 * optional, has_rest:1, registers, count { is_capture:1 index:1 }, count { start, length, target, register:1 }, count {
 * words, lines }, count { word:4 }
 *
 * Numbers are LEB128 of minimal length, signed where they may be negative (integers, lines); fixed sizes are
 * little-endian. No padding, nothing behind the last section. */
#include "vm/image.h"

#include "vm/objects.h"
#include "vm/src/program.h"

#include <math.h>
#include <string.h>

enum section {
    SECTION_STRINGS = 1,
    SECTION_CONSTANTS = 2,
    SECTION_IMPORTS = 3,
    SECTION_FUNCTIONS = 5,
    SECTION_CHECK = 7
};
enum { VERSION = 1, LEB_BITS = 7, LEB_MORE = 0x80, LEB_SIGN = 0x40 };
static const unsigned char magic[] = {0x7f, 'V', 'M', 'B', VERSION, 0};

uint32_t vm__crc32c(const void *data, size_t length_bytes) {
    /* Four bits at a time, for the reflected polynomial 0x82f63b78. */
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                       0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const unsigned char *bytes = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length_bytes; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* Reading: after the first error all reads give 0, and the error stays. */
struct reader {
    struct vm__program *program;
    const unsigned char *at, *end;
    const unsigned char *begin;
    struct cupel_error *error;
    bool has_failed;
};

static bool refuse(struct reader *reader, const char *why) {
    if (!reader->has_failed) {
        reader->has_failed = true;
        (void)cupel_error_set(reader->error, 0, 0, "byte %zu: %s", (size_t)(reader->at - reader->begin), why);
        reader->at = reader->end;
    }
    return false;
}

static size_t left(const struct reader *reader) {
    return (size_t)(reader->end - reader->at);
}

static uint8_t read_byte(struct reader *reader, unsigned max) {
    if (left(reader) == 0) {
        (void)refuse(reader, "the image ends too early");
        return 0;
    }
    if (*reader->at > max) {
        (void)refuse(reader, "a byte is too large for what it says");
        return 0;
    }
    return *reader->at++;
}

/* The bits of a LEB128 number, and how many there were. */
static uint64_t read_leb(struct reader *reader, unsigned *bits) {
    uint64_t value = 0;
    unsigned char byte = LEB_MORE;
    for (*bits = 0; (byte & LEB_MORE) != 0; *bits += LEB_BITS) {
        byte = read_byte(reader, UINT8_MAX);
        if (*bits >= 63 && byte > 1 && byte != 0x7f) {
            (void)refuse(reader, "a number has more than 64 bits");
        }
        if (reader->has_failed) {
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << *bits;
    }
    return value;
}

static uint64_t read_number(struct reader *reader, uint64_t max) {
    unsigned bits;
    uint64_t value = read_leb(reader, &bits);
    if (reader->has_failed) {
        return 0;
    }
    if ((bits > LEB_BITS && value >> (bits - LEB_BITS) == 0) || (bits > 63 && reader->at[-1] > 1)) {
        (void)refuse(reader, "a number is not in its shortest form");
        return 0;
    }
    if (value > max) {
        (void)refuse(reader, "a number is too large for what it says");
        return 0;
    }
    return value;
}

static int64_t read_signed(struct reader *reader, int64_t min, int64_t max) {
    unsigned bits;
    uint64_t value = read_leb(reader, &bits);
    if (reader->has_failed) {
        return 0;
    }
    unsigned char last = reader->at[-1];
    if (bits < 64 && (last & LEB_SIGN) != 0) {
        value |= UINT64_MAX << bits;
    }
    if (bits > LEB_BITS) {
        bool was_negative = (reader->at[-2] & LEB_SIGN) != 0;
        if ((last == 0 && !was_negative) || (last == 0x7f && was_negative) ||
            (bits > 63 && last != 0 && last != 0x7f)) {
            (void)refuse(reader, "a number is not in its shortest form");
            return 0;
        }
    }
    if ((int64_t)value < min || (int64_t)value > max) {
        (void)refuse(reader, "a number is too large for what it says");
        return 0;
    }
    return (int64_t)value;
}

/* How many items follow, each of which takes at least `item_bytes`; reserves room for them. */
static uint32_t read_count(struct reader *reader, struct vm__list *list, size_t item_size, size_t item_bytes,
                           uint64_t max) {
    uint32_t count = (uint32_t)read_number(reader, max);
    if (count > left(reader) / item_bytes) {
        (void)refuse(reader, "there are fewer items than the count says");
        return 0;
    }
    size_t needed = (size_t)list->count + count;
    size_t doubled = (size_t)list->capacity * 2;
    if (needed > list->capacity &&
        !vm__list_reserve(list, reader->program->allocator, item_size, needed > doubled ? needed : doubled)) {
        (void)refuse(reader, "out of memory");
        return 0;
    }
    return count;
}

/* The next item of a list that has room for it. */
#define NEXT_ITEM(type, list) VM__AT(type, list, (list)->count++)

bool vm__is_utf8(const char *text, size_t length_bytes) {
    size_t characters;
    return vm_utf8_check(text, length_bytes, &characters);
}

int vm__string_compare(const struct vm__string *a, const struct vm__string *b) {
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common == 0 ? 0 : memcmp(a->text, b->text, common);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static void read_strings(struct reader *reader) {
    struct vm__list *strings = &reader->program->strings;
    uint32_t count = read_count(reader, strings, sizeof(struct vm__string), 1, INT32_MAX);
    for (uint32_t i = 0; i < count && !reader->has_failed; i++) {
        struct vm__string string = {.length = (uint32_t)read_number(reader, INT32_MAX)};
        string.text = (const char *)reader->at;
        if (string.length > left(reader)) {
            (void)refuse(reader, "a string is longer than the image");
        } else if (!vm__is_utf8(string.text, string.length)) {
            (void)refuse(reader, "a string is not UTF-8");
        } else if (i > 0 && vm__string_compare(VM__AT(struct vm__string, strings, i - 1), &string) >= 0) {
            (void)refuse(reader, "strings are not sorted, or two are alike");
        } else {
            reader->at += string.length;
            *NEXT_ITEM(struct vm__string, strings) = string;
        }
    }
}

static uint64_t read_double(struct reader *reader) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        bits |= (uint64_t)read_byte(reader, UINT8_MAX) << 8 * i;
    }
    double number;
    memcpy(&number, &bits, sizeof number);
    if (isnan(number) && bits != vm__nan_bits) {
        (void)refuse(reader, "a double is a NaN other than the one");
    }
    return bits;
}

static void read_array(struct reader *reader, struct vm__constant *constant, uint32_t number) {
    struct vm__list *elements = &reader->program->elements;
    constant->count = read_count(reader, elements, sizeof(uint32_t), 1, VM__TABLE_MAX);
    constant->bits = elements->count;
    for (uint32_t i = 0; i < constant->count && !reader->has_failed; i++) {
        uint32_t element = (uint32_t)read_number(reader, UINT32_MAX);
        if (element >= number) {
            (void)refuse(reader, "an array has an element that does not stand before it");
            return;
        }
        *NEXT_ITEM(uint32_t, elements) = element;
        const struct vm__constant *part = VM__AT(struct vm__constant, &reader->program->constants, element);
        if (part->kind == VM__CONSTANT_ARRAY && part->depth >= constant->depth) {
            constant->depth = (uint8_t)(part->depth + 1);
        }
    }
    if (constant->depth > VM__NESTING_MAX) {
        (void)refuse(reader, "arrays are nested too deep");
    }
}

static void read_constants(struct reader *reader) {
    struct vm__program *program = reader->program;
    uint32_t count = read_count(reader, &program->constants, sizeof(struct vm__constant), 2, VM__TABLE_MAX);
    for (uint32_t i = 0; i < count && !reader->has_failed; i++) {
        struct vm__constant constant = {.kind = read_byte(reader, VM__CONSTANT_KINDS - 1)};
        switch (constant.kind) {
        case VM__CONSTANT_INTEGER:
            constant.bits = (uint64_t)read_signed(reader, VM_INTEGER_MIN, VM_INTEGER_MAX);
            break;
        case VM__CONSTANT_DOUBLE:
            constant.bits = read_double(reader);
            break;
        case VM__CONSTANT_ARRAY:
            read_array(reader, &constant, i);
            break;
        default:
            constant.bits = read_number(reader, UINT32_MAX);
            if (constant.bits >= program->strings.count) {
                (void)refuse(reader, "a constant is of a string that is not there");
            }
            break;
        }
        if (!reader->has_failed && i > 0 &&
            vm__constant_compare(program, VM__AT(struct vm__constant, &program->constants, i - 1), &constant) >= 0) {
            (void)refuse(reader, "constants are not sorted, or two are alike");
        }
        *NEXT_ITEM(struct vm__constant, &program->constants) = constant;
    }
}

static void read_imports(struct reader *reader) {
    struct vm__list *imports = &reader->program->imports;
    uint32_t count = read_count(reader, imports, sizeof(uint32_t), 1, VM__TABLE_MAX);
    for (uint32_t i = 0; i < count && !reader->has_failed; i++) {
        uint32_t string = (uint32_t)read_number(reader, UINT32_MAX);
        if (string >= reader->program->strings.count) {
            (void)refuse(reader, "an import is of a string that is not there");
        } else if (i > 0 && *VM__AT(uint32_t, imports, i - 1) >= string) {
            (void)refuse(reader, "imports are not sorted, or two are alike");
        }
        *NEXT_ITEM(uint32_t, imports) = string;
    }
}

static void read_tables(struct reader *reader, struct vm__function *function) {
    struct vm__program *program = reader->program;
    function->captures.first = program->captures.count;
    function->captures.count = read_count(reader, &program->captures, sizeof(struct vm__capture), 2, UINT8_MAX + 1);
    for (uint32_t i = 0; i < function->captures.count && !reader->has_failed; i++) {
        struct vm__capture capture = {.is_capture = read_byte(reader, 1)};
        capture.index = read_byte(reader, UINT8_MAX);
        *NEXT_ITEM(struct vm__capture, &program->captures) = capture;
    }
    function->handlers.first = program->handlers.count;
    function->handlers.count = read_count(reader, &program->handlers, sizeof(struct vm__handler), 4, VM__TABLE_MAX);
    for (uint32_t i = 0; i < function->handlers.count && !reader->has_failed; i++) {
        struct vm__handler handler = {.start = (uint32_t)read_number(reader, VM__CODE_MAX)};
        handler.end = handler.start + (uint32_t)read_number(reader, VM__CODE_MAX);
        handler.target = (uint32_t)read_number(reader, VM__CODE_MAX);
        handler.reg = read_byte(reader, UINT8_MAX);
        *NEXT_ITEM(struct vm__handler, &program->handlers) = handler;
    }
    function->lines.first = program->lines.count;
    function->lines.count = read_count(reader, &program->lines, sizeof(struct vm__line), 2, VM__CODE_MAX);
    struct vm__line line = {0, 0};
    for (uint32_t i = 0; i < function->lines.count && !reader->has_failed; i++) {
        uint64_t words = read_number(reader, VM__CODE_MAX);
        int64_t lines = read_signed(reader, -(int64_t)line.line, (int64_t)INT32_MAX - line.line);
        if (i > 0 && (words == 0 || lines == 0)) {
            (void)refuse(reader, "lines do not go on");
        }
        line.word += (uint32_t)words;
        line.line = (uint32_t)(line.line + lines);
        if (line.word > VM__CODE_MAX) {
            (void)refuse(reader, "lines go on for too long");
        }
        *NEXT_ITEM(struct vm__line, &program->lines) = line;
    }
}

static void read_function(struct reader *reader) {
    struct vm__program *program = reader->program;
    struct vm__function function = {.name = (uint32_t)read_number(reader, program->strings.count)};
    function.file = (uint32_t)read_number(reader, program->strings.count);
    function.parent = (uint16_t)(read_number(reader, UINT16_MAX) - 1); /* 0 becomes VM__NO_FUNCTION */
    function.arity = (uint8_t)read_number(reader, UINT8_MAX);
    function.optional = (uint8_t)read_number(reader, UINT8_MAX);
    function.has_rest = read_byte(reader, 1) != 0;
    function.registers = (uint8_t)read_number(reader, VM__REGISTERS_MAX);
    read_tables(reader, &function);
    function.code.first = program->code.count;
    function.code.count = read_count(reader, &program->code, sizeof(uint32_t), 4, VM__CODE_MAX);
    for (uint32_t i = 0; i < function.code.count; i++, reader->at += 4) {
        const unsigned char *at = reader->at;
        *NEXT_ITEM(uint32_t, &program->code) =
            at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    *NEXT_ITEM(struct vm__function, &program->functions) = function;
}

static void read_functions(struct reader *reader) {
    uint32_t count =
        read_count(reader, &reader->program->functions, sizeof(struct vm__function), 11, VM__TABLE_MAX - 1);
    for (uint32_t i = 0; i < count && !reader->has_failed; i++) {
        read_function(reader);
    }
}

/* Opens a section: from then on `end` is its end. */
static bool read_section(struct reader *reader, enum section id, void (*content)(struct reader *)) {
    const unsigned char *end = reader->end;
    if (!reader->has_failed && read_byte(reader, UINT8_MAX) != (unsigned)id) {
        reader->at -= !reader->has_failed;
        return refuse(reader, "a section is missing, or not in its place");
    }
    size_t length = (size_t)read_number(reader, vm__image_bytes_max);
    if (length > left(reader)) {
        return refuse(reader, "a section is longer than the image");
    }
    if (!reader->has_failed) {
        reader->end = reader->at + length;
        content(reader);
        if (left(reader) > 0) {
            (void)refuse(reader, "a section is longer than what it holds");
        }
        reader->end = end;
    }
    return !reader->has_failed;
}

static void read_check(struct reader *reader) {
    /* The section's id and its length stand before it. */
    uint32_t crc = vm__crc32c(reader->begin, (size_t)(reader->at - reader->begin) - 2);
    for (unsigned i = 0; i < 4; i++) {
        if (read_byte(reader, UINT8_MAX) != (crc >> 8 * i & 0xff)) {
            (void)refuse(reader, "the check is wrong: the image is damaged");
        }
    }
}

bool vm__image_read(struct vm__program *program, const void *image, size_t length_bytes, struct cupel_error *error) {
    struct reader reader = {.program = program, .at = image, .begin = image, .error = error};
    if (length_bytes > vm__image_bytes_max) {
        return cupel_error_set(error, 0, 0, "the image is larger than %zu bytes", vm__image_bytes_max);
    }
    reader.end = reader.at + length_bytes;
    if (length_bytes < sizeof magic || memcmp(image, magic, sizeof magic) != 0) {
        return refuse(&reader, "this is no image, or one of another version");
    }
    reader.at += sizeof magic;
    bool is_read = read_section(&reader, SECTION_STRINGS, read_strings) &&
                   read_section(&reader, SECTION_CONSTANTS, read_constants) &&
                   read_section(&reader, SECTION_IMPORTS, read_imports) &&
                   read_section(&reader, SECTION_FUNCTIONS, read_functions) &&
                   read_section(&reader, SECTION_CHECK, read_check);
    if (is_read && left(&reader) > 0) {
        return refuse(&reader, "something follows the last section");
    }
    return is_read;
}

bool vm_verify(struct cupel_allocator *allocator, const void *image, size_t length_bytes, struct cupel_error *error) {
    struct vm__program program;
    vm__program_init(&program, allocator);
    bool is_sound = vm__image_read(&program, image, length_bytes, error) && vm__verify(&program, error);
    vm__program_deinit(&program);
    return is_sound;
}

vm_status vm__image_open(struct vm__program *program, const void *image, size_t length_bytes,
                         struct cupel_error *error) {
    static const char starved[] = "out of memory";
    struct cupel_error own = {.text = ""};
    error = error == NULL ? &own : error;
    if (vm__image_read(program, image, length_bytes, error) && vm__verify(program, error)) {
        return VM_OK;
    }
    /* Both end their text so where that was it, and only then. */
    size_t length = strlen(error->text);
    size_t tail = sizeof starved - 1;
    return length >= tail && strcmp(error->text + length - tail, starved) == 0 ? VM_ERROR_OOM : VM_ERROR_IMAGE;
}
