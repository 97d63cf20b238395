/* The assembler's state: the whole text, and the function that is being assembled. */
#ifndef VM_SRC_ASSEMBLE_H
#define VM_SRC_ASSEMBLE_H

#include "vm/src/heap.h"
#include "vm/src/opcodes.h"
#include "vm/src/pool.h"
#include "vm/src/reader.h"

struct vm__assembler {
    vm_t *vm;
    struct vm__program program;
    struct vm__namepool pool;
    struct cupel_error *error;
    uint32_t file;                       /* number of the name of the text's file and one; 0: none */
    uint32_t opcode_names[VM__OP_COUNT]; /* numbers of names, for finding opcodes */
    bool is_starved;
};

/* A jump or a handler that names a label. */
struct vm__fix {
    uint32_t word;  /* the instruction; of handlers: the number of one */
    uint32_t from;  /* the word that offsets are counted from */
    uint32_t label; /* number of a name */
    uint8_t kind;   /* enum vm__operand; VM__EMPTY: a handler's start, end and target in turn */
    uint8_t part;
    uint32_t line, column;
};

/* The function that is being assembled. */
struct vm__unit {
    struct vm__assembler *assembler;
    struct vm__unit *parent;
    uint32_t number;          /* of the function */
    vm_handle node;           /* its list */
    struct vm__list fixes;    /* struct vm__fix */
    struct vm__list children; /* uint32_t: places of nested functions in the list */
    struct vm__list closures; /* struct vm__fix: words that name a child */
    uint32_t registers;       /* most that anything needs */
    uint32_t line;            /* said by (line N) */
    bool has_registers, has_line, has_no_lines;
};

/* The place of a node goes into the error. Always false. */
bool vm__assemble_fail(struct vm__assembler *assembler, tagged_value_t node, const char *format, ...)
    CUPEL_PRINTF(3, 4);
bool vm__assemble_starved(struct vm__assembler *assembler);
/* The number of a symbol's or string's name; false: it is neither, or out of memory. */
bool vm__assemble_name(struct vm__assembler *assembler, tagged_value_t node, uint32_t *name);
bool vm__assemble_is(tagged_value_t node, const char *word);
/* An integer between two bounds. */
bool vm__assemble_integer(struct vm__assembler *assembler, tagged_value_t node, int64_t min, int64_t max,
                          int64_t *value);
bool vm__assemble_register(struct vm__unit *unit, tagged_value_t node, uint32_t *number);
static inline struct vm__function *vm__assemble_function(const struct vm__unit *unit) {
    return VM__AT(struct vm__function, &unit->assembler->program.functions, unit->number);
}

/* One instruction. */
bool vm__assemble_instruction(struct vm__unit *unit, tagged_value_t node);

#endif
