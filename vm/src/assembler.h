/* The assembler's state, as its parts see it. Between two forms of a text there is a safepoint: what is kept across it
 * lies in C memory by number, or in the VM's objects that a handle holds. */
#ifndef VM_SRC_ASSEMBLER_H
#define VM_SRC_ASSEMBLER_H

#include "vm/src/opcodes.h"
#include "vm/src/program.h"
#include "vm/src/reader.h"

/* Finds items of a list by their hash. Items are numbered as they come. */
struct vm__index {
    struct vm__list slots;  /* uint32_t: number and one; 0: free */
    struct vm__list hashes; /* uint32_t an item */
};
typedef bool vm__index_equal(const void *context, uint32_t number);
/* The number of the item with that hash for which `is_equal` holds; UINT32_MAX: there is none. */
uint32_t vm__index_find(const struct vm__index *index, uint32_t hash, vm__index_equal *is_equal, const void *context);
/* Adds the next item. False when out of memory. */
bool vm__index_add(struct vm__index *index, struct cupel_allocator *allocator, uint32_t hash);
void vm__index_free(struct vm__index *index, struct cupel_allocator *allocator);

struct vm__pooled_string {
    size_t offset; /* in the bytes of the pool */
    uint32_t length;
    uint32_t import; /* its number as an import and one; 0: it is none */
    uint32_t number; /* among the strings of the image, at the end */
    bool is_used;
};

/* What is in the image once, however often the text has it. Numbers are provisional until vm__pools_finish. */
struct vm__pools {
    struct vm__buffer bytes; /* of strings */
    struct vm__list strings; /* struct vm__pooled_string */
    struct vm__index string_index;
    struct vm__index constant_index; /* of the program's constants */
    struct vm__list used;            /* uint8_t a constant */
    struct vm__list pending;         /* uint32_t: elements of arrays that are still open */
};

/* A name that may be used before it is there: a label, or a nested function. */
struct vm__mark {
    uint32_t value;       /* a word, or a function's number */
    uint32_t definitions; /* how often it is there */
};

enum vm__wish_kind {
    VM__WISH_JUMP16,
    VM__WISH_JUMP24,
    VM__WISH_START, /* of a handler */
    VM__WISH_END,
    VM__WISH_TARGET,
    VM__WISH_FUNCTION, /* by name */
    VM__WISH_CHILD,    /* by its number among the nested functions */
};

/* A place in the code that gets the value of a mark when the function ends. */
struct vm__wish {
    enum vm__wish_kind kind;
    uint32_t mark;  /* or the number of a nested function */
    uint32_t index; /* of a word, or a handler */
    uint32_t offset;
};

/* A nested function. */
struct vm__child {
    uint32_t number, offset;
    bool is_used;
};

/* Which source line an instruction is said to be of. */
enum vm__lines {
    VM__LINES_OF_TEXT, /* that of the text where it stands */
    VM__LINES_SAID,    /* the last (line N) */
    VM__LINES_NONE,
};

/* A function that is still open. */
struct vm__level {
    uint32_t number, offset;
    struct vm__function function; /* tables not yet filled in */
    struct vm__list code;         /* uint32_t */
    struct vm__list offsets;      /* uint32_t a word: where in the text it is from */
    struct vm__list lines, handlers, captures;
    struct vm__list marks;    /* struct vm__mark */
    struct vm__list wishes;   /* struct vm__wish */
    struct vm__list children; /* struct vm__child */
    vm_handle held;           /* an array: see vm__held */
    uint32_t place;           /* of the next form */
    uint32_t named;           /* registers that have got a name */
    uint32_t touched;         /* one more than the highest register that is used */
    unsigned clauses;         /* which there have been: bits by their number */
    enum vm__lines mode;
    uint32_t line; /* of the instructions that follow, where the text says */
};

enum vm__held {
    VM__HELD_REST,      /* forms that are left */
    VM__HELD_NAMES,     /* a table: symbol to register */
    VM__HELD_LABELS,    /* symbol to mark */
    VM__HELD_FUNCTIONS, /* likewise */
    VM__HELD_CAPTURES,  /* symbol to capture */
    VM__HELD_COUNT
};

/* The rest of a form, and the place of its next datum. Good until the next safepoint. */
struct vm__form {
    tagged_value_t rest;
    uint32_t place;
};

struct vm__assembler {
    vm_t *vm;
    struct cupel_allocator *allocator;
    struct vm__reader reader;
    struct vm__program program;
    struct vm__list offsets; /* of the program's code, as in a level */
    struct vm__pools pools;
    vm_handle constants; /* a table: symbol to provisional number */
    vm_status status;
    struct cupel_error *error;
    const char *file;
    uint32_t line_offset, line; /* of the last instruction */
    uint32_t depth;             /* functions that are open */
    uint8_t opcodes[256];       /* open addressing, by the hash of the name */
    struct vm__level levels[VM__NESTING_MAX];
};

/* Both end the assembly, and are always false. */
bool vm__asm_refuse(struct vm__assembler *assembler, uint32_t place, const char *why);
bool vm__asm_refuse_at(struct vm__assembler *assembler, size_t offset, const char *why);
bool vm__asm_starve(struct vm__assembler *assembler);
uint32_t vm__asm_offset(const struct vm__assembler *assembler, uint32_t place);

static inline struct vm__level *vm__asm_level(struct vm__assembler *assembler) {
    return &assembler->levels[assembler->depth - 1];
}
static inline tagged_value_t vm__asm_held(const struct vm__assembler *assembler, const struct vm__level *level,
                                          enum vm__held which) {
    return vm_get(vm_held(assembler->vm, level->held), which);
}

/* The next datum of a form. vm__asm_take: false where there is none, `what` (which is missing) refuses the form. */
bool vm__asm_has_more(const struct vm__form *form);
bool vm__asm_take(struct vm__assembler *assembler, struct vm__form *form, tagged_value_t *value, uint32_t *place,
                  const char *what);
/* Refuses what is left of the form, if anything. */
bool vm__asm_ends(struct vm__assembler *assembler, const struct vm__form *form);
/* A whole number of that range. */
bool vm__asm_integer(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, int64_t min, int64_t max,
                     int64_t *number);
/* Takes one from a form. */
bool vm__asm_take_integer(struct vm__assembler *assembler, struct vm__form *form, int64_t min, int64_t max,
                          int64_t *number);
/* The text of a name: a symbol, or a string. False: it is none. */
struct vm__text;
bool vm__asm_name(tagged_value_t value, struct vm__text *text);
bool vm__asm_is_word(tagged_value_t value, const char *word);
/* A table's value, or UINT32_MAX; sets one. False when out of memory. */
bool vm__asm_find(struct vm__assembler *assembler, tagged_value_t table, tagged_value_t key, uint32_t *number);
bool vm__asm_set(struct vm__assembler *assembler, tagged_value_t table, tagged_value_t key, uint32_t number);

/* Operands and instructions. */
void vm__asm_opcodes_init(struct vm__assembler *assembler);
/* 0: there is no such instruction. */
enum vm__opcode vm__asm_opcode(const struct vm__assembler *assembler, const char *name, size_t length);
bool vm__asm_instruction(struct vm__assembler *assembler, enum vm__opcode opcode, struct vm__form *form,
                         uint32_t place);
bool vm__asm_register(struct vm__assembler *assembler, struct vm__level *level, tagged_value_t value, uint32_t place,
                      uint32_t *number);
/* The mark of a name in one of the tables, made where there is none. */
bool vm__asm_mark(struct vm__assembler *assembler, enum vm__held table, tagged_value_t name, uint32_t *mark);
bool vm__asm_wish(struct vm__assembler *assembler, enum vm__wish_kind kind, uint32_t mark, uint32_t index,
                  uint32_t place);
/* Grants the wishes of the function that ends. */
bool vm__asm_grant(struct vm__assembler *assembler);

/* Clauses: forms that are no instructions. */
bool vm__asm_clause(struct vm__assembler *assembler, tagged_value_t word, struct vm__form *form, uint32_t place);
/* Opens a function, whose form's word was taken. */
bool vm__asm_open(struct vm__assembler *assembler, struct vm__form *form, uint32_t place);
/* Closes the innermost one, whose tables go to the program. */
bool vm__asm_close(struct vm__assembler *assembler);
void vm__asm_level_free(struct vm__assembler *assembler, struct vm__level *level);

/* Pools. `number` is provisional. */
bool vm__pool_string(struct vm__assembler *assembler, const char *text, size_t length, uint32_t *number);
bool vm__pool_import(struct vm__assembler *assembler, tagged_value_t symbol, uint32_t place, uint32_t *number);
bool vm__pool_constant(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, uint32_t *number);
/* A constant that code uses stays in the image. */
void vm__pool_use(struct vm__assembler *assembler, uint32_t number);
/* Sorts what is used, and writes final numbers wherever there are provisional ones. False when out of memory. */
bool vm__pools_finish(struct vm__assembler *assembler);
void vm__pools_free(struct vm__assembler *assembler);

#endif
