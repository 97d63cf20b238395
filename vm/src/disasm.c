/* The disassembler: the one text of an image. Functions are written as the image has them, parents before children, but
 * each one's instructions behind the functions that are nested in it. What would be long and is used more than once is
 * written once, under a name. Nothing recurses. */
#include "vm/text.h"

#include "vm/src/heap.h"
#include "vm/src/opcodes.h"
#include "vm/src/program.h"
#include "vm/src/text.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LONG_TEXT_BYTES = 32 };

struct disassembler {
    struct vm__program program;
    struct vm__buffer out;
    struct vm__list uses;     /* uint32_t a constant: in code and in other constants */
    struct vm__list labels;   /* uint32_t a word of the function, and one: number of its label and one */
    struct vm__list ordinals; /* uint32_t a function: its number among those beside it; UINT32_MAX: its name will do */
    uint32_t open[VM__NESTING_MAX];
    uint32_t depth;
};

static void put(struct disassembler *dis, const char *text) {
    vm__buffer_add(&dis->out, text, strlen(text));
}

static bool add(void *context, const char *text, size_t length) {
    vm__buffer_add(context, text, length);
    return true;
}

static const struct vm__string *string_at(const struct disassembler *dis, uint64_t number) {
    return VM__AT(struct vm__string, &dis->program.strings, number);
}

static void put_string(struct disassembler *dis, uint64_t number) {
    const struct vm__string *string = string_at(dis, number);
    (void)vm__quote_text(string->text, string->length, '"', add, &dis->out);
}

static void put_name(struct disassembler *dis, uint64_t number) {
    const struct vm__string *string = string_at(dis, number);
    if (vm__name_is_plain(string->text, string->length)) {
        vm__buffer_add(&dis->out, string->text, string->length);
    } else {
        (void)vm__quote_text(string->text, string->length, '|', add, &dis->out);
    }
}

static const struct vm__constant *constant_at(const struct disassembler *dis, uint32_t number) {
    return VM__AT(struct vm__constant, &dis->program.constants, number);
}

/* Whether a constant is written once, under a name. */
static bool is_shared(const struct disassembler *dis, uint32_t number) {
    const struct vm__constant *constant = constant_at(dis, number);
    if (*VM__AT(uint32_t, &dis->uses, number) < 2 || constant->kind < VM__CONSTANT_STRING) {
        return false;
    }
    return constant->kind == VM__CONSTANT_ARRAY || string_at(dis, constant->bits)->length > LONG_TEXT_BYTES;
}

static void put_atom(struct disassembler *dis, const struct vm__constant *constant) {
    char text[VM__DOUBLE_TEXT_BYTES];
    double number;
    switch (constant->kind) {
    case VM__CONSTANT_INTEGER:
        vm__buffer_printf(&dis->out, "%" PRId64, (int64_t)constant->bits);
        break;
    case VM__CONSTANT_DOUBLE:
        memcpy(&number, &constant->bits, sizeof number);
        vm__double_text(number, text);
        put(dis, text);
        break;
    case VM__CONSTANT_STRING:
        put_string(dis, constant->bits);
        break;
    default:
        put(dis, "'");
        put_name(dis, constant->bits);
        break;
    }
}

/* A constant in full, or its name where it has one; `is_definition`: in full all the same. */
static void put_constant(struct disassembler *dis, uint32_t number, bool is_definition) {
    struct part {
        const struct vm__constant *array;
        uint32_t at;
    } parts[VM__NESTING_MAX + 1];
    uint32_t depth = 0;
    for (;;) {
        const struct vm__constant *constant = constant_at(dis, number);
        if (is_shared(dis, number) && !is_definition) {
            vm__buffer_printf(&dis->out, "K%" PRIu32, number);
        } else if (constant->kind == VM__CONSTANT_ARRAY) {
            put(dis, "[");
            parts[depth] = (struct part){constant, 0};
            depth++;
        } else {
            put_atom(dis, constant);
        }
        is_definition = false;
        /* cppcheck-suppress uninitvar ; all below `depth` was written */
        while (depth > 0 && parts[depth - 1].at == parts[depth - 1].array->count) {
            put(dis, "]");
            depth--;
        }
        if (depth == 0) {
            return;
        }
        put(dis, parts[depth - 1].at > 0 ? " " : "");
        number = *VM__AT(uint32_t, &dis->program.elements, parts[depth - 1].array->bits + parts[depth - 1].at++);
    }
}

static void use(struct disassembler *dis, uint32_t constant) {
    ++*VM__AT(uint32_t, &dis->uses, constant);
}

static const struct vm__function *function_at(const struct disassembler *dis, uint32_t number) {
    return VM__AT(struct vm__function, &dis->program.functions, number);
}

static void count_uses(struct disassembler *dis) {
    for (uint32_t i = 0; i < dis->program.functions.count; i++) {
        const struct vm__function *function = function_at(dis, i);
        const uint32_t *code = vm__code(&dis->program, function);
        const struct vm__opcode_info *info;
        for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
            info = &vm__opcodes[vm__op(code[at])];
            if (info->operands[1] == VM__CONSTANT16) {
                use(dis, vm__wide(code[at]));
            }
            if ((info->traits & VM__WIDE) != 0) {
                use(dis, code[at + 1]);
            }
        }
    }
    for (uint32_t i = 0; i < dis->program.constants.count; i++) {
        const struct vm__constant *constant = constant_at(dis, i);
        for (uint32_t j = 0; j < constant->count; j++) {
            use(dis, *VM__AT(uint32_t, &dis->program.elements, constant->bits + j));
        }
    }
}

/* Indents as deep as functions are, but for so many. */
static void begin_line(struct disassembler *dis, uint32_t less) {
    for (uint32_t i = less; i < dis->depth; i++) {
        put(dis, "  ");
    }
}

static void put_file(struct disassembler *dis, const struct vm__function *function) {
    put(dis, " (file");
    if (function->file != 0) {
        put(dis, " ");
        put_string(dis, function->file - 1);
    }
    put(dis, ")");
}

/* The head of a function: its name, its clauses. */
static void put_head(struct disassembler *dis, const struct vm__function *function) {
    put(dis, "(function ");
    if (function->name == 0) {
        put(dis, "()");
    } else {
        put_name(dis, function->name - 1);
    }
    if (function->parent == VM__NO_FUNCTION || function_at(dis, function->parent)->file != function->file) {
        put_file(dis, function);
    }
    if (function->arity > 0) {
        vm__buffer_printf(&dis->out, " (arguments %u)", function->arity);
    }
    if (function->optional > 0) {
        vm__buffer_printf(&dis->out, " (optional %u)", function->optional);
    }
    put(dis, function->has_rest ? " (rest)" : "");
    vm__buffer_printf(&dis->out, " (registers %u)", function->registers);
    if (function->captures.count > 0) {
        put(dis, " (captures");
        for (uint32_t i = 0; i < function->captures.count; i++) {
            const struct vm__capture *capture =
                VM__AT(struct vm__capture, &dis->program.captures, function->captures.first + i);
            vm__buffer_printf(&dis->out, capture->is_capture != 0 ? " %u" : " r%u", capture->index);
        }
        put(dis, ")");
    }
    put(dis, "\n");
}

/* Constants that have names, before all that uses them: elements have lower numbers. */
static void put_shared(struct disassembler *dis) {
    for (uint32_t i = 0; i < dis->program.constants.count; i++) {
        if (is_shared(dis, i)) {
            begin_line(dis, 0);
            vm__buffer_printf(&dis->out, "(constant K%" PRIu32 " ", i);
            put_constant(dis, i, true);
            put(dis, ")\n");
        }
    }
}

/* The word to which an instruction jumps; UINT32_MAX: to none. The verifier has seen that all are in the function. */
static uint32_t target_of(const uint32_t *code, uint32_t at) {
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(code[at])];
    if ((info->traits & VM__PAIR) != 0) {
        return at + 2 + (uint32_t)vm__jump(code[at + 1]);
    }
    if (info->operands[0] == VM__JUMP24) {
        return at + 1 + (uint32_t)vm__jump(code[at]);
    }
    return info->operands[1] == VM__JUMP16 ? at + 1 + (uint32_t)vm__wide_signed(code[at]) : UINT32_MAX;
}

static uint32_t *label(const struct disassembler *dis, uint32_t word) {
    return VM__AT(uint32_t, &dis->labels, word);
}

/* Numbers the labels of a function, in the order of the words. */
static bool find_labels(struct disassembler *dis, const struct vm__function *function) {
    const uint32_t *code = vm__code(&dis->program, function);
    const struct vm__opcode_info *info;
    if (!vm__list_reserve(&dis->labels, dis->program.allocator, sizeof(uint32_t), function->code.count + 1)) {
        return false;
    }
    memset(dis->labels.items, 0, (function->code.count + 1) * sizeof(uint32_t));
    for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
        info = &vm__opcodes[vm__op(code[at])];
        if (target_of(code, at) != UINT32_MAX) {
            *label(dis, target_of(code, at)) = 1;
        }
    }
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        const struct vm__handler *handler =
            VM__AT(struct vm__handler, &dis->program.handlers, function->handlers.first + i);
        *label(dis, handler->start) = *label(dis, handler->end) = *label(dis, handler->target) = 1;
    }
    uint32_t count = 0;
    for (uint32_t at = 0; at <= function->code.count; at++) {
        *label(dis, at) = *label(dis, at) == 0 ? 0 : ++count;
    }
    return true;
}

static void put_handlers(struct disassembler *dis, const struct vm__function *function) {
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        const struct vm__handler *handler =
            VM__AT(struct vm__handler, &dis->program.handlers, function->handlers.first + i);
        begin_line(dis, 0);
        vm__buffer_printf(&dis->out, "(handler L%" PRIu32 " L%" PRIu32 " L%" PRIu32 " r%u)\n",
                          *label(dis, handler->start), *label(dis, handler->end), *label(dis, handler->target),
                          handler->reg);
    }
}

/* A nested function by its name, where none beside it has the same; otherwise by its number among them. */
static void put_function(struct disassembler *dis, uint32_t number) {
    const struct vm__function *function = function_at(dis, number);
    uint32_t place = *VM__AT(uint32_t, &dis->ordinals, number);
    if (place == UINT32_MAX) {
        put_name(dis, function->name - 1);
    } else {
        vm__buffer_printf(&dis->out, "%" PRIu32, place);
    }
}

static void put_operand(struct disassembler *dis, const uint32_t *code, uint32_t at, enum vm__operand kind,
                        unsigned which) {
    uint32_t bits = vm__operand_bits(code[at], which);
    put(dis, " ");
    switch (kind) {
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        vm__buffer_printf(&dis->out, "r%" PRIu32, bits);
        break;
    case VM__COUNT:
    case VM__NUMBER8:
    case VM__CAPTURE:
        vm__buffer_printf(&dis->out, "%" PRIu32, bits);
        break;
    case VM__INTEGER8:
        vm__buffer_printf(&dis->out, "%d", (int8_t)bits);
        break;
    case VM__INTEGER16:
        vm__buffer_printf(&dis->out, "%" PRId32, vm__wide_signed(code[at]));
        break;
    case VM__FLAG:
        put(dis, bits != 0 ? "true" : "false");
        break;
    case VM__PRIMITIVE:
        put(dis, vm__primitive_names[bits]);
        break;
    case VM__KIND:
        put(dis, vm__kind_names[bits]);
        break;
    case VM__CONSTANT16:
        put_constant(dis, vm__wide(code[at]), false);
        break;
    case VM__GLOBAL16:
        put_name(dis, *VM__AT(uint32_t, &dis->program.imports, vm__wide(code[at])));
        break;
    case VM__FUNCTION16:
        put_function(dis, vm__wide(code[at]));
        break;
    case VM__JUMP16:
    case VM__JUMP24:
        vm__buffer_printf(&dis->out, "L%" PRIu32, *label(dis, target_of(code, at)));
        break;
    case VM__EMPTY:
        break;
    }
}

static void put_instruction(struct disassembler *dis, const uint32_t *code, uint32_t at) {
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(code[at])];
    begin_line(dis, 0);
    put(dis, "(");
    put(dis, info->name);
    for (unsigned i = 0; i < 3 && info->operands[i] != VM__EMPTY; i++) {
        put_operand(dis, code, at, (enum vm__operand)info->operands[i], i + 1);
    }
    if ((info->traits & VM__PAIR) != 0) {
        vm__buffer_printf(&dis->out, " L%" PRIu32, *label(dis, target_of(code, at)));
    }
    if ((info->traits & VM__WIDE) != 0) {
        put(dis, " ");
        put_constant(dis, code[at + 1], false);
    }
    put(dis, ")\n");
}

static void put_label(struct disassembler *dis, uint32_t word) {
    if (*label(dis, word) != 0) {
        begin_line(dis, 1);
        vm__buffer_printf(&dis->out, "L%" PRIu32 ":\n", *label(dis, word));
    }
}

/* What stands behind the nested functions: handlers, lines, labels, instructions. */
static bool put_code(struct disassembler *dis, const struct vm__function *function) {
    const uint32_t *code = vm__code(&dis->program, function);
    uint32_t line = function->lines.first, lines_end = line + function->lines.count;
    const struct vm__opcode_info *info;
    if (!find_labels(dis, function)) {
        return false;
    }
    put_handlers(dis, function);
    if (line == lines_end || VM__AT(struct vm__line, &dis->program.lines, line)->word > 0) {
        begin_line(dis, 0);
        put(dis, "(line)\n");
    }
    for (uint32_t at = 0; at < function->code.count; at += (uint32_t)vm__words(info)) {
        info = &vm__opcodes[vm__op(code[at])];
        put_label(dis, at);
        if (line < lines_end && VM__AT(struct vm__line, &dis->program.lines, line)->word == at) {
            begin_line(dis, 0);
            vm__buffer_printf(&dis->out, "(line %" PRIu32 ")\n",
                              VM__AT(struct vm__line, &dis->program.lines, line++)->line);
        }
        put_instruction(dis, code, at);
    }
    put_label(dis, function->code.count);
    return true;
}

/* The innermost function that is open ends. */
static bool close_function(struct disassembler *dis) {
    if (!put_code(dis, function_at(dis, dis->open[dis->depth - 1]))) {
        return false;
    }
    begin_line(dis, 1);
    put(dis, ")\n");
    dis->depth--;
    return true;
}

static bool put_functions(struct disassembler *dis) {
    for (uint32_t i = 0; i < dis->program.functions.count; i++) {
        const struct vm__function *function = function_at(dis, i);
        while (dis->depth > 0 && dis->open[dis->depth - 1] != function->parent) {
            if (!close_function(dis)) {
                return false;
            }
        }
        begin_line(dis, 0);
        dis->open[dis->depth++] = i;
        put_head(dis, function);
        if (i == 0) {
            put_shared(dis);
        }
    }
    while (dis->depth > 0) {
        if (!close_function(dis)) {
            return false;
        }
    }
    return true;
}

/* By parent and name. */
static int compare_functions(const void *a, const void *b, void *context) {
    const struct vm__function *first = function_at(context, *(const uint32_t *)a);
    const struct vm__function *second = function_at(context, *(const uint32_t *)b);
    return first->parent != second->parent ? (first->parent > second->parent) - (first->parent < second->parent)
                                           : (first->name > second->name) - (first->name < second->name);
}

/* A list of zeros. */
static bool make_list(struct disassembler *dis, struct vm__list *list, uint32_t count) {
    if (!vm__list_reserve(list, dis->program.allocator, sizeof(uint32_t), count)) {
        return false;
    }
    list->count = count;
    if (count > 0) {
        memset(list->items, 0, count * sizeof(uint32_t));
    }
    return true;
}

/* How nested functions are told apart: a name that no other beside it has is enough. */
static bool find_ordinals(struct disassembler *dis) {
    uint32_t count = dis->program.functions.count;
    struct vm__list order = {NULL, 0, 0};
    if (!make_list(dis, &order, count) || !make_list(dis, &dis->ordinals, count)) {
        vm__list_free(&order, dis->program.allocator, sizeof(uint32_t));
        return false;
    }
    uint32_t *numbers = order.items; /* at first: how many functions were seen that are nested in each */
    for (uint32_t i = 1; i < count; i++) {
        *VM__AT(uint32_t, &dis->ordinals, i) = numbers[function_at(dis, i)->parent]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = i;
    }
    qsort_r(numbers, count, sizeof *numbers, compare_functions, dis);
    for (uint32_t i = 0; i < count; i++) {
        bool has_twin = (i > 0 && compare_functions(&numbers[i - 1], &numbers[i], dis) == 0) ||
                        (i + 1 < count && compare_functions(&numbers[i], &numbers[i + 1], dis) == 0);
        if (!has_twin && function_at(dis, numbers[i])->name != 0) {
            *VM__AT(uint32_t, &dis->ordinals, numbers[i]) = UINT32_MAX;
        }
    }
    vm__list_free(&order, dis->program.allocator, sizeof(uint32_t));
    return true;
}

static bool disassemble(struct disassembler *dis) {
    if (!make_list(dis, &dis->uses, dis->program.constants.count) || !find_ordinals(dis)) {
        return false;
    }
    count_uses(dis);
    bool is_done = put_functions(dis);
    vm__buffer_add(&dis->out, "", 1);
    return is_done;
}

vm_status vm_disassemble(vm_t *vm, const void *image, size_t image_bytes, unsigned char **text, size_t *length_bytes,
                         struct cupel_error *error) {
    struct cupel_error own = {""};
    struct disassembler dis = {.out = {.allocator = vm->allocator}};
    error = error == NULL ? &own : error;
    vm__program_init(&dis.program, vm->allocator);
    vm_status status = VM_OK;
    bool is_read = vm__image_read(&dis.program, image, image_bytes, error);
    if (!is_read || !vm__verify(&dis.program, error)) {
        /* The verifier's texts may name functions of any name; the reader's name nothing. */
        bool is_starved = is_read ? strcmp(error->text, "out of memory") == 0 : strstr(error->text, "memory") != NULL;
        status = is_starved ? VM_ERROR_OOM : VM_ERROR_IMAGE;
    } else if (!disassemble(&dis) || !vm__hand_over(&dis.out, text, length_bytes)) {
        status = VM_ERROR_OOM;
        (void)cupel_error_set(error, 0, 0, "out of memory");
    } else {
        --*length_bytes; /* the zero behind it */
    }
    vm__list_free(&dis.uses, vm->allocator, sizeof(uint32_t));
    vm__list_free(&dis.labels, vm->allocator, sizeof(uint32_t));
    vm__list_free(&dis.ordinals, vm->allocator, sizeof(uint32_t));
    vm__buffer_free(&dis.out);
    vm__program_deinit(&dis.program);
    return status;
}
