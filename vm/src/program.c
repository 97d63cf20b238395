/* Storage of programs, and bytes that grow. */
#include "vm/src/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

bool vm__list_reserve(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes, size_t capacity) {
    if (capacity <= list->capacity) {
        return true;
    }
    if (capacity > UINT32_MAX || capacity > SIZE_MAX / 2 / item_bytes) {
        return false;
    }
    void *items = cupel_realloc(allocator, list->items, list->capacity * item_bytes, _Alignof(max_align_t),
                                capacity * item_bytes);
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->capacity = (uint32_t)capacity;
    return true;
}

void *vm__list_push(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes) {
    size_t more = list->capacity == 0 ? FIRST_CAPACITY : (size_t)list->capacity * 2;
    if (list->count == list->capacity && !vm__list_reserve(list, allocator, item_bytes, more)) {
        return NULL;
    }
    return memset((char *)list->items + list->count++ * item_bytes, 0, item_bytes);
}

void vm__list_free(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes) {
    if (list->items != NULL) {
        cupel_free(allocator, list->items, list->capacity * item_bytes, _Alignof(max_align_t));
    }
    *list = (struct vm__list){0};
}

void vm__program_init(struct vm__program *program, struct cupel_allocator *allocator) {
    *program = (struct vm__program){.allocator = allocator};
}

void vm__program_deinit(struct vm__program *program) {
    struct cupel_allocator *a = program->allocator;
    vm__list_free(&program->strings, a, sizeof(struct vm__string));
    vm__list_free(&program->constants, a, sizeof(struct vm__constant));
    vm__list_free(&program->elements, a, sizeof(uint32_t));
    vm__list_free(&program->imports, a, sizeof(uint32_t));
    vm__list_free(&program->functions, a, sizeof(struct vm__function));
    vm__list_free(&program->captures, a, sizeof(struct vm__capture));
    vm__list_free(&program->code, a, sizeof(uint32_t));
    vm__list_free(&program->handlers, a, sizeof(struct vm__handler));
    vm__list_free(&program->lines, a, sizeof(struct vm__line));
}

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

int vm__constant_compare(const struct vm__program *program, const struct vm__constant *a,
                         const struct vm__constant *b) {
    int order = compare_numbers(a->kind, b->kind);
    if (order != 0) {
        return order;
    }
    if (a->kind == VM__CONSTANT_INTEGER) {
        return ((int64_t)a->bits > (int64_t)b->bits) - ((int64_t)a->bits < (int64_t)b->bits);
    }
    if (a->kind != VM__CONSTANT_ARRAY) {
        return compare_numbers(a->bits, b->bits);
    }
    order = compare_numbers(a->depth, b->depth);
    order = order != 0 ? order : compare_numbers(a->count, b->count);
    for (uint32_t i = 0; order == 0 && i < a->count; i++) {
        order = compare_numbers(*VM__AT(const uint32_t, &program->elements, a->bits + i),
                                *VM__AT(const uint32_t, &program->elements, b->bits + i));
    }
    return order;
}

/* Room for so many more bytes. */
static bool make_room(struct vm__buffer *buffer, size_t length_bytes) {
    if (buffer->is_starved) {
        return false;
    }
    if (length_bytes > buffer->capacity - buffer->length) {
        size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity;
        while (capacity - buffer->length < length_bytes && capacity <= SIZE_MAX / 4) {
            capacity *= 2;
        }
        unsigned char *data = NULL;
        if (capacity - buffer->length >= length_bytes) {
            data = cupel_realloc(buffer->allocator, buffer->data, buffer->capacity, 1, capacity);
        }
        if (data == NULL) {
            buffer->is_starved = true;
            return false;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return true;
}

void vm__buffer_add(struct vm__buffer *buffer, const void *data, size_t length_bytes) {
    if (length_bytes > 0 && make_room(buffer, length_bytes)) {
        memcpy(buffer->data + buffer->length, data, length_bytes);
        buffer->length += length_bytes;
    }
}

void vm__buffer_printf(struct vm__buffer *buffer, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0) {
        vm__buffer_add(buffer, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
    }
}

void vm__buffer_free(struct vm__buffer *buffer) {
    if (buffer->data != NULL) {
        cupel_free(buffer->allocator, buffer->data, buffer->capacity, 1);
    }
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
}
