/* Writes the binary form of a program; the form is described in vm/src/image.c. */
#include "vm/src/program.h"

static void put_byte(struct vm__buffer *out, unsigned byte) {
    unsigned char value = (unsigned char)byte;
    vm__buffer_add(out, &value, 1);
}

static void put_number(struct vm__buffer *out, uint64_t value) {
    unsigned char bytes[10];
    size_t length = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[length++] = (unsigned char)(value | 0x80);
    }
    bytes[length++] = (unsigned char)value;
    vm__buffer_add(out, bytes, length);
}

static void put_signed(struct vm__buffer *out, int64_t value) {
    unsigned char bytes[10];
    size_t length = 0;
    /* (Arithmetic shift right: gcc and clang define it so.) */
    for (; value < -64 || value > 63; value >>= 7) {
        bytes[length++] = (unsigned char)((uint64_t)value | 0x80);
    }
    bytes[length++] = (unsigned char)((uint64_t)value & 0x7f);
    vm__buffer_add(out, bytes, length);
}

static void put_fixed(struct vm__buffer *out, uint64_t value, unsigned count) {
    unsigned char bytes[8];
    for (unsigned i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(value >> 8 * i);
    }
    vm__buffer_add(out, bytes, count);
}

static void put_strings(const struct vm__program *program, struct vm__buffer *out) {
    put_number(out, program->strings.count);
    for (uint32_t i = 0; i < program->strings.count; i++) {
        const struct vm__string *string = VM__AT(struct vm__string, &program->strings, i);
        put_number(out, string->length);
        vm__buffer_add(out, string->text, string->length);
    }
}

static void put_constants(const struct vm__program *program, struct vm__buffer *out) {
    put_number(out, program->constants.count);
    for (uint32_t i = 0; i < program->constants.count; i++) {
        const struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, i);
        put_byte(out, constant->kind);
        switch (constant->kind) {
        case VM__CONSTANT_INTEGER:
            put_signed(out, (int64_t)constant->bits);
            break;
        case VM__CONSTANT_DOUBLE:
            put_fixed(out, constant->bits, 8);
            break;
        case VM__CONSTANT_ARRAY:
            put_number(out, constant->count);
            for (uint32_t j = 0; j < constant->count; j++) {
                put_number(out, *VM__AT(uint32_t, &program->elements, constant->bits + j));
            }
            break;
        default:
            put_number(out, constant->bits);
            break;
        }
    }
}

static void put_imports(const struct vm__program *program, struct vm__buffer *out) {
    put_number(out, program->imports.count);
    for (uint32_t i = 0; i < program->imports.count; i++) {
        put_number(out, *VM__AT(uint32_t, &program->imports, i));
    }
}

static void put_function(const struct vm__program *program, const struct vm__function *function,
                         struct vm__buffer *out) {
    put_number(out, function->name);
    put_number(out, function->file);
    put_number(out, (uint16_t)(function->parent + 1));
    put_number(out, function->arity);
    put_number(out, function->optional);
    put_byte(out, function->has_rest);
    put_number(out, function->registers);
    put_number(out, function->captures.count);
    for (uint32_t i = 0; i < function->captures.count; i++) {
        const struct vm__capture *capture =
            VM__AT(struct vm__capture, &program->captures, function->captures.first + i);
        put_byte(out, capture->is_capture);
        put_byte(out, capture->index);
    }
    put_number(out, function->handlers.count);
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        const struct vm__handler *handler =
            VM__AT(struct vm__handler, &program->handlers, function->handlers.first + i);
        put_number(out, handler->start);
        put_number(out, handler->end - handler->start);
        put_number(out, handler->target);
        put_byte(out, handler->reg);
    }
    put_number(out, function->lines.count);
    struct vm__line before = {0, 0};
    for (uint32_t i = 0; i < function->lines.count; i++) {
        const struct vm__line *line = VM__AT(struct vm__line, &program->lines, function->lines.first + i);
        put_number(out, line->word - before.word);
        put_signed(out, (int64_t)line->line - before.line);
        before = *line;
    }
    put_number(out, function->code.count);
    for (uint32_t i = 0; i < function->code.count; i++) {
        put_fixed(out, vm__code(program, function)[i], 4);
    }
}

static void put_functions(const struct vm__program *program, struct vm__buffer *out) {
    put_number(out, program->functions.count);
    for (uint32_t i = 0; i < program->functions.count; i++) {
        put_function(program, VM__AT(struct vm__function, &program->functions, i), out);
    }
}

bool vm__image_write(const struct vm__program *program, struct vm__buffer *buffer) {
    static const struct {
        unsigned id;
        void (*put)(const struct vm__program *program, struct vm__buffer *out);
    } sections[] = {{1, put_strings}, {2, put_constants}, {3, put_imports}, {5, put_functions}};
    size_t start = buffer->length;
    vm__buffer_add(buffer, "\x7fVMB\x01", 6);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct vm__buffer content = {.allocator = buffer->allocator};
        sections[i].put(program, &content);
        put_byte(buffer, sections[i].id);
        put_number(buffer, content.length);
        vm__buffer_add(buffer, content.data, content.length);
        buffer->is_starved = buffer->is_starved || content.is_starved;
        vm__buffer_free(&content);
    }
    uint32_t crc = buffer->data != NULL ? vm__crc32c(buffer->data + start, buffer->length - start) : 0;
    put_byte(buffer, 7);
    put_number(buffer, 4);
    put_fixed(buffer, crc, 4);
    return !buffer->is_starved;
}
