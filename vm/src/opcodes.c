/* The table of instructions, made from vm/opcodes.def. */
#include "vm/src/opcodes.h"

enum { OPERAND_A = 1, OPERAND_B, OPERAND_C };
/* The short words of the table. */
enum { PAIR = VM__PAIR, WIDE = VM__WIDE, END = VM__END, CALLS = VM__CALLS, POINT = VM__POINT, INNER = VM__INNER };

#define NONE                                                                                                           \
    { 0, 0, 0, 0 }
#define SPAN(operand_, offset_, count_)                                                                                \
    { OPERAND_##operand_, offset_, 0, count_ }
#define SPAN_OF(operand_, offset_, counter_, more_)                                                                    \
    { OPERAND_##operand_, offset_, OPERAND_##counter_, more_ }

const struct vm__opcode_info vm__opcodes[256] = {
#define VM_OPCODE(NAME, name_, a_, b_, c_, reads_, writes_, traits_, traps_, sentence_)                                \
    [VM__OP_##NAME] = {.name = #name_,                                                                                 \
                       .operands = {VM__##a_, VM__##b_, VM__##c_},                                                     \
                       .traits = (uint8_t)(traits_),                                                                   \
                       .reads = reads_,                                                                                \
                       .writes = writes_,                                                                              \
                       .traps = traps_,                                                                                \
                       .sentence = sentence_},
#include "vm/opcodes.def"
#undef VM_OPCODE
};

const char *const vm__primitive_names[VM__PRIMITIVE_COUNT] = {"nil", "false", "true", "undefined"};
const char *const vm__kind_names[VM__KIND_COUNT] = {
    "nil",  "boolean", "undefined", "integer", "double",   "number", "string", "symbol",
    "pair", "array",   "bytes",     "table",   "function", "box",    "error",  "record",
};
