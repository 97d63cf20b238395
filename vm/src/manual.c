/* Prints vm/opcodes.def for readers; see manual.h. */
#include "vm/src/manual.h"

#include "vm/src/opcodes.h"

static const char *operand_word(enum vm__operand kind) {
    switch (kind) {
    case VM__EMPTY:
        return "";
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        return "register";
    case VM__COUNT:
        return "count";
    case VM__NUMBER8:
        return "0..255";
    case VM__INTEGER8:
        return "-128..127";
    case VM__FLAG:
        return "flag";
    case VM__PRIMITIVE:
        return "primitive";
    case VM__KIND:
        return "kind";
    case VM__CAPTURE:
        return "capture";
    case VM__INTEGER16:
        return "-32768..32767";
    case VM__CONSTANT16:
        return "constant";
    case VM__FUNCTION16:
        return "function";
    case VM__GLOBAL16:
        return "global";
    case VM__JUMP16:
    case VM__JUMP24:
        return "label";
    }
    return "";
}

void vm__manual_page(struct vm__buffer *out) {
    for (unsigned op = 1; op < VM__OP_COUNT; op++) {
        const struct vm__opcode_info *info = &vm__opcodes[op];
        if ((info->traits & VM__INNER) != 0) {
            continue;
        }
        vm__buffer_printf(out, ".TP\n(\\fB%s\\fR", info->name);
        for (unsigned i = 0; i < 3 && info->operands[i] != VM__EMPTY; i++) {
            vm__buffer_printf(out, " \\fI%s\\fR", operand_word((enum vm__operand)info->operands[i]));
        }
        vm__buffer_printf(out, "%s)\n%s%s%s%s\n", (info->traits & VM__PAIR) != 0 ? " \\fIlabel\\fR" : "",
                          info->sentence, info->traps[0] == '\0' ? "" : " Traps: ", info->traps,
                          info->traps[0] == '\0' ? "" : ".");
    }
}

void vm__manual_dictionary(struct vm__buffer *out) {
    static const char *const words[] = {"(function main ",
                                        "(arguments 1)",
                                        "(optional 1)",
                                        "(rest)",
                                        "(registers 9)",
                                        "(captures r0 0)",
                                        "(file f)",
                                        "(names a b)",
                                        "(constant k [1])",
                                        "(line 1)",
                                        "(handler a b c r0)",
                                        "(ret r0)",
                                        "a:",
                                        " a)",
                                        " r1",
                                        "'a",
                                        "[1 2]",
                                        "1.5"};
    vm__buffer_printf(out, "# The words of the assembler's text: made by `cupel vm opcodes --form=dictionary`.\n");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        vm__buffer_printf(out, "\"%s\"\n", words[i]);
    }
    for (unsigned op = 1; op < VM__OP_COUNT; op++) {
        if ((vm__opcodes[op].traits & VM__INNER) == 0) {
            vm__buffer_printf(out, "\"(%s r0 \"\n", vm__opcodes[op].name);
        }
    }
    for (unsigned i = 0; i < VM__KIND_COUNT; i++) {
        vm__buffer_printf(out, "\"%s\"\n", vm__kind_names[i]);
    }
}
