/* A program as C data: what an image says, taken apart. The reader makes one of bytes, the assembler one of text; the
 * verifier and the disassembler look at it, the writer makes bytes of it, the loader hands it to the evaluator.
 *
 * Items are told apart by number. Strings, constants and imports are sorted and without doubles (see vm/src/image.c),
 * so that one program has one image. Not thread-safe. */
#ifndef VM_SRC_PROGRAM_H
#define VM_SRC_PROGRAM_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "vm/objects.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VM__REGISTERS_MAX = 250,
    VM__NESTING_MAX = 64,         /* of functions, and of arrays in constants */
    VM__CODE_MAX = 1 << 20,       /* words of a function */
    VM__TABLE_MAX = 1 << 16,      /* constants, imports, functions of an image; captures, handlers of a function */
    VM__NO_FUNCTION = UINT16_MAX, /* the parent of the first function */
};
static const size_t vm__image_bytes_max = (size_t)1 << 30;

/* Items of one size, one after the other. */
struct vm__list {
    void *items;
    uint32_t count, capacity;
};
#define VM__AT(type, list, index) ((type *)vm__at((list)->items, (index), sizeof(type)))
/* An item's place; NULL in a list that never had any. */
static inline void *vm__at(void *items, size_t index, size_t item_bytes) {
    return items == NULL ? NULL : (char *)items + index * item_bytes;
}
/* A new item at the end, zeroed; NULL when out of memory. */
void *vm__list_push(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes);
/* Room for so many items in all; false when out of memory. */
bool vm__list_reserve(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes, size_t capacity);
void vm__list_free(struct vm__list *list, struct cupel_allocator *allocator, size_t item_bytes);

struct vm__string {
    const char *text; /* in the assembler's pool, or in the image */
    uint32_t length;
};

/* In the order in which constants are sorted. */
enum vm__constant_kind {
    VM__CONSTANT_INTEGER,
    VM__CONSTANT_DOUBLE,
    VM__CONSTANT_STRING,
    VM__CONSTANT_SYMBOL,
    VM__CONSTANT_ARRAY,
    VM__CONSTANT_KINDS
};

struct vm__constant {
    uint8_t kind;   /* enum vm__constant_kind */
    uint8_t depth;  /* of arrays: one more than the deepest element */
    uint32_t count; /* of arrays: elements */
    uint64_t bits;  /* the integer, the double's bits, the number of the string, or the first of the elements */
};

struct vm__capture {
    uint8_t is_capture; /* of the parent's captures; otherwise one of its registers */
    uint8_t index;
};

/* A value that is raised at start <= word < end goes to the register, and control to the target. */
struct vm__handler {
    uint32_t start, end, target;
    uint8_t reg;
};

/* From this word on the source line is this one. */
struct vm__line {
    uint32_t word, line;
};

struct vm__range {
    uint32_t first, count;
};

struct vm__function {
    uint32_t name, file; /* number of a string and one; 0: none */
    uint16_t parent;     /* number of a function before this one */
    uint8_t arity;       /* arguments that must be there, in registers 0.. */
    uint8_t optional;    /* arguments that may be there; nil where they are not */
    bool has_rest;       /* all further arguments as an array, in the next register */
    uint8_t registers;
    struct vm__range captures, code, handlers, lines; /* in the program's lists */
};

struct vm__program {
    struct cupel_allocator *allocator;
    struct vm__list strings;   /* struct vm__string */
    struct vm__list constants; /* struct vm__constant */
    struct vm__list elements;  /* uint32_t: numbers of constants */
    struct vm__list imports;   /* uint32_t: numbers of strings */
    struct vm__list functions; /* struct vm__function; the first is the entry */
    struct vm__list captures;  /* struct vm__capture */
    struct vm__list code;      /* uint32_t */
    struct vm__list handlers;  /* struct vm__handler */
    struct vm__list lines;     /* struct vm__line */
};

void vm__program_init(struct vm__program *program, struct cupel_allocator *allocator);
void vm__program_deinit(struct vm__program *program);

/* The words of a function. */
static inline const uint32_t *vm__code(const struct vm__program *program, const struct vm__function *function) {
    return VM__AT(const uint32_t, &program->code, function->code.first);
}

/* The only NaN there is. */
static const uint64_t vm__nan_bits = 0x7ff8000000000000;

bool vm__is_utf8(const char *text, size_t length_bytes);
/* By bytes, then by length. */
int vm__string_compare(const struct vm__string *a, const struct vm__string *b);
/* The order of constants in an image: negative, 0 or positive. Both must have sound numbers. */
int vm__constant_compare(const struct vm__program *program, const struct vm__constant *a, const struct vm__constant *b);

/* Bytes that grow. */
struct vm__buffer {
    struct cupel_allocator *allocator;
    unsigned char *data;
    size_t length, capacity;
    bool is_starved; /* out of memory once: what was added is not whole */
};
void vm__buffer_add(struct vm__buffer *buffer, const void *data, size_t length_bytes);
void vm__buffer_printf(struct vm__buffer *buffer, const char *format, ...) CUPEL_PRINTF(2, 3);
void vm__buffer_free(struct vm__buffer *buffer);
/* Bytes of just their length, for the caller to keep; the buffer is freed in any case. False when out of memory. */
bool vm__hand_over(struct vm__buffer *buffer, unsigned char **bytes, size_t *length);

/* Takes an image apart. Strings stay in the image, which must live as long. False and a text where it is none, or not
 * in canonical form, or where memory ran out. What it accepts is well-formed, not yet verified. O(length). */
bool vm__image_read(struct vm__program *program, const void *image, size_t length_bytes, struct cupel_error *error);
/* Appends the image of a program in sorted form. False when out of memory. */
bool vm__image_write(const struct vm__program *program, struct vm__buffer *buffer);
/* Whether code and tables of a program that was read keep all rules; false and a text that names function and word.
 * O(length) but for registers: a block is looked at again as often as a register of it turns out not to be written. */
bool vm__verify(const struct vm__program *program, struct cupel_error *error);
/* The same, and where it is wrong. */
struct vm__fault {
    uint32_t function, word;
    bool is_known; /* false: it is no function's fault */
};
bool vm__verify_at(const struct vm__program *program, struct vm__fault *fault, struct cupel_error *error);

/* Both of them. VM_OK, VM_ERROR_IMAGE and a text (`error` may be NULL), or VM_ERROR_OOM. */
vm_status vm__image_open(struct vm__program *program, const void *image, size_t length_bytes,
                         struct cupel_error *error);

uint32_t vm__crc32c(const void *data, size_t length_bytes);

#endif
