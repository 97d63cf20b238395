/* Text of an image, such that assembling it gives the image again. */
#include "vm/src/heap.h"
#include "vm/src/opcodes.h"
#include "vm/src/program.h"
#include "vm/text.h"

#include <math.h>
#include <stdio.h>

static const size_t text_bytes_max = (size_t)1 << 28;

struct printer {
    const struct vm__program *program;
    struct vm__buffer *out;
    struct vm__list labels;   /* uint8_t a word of the function, and one more: whether it is named */
    struct vm__list named_by; /* uint32_t a string: 1 where a function before has that name */
    struct vm__list plain;    /* uint8_t a function: it can be called by its name */
    struct vm__list ordinals; /* uint32_t a function: which child of its parent it is */
    struct vm__list children; /* uint32_t a function: how many children it has */
};

/* Whether the bytes are read as one symbol. */
static bool is_plain(const struct vm__string *string) {
    size_t sign = string->length > 0 && (string->text[0] == '+' || string->text[0] == '-');
    bool is_number = string->length > sign && string->text[sign] >= '0' && string->text[sign] <= '9';
    if (string->length == 0 || is_number || (sign > 0 && string->length == 4)) {
        return false;
    }
    for (uint32_t i = 0; i < string->length; i++) {
        unsigned char c = (unsigned char)string->text[i];
        if (c <= ' ' || c == 0x7f || strchr("()[]\";'\\", c) != NULL) {
            return false;
        }
    }
    return true;
}

static void print_quoted(struct vm__buffer *out, const struct vm__string *string) {
    vm__buffer_add(out, "\"", 1);
    for (uint32_t i = 0; i < string->length; i++) {
        unsigned char c = (unsigned char)string->text[i];
        if (c == '"' || c == '\\') {
            vm__buffer_printf(out, "\\%c", c);
        } else if (c == '\n') {
            vm__buffer_add(out, "\\n", 2);
        } else if (c < ' ' || c == 0x7f) {
            vm__buffer_printf(out, "\\x%02x", c);
        } else {
            vm__buffer_add(out, string->text + i, 1);
        }
    }
    vm__buffer_add(out, "\"", 1);
}

static void print_name(const struct printer *printer, uint32_t number) {
    const struct vm__string *string = VM__AT(struct vm__string, &printer->program->strings, number);
    if (is_plain(string)) {
        vm__buffer_add(printer->out, string->text, string->length);
    } else {
        print_quoted(printer->out, string);
    }
}

static void print_double(struct vm__buffer *out, uint64_t bits) {
    char digits[40];
    double number;
    memcpy(&number, &bits, sizeof number);
    if (isnan(number) || isinf(number)) {
        vm__buffer_printf(out, isnan(number) ? "+nan" : number > 0 ? "+inf" : "-inf");
        return;
    }
    (void)snprintf(digits, sizeof digits, "%.17g", number);
    vm__buffer_printf(out, "%s%s", digits, strpbrk(digits, ".e") == NULL ? ".0" : "");
}

/* Arrays nest at most VM__NESTING_MAX deep, which the reader of images saw to. */
static void print_constant(const struct printer *printer, uint32_t number) {
    const struct vm__constant *constant = VM__AT(struct vm__constant, &printer->program->constants, number);
    switch (constant->kind) {
    case VM__CONSTANT_INTEGER:
        vm__buffer_printf(printer->out, "%lld", (long long)constant->bits);
        break;
    case VM__CONSTANT_DOUBLE:
        print_double(printer->out, constant->bits);
        break;
    case VM__CONSTANT_STRING:
        print_quoted(printer->out, VM__AT(struct vm__string, &printer->program->strings, constant->bits));
        break;
    case VM__CONSTANT_SYMBOL:
        vm__buffer_add(printer->out, "'", 1);
        print_name(printer, (uint32_t)constant->bits);
        break;
    default:
        vm__buffer_add(printer->out, "[", 1);
        /* Arrays may share parts over and over, so that few bytes of image mean very many of text: there is an end. */
        printer->out->is_starved = printer->out->is_starved || printer->out->length > text_bytes_max;
        for (uint32_t i = 0; i < constant->count && !printer->out->is_starved; i++) {
            vm__buffer_add(printer->out, " ", i > 0);
            print_constant(printer, *VM__AT(uint32_t, &printer->program->elements, constant->bits + i));
        }
        vm__buffer_add(printer->out, "]", 1);
        break;
    }
}

static void print_operand(const struct printer *printer, enum vm__operand kind, uint32_t bits, uint32_t word,
                          uint32_t at) {
    static const char *const flags[] = {"false", "true"};
    struct vm__buffer *out = printer->out;
    vm__buffer_add(out, " ", 1);
    switch (kind) {
    case VM__EMPTY:
        break;
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        vm__buffer_printf(out, "r%u", bits);
        break;
    case VM__COUNT:
    case VM__NUMBER8:
    case VM__CAPTURE:
        vm__buffer_printf(out, "%u", bits);
        break;
    case VM__INTEGER8:
        vm__buffer_printf(out, "%d", (int8_t)bits);
        break;
    case VM__FLAG:
        vm__buffer_printf(out, "%s", flags[bits]);
        break;
    case VM__PRIMITIVE:
        vm__buffer_printf(out, "%s", vm__primitive_names[bits]);
        break;
    case VM__KIND:
        vm__buffer_printf(out, "%s", vm__kind_names[bits]);
        break;
    case VM__INTEGER16:
        vm__buffer_printf(out, "%d", vm__wide_signed(word));
        break;
    case VM__CONSTANT16:
        print_constant(printer, vm__wide(word));
        break;
    case VM__FUNCTION16: {
        uint32_t number = vm__wide(word);
        if (*VM__AT(uint8_t, &printer->plain, number) != 0) {
            print_name(printer, VM__AT(struct vm__function, &printer->program->functions, number)->name - 1);
        } else {
            vm__buffer_printf(out, "#%u", *VM__AT(uint32_t, &printer->ordinals, number));
        }
        break;
    }
    case VM__GLOBAL16:
        print_name(printer, *VM__AT(uint32_t, &printer->program->imports, vm__wide(word)));
        break;
    case VM__JUMP16:
        vm__buffer_printf(out, "L%d", (int)at + 1 + vm__wide_signed(word));
        break;
    case VM__JUMP24:
        vm__buffer_printf(out, "L%d", (int)at + 1 + vm__jump(word));
        break;
    }
}

static void print_instruction(const struct printer *printer, const uint32_t *code, uint32_t at) {
    uint32_t word = code[at];
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(word)];
    vm__buffer_printf(printer->out, "(%s", info->name);
    for (unsigned i = 0; i < 3; i++) {
        enum vm__operand kind = (enum vm__operand)info->operands[i];
        if (kind != VM__EMPTY) {
            print_operand(printer, kind, vm__operand_bits(word, i + 1), word, at);
        }
        if (kind >= VM__INTEGER16) {
            break;
        }
    }
    if ((info->traits & VM__PAIR) != 0) {
        print_operand(printer, VM__JUMP24, 0, code[at + 1], at + 1);
    }
    if ((info->traits & VM__WIDE) != 0) {
        vm__buffer_add(printer->out, " ", 1);
        print_constant(printer, code[at + 1]);
    }
    vm__buffer_add(printer->out, ")\n", 2);
}

static void name_word(struct printer *printer, uint32_t word) {
    *VM__AT(uint8_t, &printer->labels, word) = 1;
}

static bool find_labels(struct printer *printer, const struct vm__function *function) {
    const uint32_t *code = vm__code(printer->program, function);
    const struct vm__opcode_info *info;
    if (!vm__list_reserve(&printer->labels, printer->program->allocator, 1, (size_t)function->code.count + 1)) {
        return false;
    }
    memset(printer->labels.items, 0, (size_t)function->code.count + 1);
    for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
        info = &vm__opcodes[vm__op(code[at])];
        if ((info->traits & VM__PAIR) != 0) {
            name_word(printer, (uint32_t)((int64_t)at + 2 + vm__jump(code[at + 1])));
        } else if (info->operands[0] == VM__JUMP24) {
            name_word(printer, (uint32_t)((int64_t)at + 1 + vm__jump(code[at])));
        } else if (info->operands[1] == VM__JUMP16) {
            name_word(printer, (uint32_t)((int64_t)at + 1 + vm__wide_signed(code[at])));
        }
    }
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        const struct vm__handler *handler =
            VM__AT(struct vm__handler, &printer->program->handlers, function->handlers.first + i);
        name_word(printer, handler->start);
        name_word(printer, handler->end);
        name_word(printer, handler->target);
    }
    return true;
}

static void print_indent(const struct printer *printer, uint32_t depth) {
    for (uint32_t i = 0; i < depth; i++) {
        vm__buffer_add(printer->out, "  ", 2);
    }
}

static void print_clauses(const struct printer *printer, const struct vm__function *function, uint32_t depth) {
    const struct vm__program *program = printer->program;
    struct vm__buffer *out = printer->out;
    print_indent(printer, depth);
    vm__buffer_printf(out, "(arguments %u) (optional %u)%s (registers %u) (file", function->arity, function->optional,
                      function->has_rest ? " (rest)" : "", function->registers);
    if (function->file != 0) {
        vm__buffer_add(out, " ", 1);
        print_name(printer, function->file - 1);
    }
    vm__buffer_add(out, ")\n", 2);
    if (function->captures.count > 0) {
        print_indent(printer, depth);
        vm__buffer_printf(out, "(captures");
        for (uint32_t i = 0; i < function->captures.count; i++) {
            const struct vm__capture *capture =
                VM__AT(struct vm__capture, &program->captures, function->captures.first + i);
            vm__buffer_printf(out, capture->is_capture ? " %u" : " r%u", capture->index);
        }
        vm__buffer_add(out, ")\n", 2);
    }
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        const struct vm__handler *handler =
            VM__AT(struct vm__handler, &program->handlers, function->handlers.first + i);
        print_indent(printer, depth);
        vm__buffer_printf(out, "(handler L%u L%u L%u r%u)\n", handler->start, handler->end, handler->target,
                          handler->reg);
    }
}

static void print_code(const struct printer *printer, const struct vm__function *function, uint32_t depth) {
    const uint32_t *code = vm__code(printer->program, function);
    const struct vm__line *line = VM__AT(struct vm__line, &printer->program->lines, function->lines.first);
    uint32_t lines_left = function->lines.count;
    if (lines_left == 0 || line->word != 0) {
        print_indent(printer, depth);
        vm__buffer_printf(printer->out, "(line)\n");
    }
    const struct vm__opcode_info *info;
    for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
        info = &vm__opcodes[vm__op(code[at])];
        if (*VM__AT(uint8_t, &printer->labels, at) != 0) {
            print_indent(printer, depth - 1);
            vm__buffer_printf(printer->out, "L%u:\n", at);
        }
        if (lines_left > 0 && line->word == at) {
            print_indent(printer, depth);
            vm__buffer_printf(printer->out, "(line %u)\n", line->line);
            line++;
            lines_left--;
        }
        print_indent(printer, depth);
        print_instruction(printer, code, at);
    }
    if (*VM__AT(uint8_t, &printer->labels, function->code.count) != 0) {
        print_indent(printer, depth - 1);
        vm__buffer_printf(printer->out, "L%u:\n", function->code.count);
    }
}

/* Which functions can be called by name: the first that has it, where it is no "#number". */
static bool find_names(struct printer *printer) {
    const struct vm__program *program = printer->program;
    struct cupel_allocator *a = program->allocator;
    uint32_t count = program->functions.count;
    if (!vm__list_reserve(&printer->named_by, a, sizeof(uint32_t), (size_t)program->strings.count + 1) ||
        !vm__list_reserve(&printer->plain, a, sizeof(uint8_t), count) ||
        !vm__list_reserve(&printer->ordinals, a, sizeof(uint32_t), count) ||
        !vm__list_reserve(&printer->children, a, sizeof(uint32_t), count)) {
        return false;
    }
    memset(printer->named_by.items, 0, ((size_t)program->strings.count + 1) * sizeof(uint32_t));
    memset(printer->plain.items, 0, count);
    memset(printer->children.items, 0, count * sizeof(uint32_t));
    for (uint32_t i = 1; i < count; i++) {
        const struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        *VM__AT(uint32_t, &printer->ordinals, i) = (*VM__AT(uint32_t, &printer->children, function->parent))++;
    }
    /* Siblings do not stand together, so the mark is for the whole image: a name serves for the first that has it. */
    for (uint32_t i = 1; i < count; i++) {
        const struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        if (function->name == 0) {
            continue;
        }
        const struct vm__string *name = VM__AT(struct vm__string, &program->strings, function->name - 1);
        uint32_t *owner = VM__AT(uint32_t, &printer->named_by, function->name - 1);
        bool is_ordinal = name->length > 1 && name->text[0] == '#';
        if (*owner == 0 && !is_ordinal) {
            *VM__AT(uint8_t, &printer->plain, i) = 1;
        }
        *owner = 1;
    }
    return true;
}

static bool print_functions(struct printer *printer) {
    const struct vm__program *program = printer->program;
    uint32_t path[VM__NESTING_MAX];
    uint32_t depth = 0;
    for (uint32_t i = 0; i < program->functions.count; i++) {
        const struct vm__function *function = VM__AT(struct vm__function, &program->functions, i);
        for (; depth > 0 && path[depth - 1] != function->parent; depth--) {
            vm__buffer_add(printer->out, ")", 1);
        }
        if (i > 0) {
            vm__buffer_add(printer->out, "\n", 1);
        }
        print_indent(printer, depth);
        vm__buffer_printf(printer->out, "(function ");
        if (function->name != 0) {
            print_name(printer, function->name - 1);
        } else {
            vm__buffer_add(printer->out, "()", 2);
        }
        vm__buffer_add(printer->out, "\n", 1);
        path[depth++] = i;
        if (!find_labels(printer, function)) {
            return false;
        }
        print_clauses(printer, function, depth);
        print_code(printer, function, depth);
    }
    for (; depth > 0; depth--) {
        vm__buffer_add(printer->out, ")", 1);
    }
    vm__buffer_add(printer->out, "\n", 1);
    return !printer->out->is_starved;
}

static bool print_program(const struct vm__program *program, struct vm__buffer *out) {
    struct printer printer = {.program = program, .out = out};
    bool is_done = find_names(&printer) && print_functions(&printer);
    vm__list_free(&printer.labels, program->allocator, sizeof(uint8_t));
    vm__list_free(&printer.named_by, program->allocator, sizeof(uint32_t));
    vm__list_free(&printer.plain, program->allocator, sizeof(uint8_t));
    vm__list_free(&printer.ordinals, program->allocator, sizeof(uint32_t));
    vm__list_free(&printer.children, program->allocator, sizeof(uint32_t));
    return is_done;
}

vm_status vm_disassemble(vm_t *vm, const void *image, size_t image_bytes, unsigned char **text, size_t *length_bytes,
                         struct cupel_error *error) {
    struct cupel_error own = {.text = ""};
    error = error == NULL ? &own : error;
    *error = (struct cupel_error){""};
    struct vm__program program;
    struct vm__buffer out = {.allocator = vm->allocator};
    vm__program_init(&program, vm->allocator);
    bool is_sound = vm__image_read(&program, image, image_bytes, error) && vm__verify(&program, error);
    bool is_starved = !is_sound && strcmp(error->text + (strlen(error->text) < 13 ? 0 : strlen(error->text) - 13),
                                          "out of memory") == 0;
    bool is_done = is_sound && print_program(&program, &out);
    vm__program_deinit(&program);
    unsigned char *copy = NULL;
    if (is_done) {
        vm__buffer_add(&out, "", 1);
        copy = out.is_starved ? NULL : cupel_alloc(vm->allocator, out.length, 1);
    }
    if (copy != NULL) {
        memcpy(copy, out.data, out.length);
        *text = copy;
        *length_bytes = out.length - 1;
    }
    vm__buffer_free(&out);
    return copy != NULL ? VM_OK : is_sound || is_starved ? VM_ERROR_OOM : VM_ERROR_IMAGE;
}
