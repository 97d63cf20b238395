/* What vm/opcodes.def says, as an enumeration and a table, and how an instruction's word is taken apart. */
#ifndef VM_SRC_OPCODES_H
#define VM_SRC_OPCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vm__opcode {
    VM__OP_NONE, /* a word of zeros is no instruction */
#define VM_OPCODE(NAME, ...) VM__OP_##NAME,
#include "vm/opcodes.def"
#undef VM_OPCODE
    VM__OP_COUNT
};

enum vm__operand {
    VM__EMPTY, /* all bits are zero */
    VM__READ,  /* a register that is read */
    VM__WRITE,
    VM__SPAN_FIRST, /* a register; READS and WRITES of the row say what becomes of it and its neighbours */
    VM__COUNT,      /* how many registers; 0 to 249 */
    VM__NUMBER8,    /* 0 to 255 */
    VM__INTEGER8,   /* -128 to 127 */
    VM__FLAG,       /* 0 false, 1 true */
    VM__PRIMITIVE,  /* vm__primitive_names */
    VM__KIND,       /* vm__kind_names */
    VM__CAPTURE,    /* of the closure's captures */
    /* Those from here on take the places of B and C. */
    VM__INTEGER16,
    VM__CONSTANT16,
    VM__FUNCTION16, /* the number of a function of the image */
    VM__GLOBAL16,   /* the number of an import */
    VM__JUMP16,     /* signed, in words from the next instruction */
    VM__JUMP24,     /* likewise, in place of A, B and C */
};

enum vm__trait {
    VM__PAIR = 1,
    VM__WIDE = 2,
    VM__END = 4,
    VM__CALLS = 8,
    VM__POINT = 16,
    VM__INNER = 32,
};

/* Registers first .. first + count - 1, where first is an operand's value plus an offset. */
struct vm__span {
    uint8_t operand; /* 1 A, 2 B, 3 C; 0: there is no span */
    uint8_t offset;
    uint8_t counter; /* the operand whose value is added to `count`; 0: none */
    uint8_t count;
};

struct vm__opcode_info {
    const char *name;
    uint8_t operands[3]; /* enum vm__operand */
    uint8_t traits;      /* enum vm__trait, added up */
    struct vm__span reads, writes;
    const char *traps;
    const char *sentence;
};

/* By number; a row without a name is no instruction. */
extern const struct vm__opcode_info vm__opcodes[256];

enum { VM__PRIMITIVE_COUNT = 4 };
extern const char *const vm__primitive_names[VM__PRIMITIVE_COUNT];

/* What ISTYPE and CHECK ask for. A kind is what a program can tell apart: slices are of the kind of their base. */
enum vm__kind {
    VM__KIND_NIL,
    VM__KIND_BOOLEAN,
    VM__KIND_UNDEFINED,
    VM__KIND_INTEGER,
    VM__KIND_DOUBLE,
    VM__KIND_NUMBER,
    VM__KIND_STRING,
    VM__KIND_SYMBOL,
    VM__KIND_PAIR,
    VM__KIND_ARRAY,
    VM__KIND_BYTES,
    VM__KIND_TABLE,
    VM__KIND_FUNCTION,
    VM__KIND_BOX,
    VM__KIND_ERROR,
    VM__KIND_RECORD,
    VM__KIND_COUNT
};
extern const char *const vm__kind_names[VM__KIND_COUNT];

static inline enum vm__opcode vm__op(uint32_t word) {
    return (enum vm__opcode)(word & 0xff);
}

/* Operand 1 A, 2 B or 3 C, unsigned. */
static inline uint32_t vm__operand_bits(uint32_t word, unsigned which) {
    return word >> 8 * which & 0xff;
}

static inline uint32_t vm__wide(uint32_t word) {
    return word >> 16;
}

static inline int32_t vm__wide_signed(uint32_t word) {
    return (int32_t)word >> 16;
}

static inline int32_t vm__jump(uint32_t word) {
    return (int32_t)word >> 8;
}

static inline bool vm__is_jump(enum vm__operand kind) {
    return kind == VM__JUMP16 || kind == VM__JUMP24;
}

/* Words of an instruction: two where a JMP or a constant belongs to it. */
static inline size_t vm__words(const struct vm__opcode_info *info) {
    return (info->traits & (VM__PAIR | VM__WIDE)) != 0 ? 2 : 1;
}

#endif
