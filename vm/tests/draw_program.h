/* Texts of sound programs, drawn from bytes: every instruction of the table with operands of the kinds that it says,
 * nested functions with captures, handlers, lines, constants of every kind. All registers are written first, so that
 * control may go anywhere. */
#ifndef VM_TESTS_DRAW_PROGRAM_H
#define VM_TESTS_DRAW_PROGRAM_H

#include "vm/tests/build.h"

struct drawn_function {
    unsigned depth, registers, captures, children, labels;
};

static const char *const drawn_names[] = {"f", "g", "|a b|", "||", "|nil|", "\xc3\xa9", "nil"};
static const char *const drawn_constants[] = {"0",
                                              "1152921504606846975",
                                              "-1152921504606846976",
                                              "-0.0",
                                              "nan",
                                              "-inf",
                                              "1e300",
                                              "0.1",
                                              "\"\"",
                                              "\"a\\n\\x0;\\\"\"",
                                              "'f",
                                              "'|a \\|b|",
                                              "[]",
                                              "[0 [] [[] 0.5]]",
                                              "'[a [b]]",
                                              "\"a text so long that it is worth a name of its own\"",
                                              "[[0 [] [[] 0.5]] '[a [b]]]"};

static inline const char *draw_word(struct cupel_bytes *bytes, const char *label, const char *const *words,
                                    size_t count) {
    return words[cupel_draw_pick(bytes, label, words, (unsigned)count)];
}

#define DRAW_WORD(bytes_, label_, words_) draw_word(bytes_, label_, words_, sizeof(words_) / sizeof((words_)[0]))

/* The first register of a span: all of it must be there. A call loses all above it: it gets the last one. */
static inline unsigned drawn_first(const struct drawn_function *function, const struct vm__opcode_info *info,
                                   struct cupel_bytes *bytes) {
    if ((info->traits & VM__CALLS) != 0) {
        return function->registers - 1;
    }
    return (unsigned)cupel_draw_uint(bytes, "first", 0, function->registers - 3);
}

static inline void draw_operand(struct vm__buffer *out, struct cupel_bytes *bytes,
                                const struct drawn_function *function, const struct vm__opcode_info *info,
                                enum vm__operand kind) {
    switch (kind) {
    case VM__READ:
    case VM__WRITE:
        vm__buffer_printf(out, " r%u", (unsigned)cupel_draw_uint(bytes, "register", 0, function->registers - 1));
        break;
    case VM__SPAN_FIRST:
        vm__buffer_printf(out, " r%u", drawn_first(function, info, bytes));
        break;
    case VM__COUNT:
        vm__buffer_printf(out, " %u",
                          (info->traits & VM__CALLS) != 0 ? 0 : (unsigned)cupel_draw_uint(bytes, "count", 0, 3));
        break;
    case VM__NUMBER8:
        vm__buffer_printf(out, " %u", (unsigned)cupel_draw_uint(bytes, "number", 0, UINT8_MAX));
        break;
    case VM__INTEGER8:
        vm__buffer_printf(out, " %d", (int)cupel_draw_int(bytes, "small", INT8_MIN, INT8_MAX));
        break;
    case VM__INTEGER16:
        vm__buffer_printf(out, " %d", (int)cupel_draw_int(bytes, "integer", INT16_MIN, INT16_MAX));
        break;
    case VM__FLAG:
        vm__buffer_printf(out, cupel_draw_bool(bytes, "flag") ? " true" : " false");
        break;
    case VM__PRIMITIVE:
        vm__buffer_printf(out, " %s", DRAW_WORD(bytes, "primitive", vm__primitive_names));
        break;
    case VM__KIND:
        vm__buffer_printf(out, " %s", DRAW_WORD(bytes, "type", vm__kind_names));
        break;
    case VM__CAPTURE:
        vm__buffer_printf(out, " %u", (unsigned)cupel_draw_uint(bytes, "capture", 0, function->captures - 1));
        break;
    case VM__CONSTANT16:
        vm__buffer_printf(out, " %s", DRAW_WORD(bytes, "constant", drawn_constants));
        break;
    case VM__GLOBAL16:
        vm__buffer_printf(out, " %s", draw_word(bytes, "global", drawn_names, 6));
        break;
    case VM__FUNCTION16:
        vm__buffer_printf(out, " %u", (unsigned)cupel_draw_uint(bytes, "child", 0, function->children - 1));
        break;
    case VM__JUMP16:
    case VM__JUMP24:
        if (strcmp(info->name, "forprep") == 0) {
            vm__buffer_printf(out, " L%u", function->labels); /* it may not jump back */
        } else {
            vm__buffer_printf(out, " L%u", (unsigned)cupel_draw_uint(bytes, "label", 0, function->labels));
        }
        break;
    case VM__EMPTY:
        break;
    }
}

static inline void draw_instruction(struct vm__buffer *out, struct cupel_bytes *bytes,
                                    const struct drawn_function *function, bool is_last) {
    unsigned opcode = (unsigned)cupel_draw_uint(bytes, "instruction", 1, VM__OP_COUNT - 1);
    const struct vm__opcode_info *info = &vm__opcodes[opcode];
    bool is_end = (info->traits & VM__END) != 0;
    if ((info->traits & VM__INNER) != 0 || is_end != is_last ||
        (info->operands[1] == VM__CAPTURE && function->captures == 0) ||
        (info->operands[1] == VM__FUNCTION16 && function->children == 0)) {
        info = &vm__opcodes[is_last ? VM__OP_RETP : VM__OP_MOVE];
    }
    if (cupel_draw_more(bytes, "line")) {
        vm__buffer_printf(out, "(line)(line %u)", (unsigned)cupel_draw_uint(bytes, "number of line", 0, INT32_MAX));
    }
    vm__buffer_printf(out, "(%s", info->name);
    for (unsigned i = 0; i < 3; i++) {
        draw_operand(out, bytes, function, info, (enum vm__operand)info->operands[i]);
    }
    if ((info->traits & VM__PAIR) != 0) {
        draw_operand(out, bytes, function, info, VM__JUMP24);
    }
    vm__buffer_printf(out, ")\n");
}

/* The instructions of a function, with a label before each. */
static inline void draw_body(struct vm__buffer *out, struct cupel_bytes *bytes, struct drawn_function *function) {
    function->labels = (unsigned)cupel_draw_uint(bytes, "instructions", 0, 5);
    for (unsigned i = 0; i < function->registers; i++) {
        vm__buffer_printf(out, "(loadi r%u 0)", i);
    }
    for (unsigned i = 0; i < function->children; i++) {
        vm__buffer_printf(out, "(closure r0 %u)", i);
    }
    for (unsigned i = 0; i < function->labels; i++) {
        vm__buffer_printf(out, "L%u: ", i);
        draw_instruction(out, bytes, function, false);
    }
    vm__buffer_printf(out, "L%u: ", function->labels);
    draw_instruction(out, bytes, function, true);
    vm__buffer_printf(out, "End: ");
}

/* A function and those in it, as deep as draws say; C calls are as deep as functions, at most four. */
static inline void draw_function(struct vm__buffer *out, struct cupel_bytes *bytes,
                                 const struct drawn_function *parent) {
    struct drawn_function function = {.depth = parent == NULL ? 0 : parent->depth + 1};
    function.registers = (unsigned)cupel_draw_uint(bytes, "registers", 6, 9);
    if (parent == NULL) {
        vm__buffer_printf(out, "(function main");
    } else {
        vm__buffer_printf(out, "(function %s (arguments %u)", DRAW_WORD(bytes, "name", drawn_names),
                          (unsigned)cupel_draw_uint(bytes, "arity", 0, 2));
        vm__buffer_printf(out, "(optional %u)", (unsigned)cupel_draw_uint(bytes, "optional", 0, 1));
        vm__buffer_printf(out, cupel_draw_bool(bytes, "rest") ? "(rest)" : "");
        vm__buffer_printf(out, cupel_draw_bool(bytes, "file") ? "(file)" : "");
        vm__buffer_printf(out, "(captures");
        for (function.captures = 0; function.captures < 4 && cupel_draw_more(bytes, "captured"); function.captures++) {
            bool is_capture = parent->captures > 0 && cupel_draw_bool(bytes, "of a capture");
            vm__buffer_printf(
                out, is_capture ? " %u" : " r%u",
                (unsigned)cupel_draw_uint(bytes, "which", 0, (is_capture ? parent->captures : parent->registers) - 1));
        }
        vm__buffer_printf(out, ")");
    }
    vm__buffer_printf(out, "(registers %u)\n", function.registers);
    while (function.depth < 3 && function.children < 3 && cupel_draw_more(bytes, "nested function")) {
        draw_function(out, bytes, &function);
        function.children++;
    }
    draw_body(out, bytes, &function);
    /* A call that fails loses the last register: the handler writes it. */
    if (cupel_draw_bool(bytes, "handler") && function.labels > 0) {
        vm__buffer_printf(out, "(handler L%u End L%u r%u)",
                          (unsigned)cupel_draw_uint(bytes, "from", 1, function.labels),
                          (unsigned)cupel_draw_uint(bytes, "target", 0, function.labels), function.registers - 1);
        vm__buffer_printf(out, "(handler L0 End L0 r%u)", function.registers - 1);
    }
    vm__buffer_printf(out, ")\n");
}

#endif
