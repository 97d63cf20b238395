/* The verifier: whether a program that was read keeps the rules under which no instruction can touch memory outside of
 * the registers, constants, captures and code that it was given, whatever the values are. Types are not its business.
 *
 * Each function is walked three times in order: for operands, for jumps, and, following control, for registers that are
 * read before they are written. The last walk keeps a set of written registers for each place that is jumped to; sets
 * only shrink, so it ends. Nothing here recurses. */
#include "vm/src/opcodes.h"
#include "vm/src/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum mark {
    MARK_START = 1,   /* an instruction begins here */
    MARK_REACHED = 2, /* control comes here */
};

struct registers {
    uint64_t words[4];
};

/* A place that is jumped to, in the walk along control. */
struct join {
    struct registers written;
    uint32_t word;
    bool is_reached, is_queued;
};

struct verifier {
    const struct vm__program *program;
    struct cupel_error *error;
    struct vm__fault *fault;
    const struct vm__function *function; /* the one being looked at, its number and its code */
    uint32_t number;
    const uint32_t *code;
    struct vm__list marks;    /* uint8_t a word, and one more */
    struct vm__list joins;    /* struct join */
    struct vm__list join_of;  /* uint32_t a word: number of its join and one, or 0 */
    struct vm__list handlers; /* uint32_t a word: number of the innermost handler and one, or 0 */
    struct vm__list queue;    /* uint32_t: joins to look at */
    struct vm__list used;     /* uint8_t: strings, constants, imports, functions, one after the other */
};

/* The source line of a word; 0: nobody says. */
static uint32_t line_of(const struct verifier *verifier, uint32_t word) {
    const struct vm__range *range = &verifier->function->lines;
    uint32_t line = 0;
    for (uint32_t i = 0; i < range->count; i++) {
        const struct vm__line *entry = VM__AT(struct vm__line, &verifier->program->lines, range->first + i);
        line = entry->word <= word ? entry->line : line;
    }
    return line;
}

static bool refuse(const struct verifier *verifier, uint32_t word, const char *format, ...) CUPEL_PRINTF(3, 4);
static bool refuse(const struct verifier *verifier, uint32_t word, const char *format, ...) {
    char why[160];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    const struct vm__string *name = NULL;
    if (verifier->function->name != 0) {
        name = VM__AT(struct vm__string, &verifier->program->strings, verifier->function->name - 1);
    }
    *verifier->fault = (struct vm__fault){.function = verifier->number, .word = word, .is_known = true};
    int length = name == NULL ? 0 : name->length < 40 ? (int)name->length : 40;
    return cupel_error_set(verifier->error, line_of(verifier, word), 0, "function %u%s%.*s, word %u: %s",
                           verifier->number, name == NULL ? "" : " ", length, name == NULL ? "" : name->text, word,
                           why);
}

static bool resize(struct verifier *verifier, struct vm__list *list, size_t item_bytes, size_t count) {
    if (!vm__list_reserve(list, verifier->program->allocator, item_bytes, count)) {
        return cupel_error_set(verifier->error, 0, 0, "out of memory");
    }
    list->count = (uint32_t)count;
    if (count > 0) {
        memset(list->items, 0, count * item_bytes);
    }
    return true;
}

static uint8_t *mark(const struct verifier *verifier, uint32_t word) {
    return VM__AT(uint8_t, &verifier->marks, word);
}

enum used { USED_STRINGS, USED_CONSTANTS, USED_IMPORTS, USED_FUNCTIONS };

static void use(const struct verifier *verifier, enum used what, uint32_t number) {
    const struct vm__program *program = verifier->program;
    uint32_t first = what > USED_STRINGS ? program->strings.count : 0;
    first += what > USED_CONSTANTS ? program->constants.count : 0;
    first += what > USED_IMPORTS ? program->imports.count : 0;
    *VM__AT(uint8_t, &verifier->used, first + number) = 1;
}

/* First walk: one operand. */
static bool check_operand(const struct verifier *verifier, uint32_t at, uint32_t word, enum vm__operand kind,
                          uint32_t bits) {
    const struct vm__program *program = verifier->program;
    uint32_t wide = vm__wide(word);
    switch (kind) {
    case VM__EMPTY:
        return bits == 0 || refuse(verifier, at, "an operand that means nothing is not zero");
    case VM__READ:
    case VM__WRITE:
    case VM__SPAN_FIRST:
        return bits < verifier->function->registers || refuse(verifier, at, "there is no register %u", bits);
    case VM__FLAG:
        return bits <= 1 || refuse(verifier, at, "a flag is neither 0 nor 1");
    case VM__PRIMITIVE:
        return bits < VM__PRIMITIVE_COUNT || refuse(verifier, at, "there is no primitive %u", bits);
    case VM__KIND:
        return bits < VM__KIND_COUNT || refuse(verifier, at, "there is no kind %u", bits);
    case VM__CAPTURE:
        return bits < verifier->function->captures.count || refuse(verifier, at, "there is no capture %u", bits);
    case VM__CONSTANT16:
        if (wide >= program->constants.count) {
            return refuse(verifier, at, "there is no constant %u", wide);
        }
        use(verifier, USED_CONSTANTS, wide);
        return true;
    case VM__GLOBAL16:
        if (wide >= program->imports.count) {
            return refuse(verifier, at, "there is no import %u", wide);
        }
        use(verifier, USED_IMPORTS, wide);
        return true;
    case VM__FUNCTION16:
        if (wide >= program->functions.count ||
            VM__AT(struct vm__function, &program->functions, wide)->parent != verifier->number) {
            return refuse(verifier, at, "function %u is not nested in this one", wide);
        }
        use(verifier, USED_FUNCTIONS, wide);
        return true;
    case VM__COUNT:
    case VM__NUMBER8:
    case VM__INTEGER8:
    case VM__INTEGER16:
    case VM__JUMP16:
    case VM__JUMP24:
        return true;
    }
    return false;
}

/* The registers of a span; an empty one where there is none. */
static struct vm__range span_of(uint32_t word, const struct vm__span *span) {
    struct vm__range range = {0, 0};
    if (span->operand != 0) {
        range.first = vm__operand_bits(word, span->operand) + span->offset;
        range.count = span->count + (span->counter != 0 ? vm__operand_bits(word, span->counter) : 0);
    }
    return range;
}

static bool check_span(const struct verifier *verifier, uint32_t at, const struct vm__span *span) {
    struct vm__range range = span_of(verifier->code[at], span);
    uint32_t end = range.first + range.count;
    return end <= verifier->function->registers ||
           refuse(verifier, at, "there are no registers %u to %u", range.first, end - 1);
}

static bool check_instruction(const struct verifier *verifier, uint32_t at) {
    uint32_t word = verifier->code[at];
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(word)];
    if (info->name == NULL || (info->traits & VM__INNER) != 0) {
        return refuse(verifier, at, "%u is no instruction", vm__op(word));
    }
    for (unsigned i = 0; i < 3; i++) {
        enum vm__operand kind = (enum vm__operand)info->operands[i];
        if (!check_operand(verifier, at, word, kind, vm__operand_bits(word, i + 1))) {
            return false;
        }
        if (kind >= VM__INTEGER16) {
            break; /* it takes the rest of the word */
        }
    }
    if (!check_span(verifier, at, &info->reads) || !check_span(verifier, at, &info->writes)) {
        return false;
    }
    if (at + vm__words(info) > verifier->function->code.count) {
        return refuse(verifier, at, "the second word is missing");
    }
    if ((info->traits & VM__PAIR) != 0 && vm__op(verifier->code[at + 1]) != VM__OP_JMP) {
        return refuse(verifier, at, "no jump follows the condition");
    }
    if ((info->traits & VM__WIDE) != 0) {
        if (verifier->code[at + 1] >= verifier->program->constants.count) {
            return refuse(verifier, at, "there is no constant %u", verifier->code[at + 1]);
        }
        use(verifier, USED_CONSTANTS, verifier->code[at + 1]);
    }
    return true;
}

static bool check_instructions(const struct verifier *verifier) {
    const struct vm__opcode_info *info = NULL;
    uint32_t count = verifier->function->code.count;
    for (uint32_t at = 0; at < count; at += (uint32_t)vm__words(info)) {
        if (!check_instruction(verifier, at)) {
            return false;
        }
        *mark(verifier, at) |= MARK_START;
        info = &vm__opcodes[vm__op(verifier->code[at])];
    }
    return (info != NULL && (info->traits & VM__END) != 0) ||
           refuse(verifier, count, "control can fall off the end of the function");
}

/* The word to which the instruction there can jump; its own where it cannot. */
static int64_t target_of(const uint32_t *code, uint32_t at) {
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(code[at])];
    if ((info->traits & VM__PAIR) != 0) {
        return (int64_t)at + 2 + vm__jump(code[at + 1]);
    }
    if (info->operands[0] == VM__JUMP24) {
        return (int64_t)at + 1 + vm__jump(code[at]);
    }
    return info->operands[1] == VM__JUMP16 ? (int64_t)at + 1 + vm__wide_signed(code[at]) : at;
}

static bool can_jump(uint32_t word) {
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(word)];
    return (info->traits & VM__PAIR) != 0 || info->operands[0] == VM__JUMP24 || info->operands[1] == VM__JUMP16;
}

/* A place that is jumped to: it must be the beginning of an instruction, and gets a join. */
static bool add_join(struct verifier *verifier, uint32_t at, int64_t target) {
    if (target < 0 || target >= verifier->function->code.count ||
        (*mark(verifier, (uint32_t)target) & MARK_START) == 0) {
        return refuse(verifier, at, "a jump to word %lld, where no instruction begins", (long long)target);
    }
    uint32_t *join_of = VM__AT(uint32_t, &verifier->join_of, (uint32_t)target);
    if (*join_of == 0) {
        struct join *join = vm__list_push(&verifier->joins, verifier->program->allocator, sizeof *join);
        if (join == NULL) {
            return cupel_error_set(verifier->error, 0, 0, "out of memory");
        }
        join->word = (uint32_t)target;
        *join_of = verifier->joins.count;
    }
    return true;
}

/* Second walk: jumps. */
static bool check_jumps(struct verifier *verifier) {
    for (uint32_t at = 0; at < verifier->function->code.count; at++) {
        if ((*mark(verifier, at) & MARK_START) == 0 || !can_jump(verifier->code[at])) {
            continue;
        }
        int64_t target = target_of(verifier->code, at);
        if (!add_join(verifier, at, target)) {
            return false;
        }
        /* Every loop passes a point where it can be interrupted: this one does not look. */
        if (vm__op(verifier->code[at]) == VM__OP_FORPREP && target <= at) {
            return refuse(verifier, at, "forprep jumps back");
        }
    }
    return true;
}

static bool is_boundary(const struct verifier *verifier, uint32_t word) {
    return word == verifier->function->code.count || (*mark(verifier, word) & MARK_START) != 0;
}

static bool check_handler(struct verifier *verifier, uint32_t number, const struct vm__handler *handlers) {
    const struct vm__handler *handler = &handlers[number];
    uint32_t count = verifier->function->code.count;
    if (handler->start >= handler->end || handler->end > count || !is_boundary(verifier, handler->start) ||
        !is_boundary(verifier, handler->end)) {
        return refuse(verifier, handler->start, "handler %u is not of whole instructions", number);
    }
    if (number > 0 && (handler[-1].start > handler->start ||
                       (handler[-1].start == handler->start && handler[-1].end <= handler->end))) {
        return refuse(verifier, handler->start, "handler %u is not in order", number);
    }
    if (handler->reg >= verifier->function->registers) {
        return refuse(verifier, handler->start, "handler %u: there is no register %u", number, handler->reg);
    }
    return add_join(verifier, handler->start, handler->target);
}

/* Handlers: sound, nested in each other, and for each word the innermost. */
static bool check_handlers(struct verifier *verifier) {
    const struct vm__function *function = verifier->function;
    const struct vm__handler *handlers =
        VM__AT(const struct vm__handler, &verifier->program->handlers, function->handlers.first);
    uint32_t open[VM__NESTING_MAX];
    uint32_t depth = 0;
    uint32_t next = 0;
    for (uint32_t i = 0; i < function->handlers.count; i++) {
        if (!check_handler(verifier, i, handlers)) {
            return false;
        }
    }
    for (uint32_t at = 0; at < function->code.count && function->handlers.count > 0; at++) {
        while (depth > 0 && handlers[open[depth - 1]].end <= at) {
            depth--;
        }
        for (; next < function->handlers.count && handlers[next].start == at; next++) {
            if (depth == VM__NESTING_MAX) {
                return refuse(verifier, at, "handlers are nested too deep");
            }
            if (depth > 0 && handlers[open[depth - 1]].end < handlers[next].end) {
                return refuse(verifier, at, "handler %u overlaps another", next);
            }
            open[depth++] = next;
        }
        *VM__AT(uint32_t, &verifier->handlers, at) = depth > 0 ? open[depth - 1] + 1 : 0;
    }
    return true;
}

static bool check_lines(const struct verifier *verifier) {
    for (uint32_t i = 0; i < verifier->function->lines.count; i++) {
        const struct vm__line *line =
            VM__AT(struct vm__line, &verifier->program->lines, verifier->function->lines.first + i);
        if (line->word >= verifier->function->code.count || (*mark(verifier, line->word) & MARK_START) == 0) {
            return refuse(verifier, line->word, "a line begins where no instruction does");
        }
    }
    return true;
}

static void include(struct registers *set, uint32_t first, uint32_t count) {
    for (uint32_t i = first; i < first + count; i++) {
        set->words[i / 64] |= (uint64_t)1 << i % 64;
    }
}

static void keep_below(struct registers *set, uint32_t end) {
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t kept = end <= i * 64 ? 0 : end - i * 64;
        set->words[i] &= kept >= 64 ? UINT64_MAX : ((uint64_t)1 << kept) - 1;
    }
}

static bool check_read(const struct verifier *verifier, uint32_t at, const struct registers *written, uint32_t first,
                       uint32_t count) {
    for (uint32_t i = first; i < first + count; i++) {
        if ((written->words[i / 64] >> i % 64 & 1) == 0) {
            return refuse(verifier, at, "register %u is read, but may not have been written", i);
        }
    }
    return true;
}

/* Control comes to the join with these registers written. */
static void arrive(struct verifier *verifier, uint32_t word, const struct registers *written) {
    uint32_t number = *VM__AT(uint32_t, &verifier->join_of, word) - 1;
    struct join *join = VM__AT(struct join, &verifier->joins, number);
    bool is_changed = !join->is_reached;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t both = join->is_reached ? join->written.words[i] & written->words[i] : written->words[i];
        is_changed = is_changed || both != join->written.words[i];
        join->written.words[i] = both;
    }
    join->is_reached = true;
    if (is_changed && !join->is_queued) {
        join->is_queued = true;
        *VM__AT(uint32_t, &verifier->queue, verifier->queue.count++) = number;
    }
}

/* What is raised by the instruction there goes to its handler. */
static void arrive_at_handler(struct verifier *verifier, uint32_t at, const struct registers *written) {
    uint32_t number = *VM__AT(uint32_t, &verifier->handlers, at);
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(verifier->code[at])];
    if (number == 0 || info->traps[0] == '\0') {
        return;
    }
    const struct vm__handler *handler =
        VM__AT(struct vm__handler, &verifier->program->handlers, verifier->function->handlers.first + number - 1);
    struct registers set = *written;
    if ((info->traits & VM__CALLS) != 0) {
        keep_below(&set, vm__operand_bits(verifier->code[at], 1));
    }
    include(&set, handler->reg, 1);
    arrive(verifier, handler->target, &set);
}

/* A closure's captures from registers are read where it is made. */
static bool check_captured(const struct verifier *verifier, uint32_t at, const struct registers *written) {
    const struct vm__program *program = verifier->program;
    const struct vm__function *child = VM__AT(struct vm__function, &program->functions, vm__wide(verifier->code[at]));
    for (uint32_t i = 0; i < child->captures.count; i++) {
        const struct vm__capture *capture = VM__AT(struct vm__capture, &program->captures, child->captures.first + i);
        if (capture->is_capture ? capture->index >= verifier->function->captures.count
                                : capture->index >= verifier->function->registers) {
            return refuse(verifier, at, "capture %u is of something that is not there", i);
        }
        if (!capture->is_capture && !check_read(verifier, at, written, capture->index, 1)) {
            return false;
        }
    }
    return true;
}

/* One instruction in the walk along control: what it reads was written; then what it writes was. */
static bool step(struct verifier *verifier, uint32_t at, struct registers *written) {
    uint32_t word = verifier->code[at];
    const struct vm__opcode_info *info = &vm__opcodes[vm__op(word)];
    for (unsigned i = 0; i < 3; i++) {
        if (info->operands[i] == VM__READ && !check_read(verifier, at, written, vm__operand_bits(word, i + 1), 1)) {
            return false;
        }
    }
    struct vm__range reads = span_of(word, &info->reads);
    if (!check_read(verifier, at, written, reads.first, reads.count) ||
        (info->operands[1] == VM__FUNCTION16 && !check_captured(verifier, at, written))) {
        return false;
    }
    arrive_at_handler(verifier, at, written);
    if ((info->traits & VM__CALLS) != 0) {
        keep_below(written, vm__operand_bits(word, 1));
    }
    for (unsigned i = 0; i < 3; i++) {
        if (info->operands[i] == VM__WRITE) {
            include(written, vm__operand_bits(word, i + 1), 1);
        }
    }
    struct vm__range writes = span_of(word, &info->writes);
    include(written, writes.first, writes.count);
    return true;
}

/* Walks from one place on until control ends or comes to a join. */
static bool walk(struct verifier *verifier, uint32_t at, struct registers written) {
    for (bool is_first = true;; is_first = false) {
        if (!is_first && *VM__AT(uint32_t, &verifier->join_of, at) != 0) {
            arrive(verifier, at, &written);
            return true;
        }
        *mark(verifier, at) |= MARK_REACHED;
        if (!step(verifier, at, &written)) {
            return false;
        }
        if (can_jump(verifier->code[at])) {
            arrive(verifier, (uint32_t)target_of(verifier->code, at), &written);
        }
        const struct vm__opcode_info *info = &vm__opcodes[vm__op(verifier->code[at])];
        if ((info->traits & VM__END) != 0) {
            return true;
        }
        at += (uint32_t)vm__words(info);
    }
}

/* Third walk: along control. */
static bool check_control(struct verifier *verifier) {
    const struct vm__function *function = verifier->function;
    struct registers written = {{0}};
    include(&written, 0, (uint32_t)function->arity + function->optional + function->has_rest);
    if (*VM__AT(uint32_t, &verifier->join_of, 0) != 0) {
        arrive(verifier, 0, &written);
    } else if (!walk(verifier, 0, written)) {
        return false;
    }
    while (verifier->queue.count > 0) {
        uint32_t number = *VM__AT(uint32_t, &verifier->queue, --verifier->queue.count);
        struct join *join = VM__AT(struct join, &verifier->joins, number);
        join->is_queued = false;
        if (!walk(verifier, join->word, join->written)) {
            return false;
        }
    }
    for (uint32_t at = 0; at < function->code.count; at++) {
        if ((*mark(verifier, at) & (MARK_START | MARK_REACHED)) == MARK_START) {
            return refuse(verifier, at, "control never comes here");
        }
    }
    return true;
}

static bool check_function(struct verifier *verifier) {
    const struct vm__function *function = verifier->function;
    uint32_t words = function->code.count;
    unsigned arguments = (unsigned)function->arity + function->optional + function->has_rest;
    if (arguments > function->registers) {
        return refuse(verifier, 0, "%u arguments do not fit into %u registers", arguments, function->registers);
    }
    if (words == 0) {
        return refuse(verifier, 0, "there is no code");
    }
    if (function->name != 0) {
        use(verifier, USED_STRINGS, function->name - 1);
    }
    if (function->file != 0) {
        use(verifier, USED_STRINGS, function->file - 1);
    }
    verifier->joins.count = 0;
    return resize(verifier, &verifier->marks, sizeof(uint8_t), words) &&
           resize(verifier, &verifier->join_of, sizeof(uint32_t), words) &&
           resize(verifier, &verifier->handlers, sizeof(uint32_t), words) && check_instructions(verifier) &&
           check_jumps(verifier) && check_handlers(verifier) && check_lines(verifier) &&
           resize(verifier, &verifier->queue, sizeof(uint32_t), verifier->joins.count) &&
           (verifier->queue.count = 0, check_control(verifier));
}

/* Functions stand as a walk in depth sees them: the parent of each is the one before it or encloses that one. */
static bool check_tree(struct verifier *verifier, uint32_t path[VM__NESTING_MAX], uint32_t *depth) {
    const struct vm__function *function = verifier->function;
    if (verifier->number == 0) {
        if (function->parent != VM__NO_FUNCTION || function->arity + function->optional + function->has_rest != 0 ||
            function->captures.count != 0) {
            return refuse(verifier, 0, "the first function has a parent, arguments or captures");
        }
        *depth = 0;
    }
    while (verifier->number > 0 && *depth > 0 && path[*depth - 1] != function->parent) {
        --*depth;
    }
    if (verifier->number > 0 && *depth == 0) {
        return refuse(verifier, 0, "the parent is not one that encloses the function before");
    }
    if (*depth == VM__NESTING_MAX) {
        return refuse(verifier, 0, "functions are nested too deep");
    }
    path[(*depth)++] = verifier->number;
    return true;
}

/* What is in the pools is there because something uses it. */
static bool check_used(struct verifier *verifier) {
    const struct vm__program *program = verifier->program;
    for (uint32_t i = program->constants.count; i-- > 0;) {
        const struct vm__constant *constant = VM__AT(struct vm__constant, &program->constants, i);
        bool is_text = constant->kind == VM__CONSTANT_STRING || constant->kind == VM__CONSTANT_SYMBOL;
        for (uint32_t j = 0; j < constant->count; j++) {
            use(verifier, USED_CONSTANTS, *VM__AT(uint32_t, &program->elements, constant->bits + j));
        }
        if (is_text) {
            use(verifier, USED_STRINGS, (uint32_t)constant->bits);
        }
    }
    for (uint32_t i = 0; i < program->imports.count; i++) {
        use(verifier, USED_STRINGS, *VM__AT(uint32_t, &program->imports, i));
    }
    use(verifier, USED_FUNCTIONS, 0);
    const uint32_t counts[] = {program->strings.count, program->constants.count, program->imports.count,
                               program->functions.count};
    static const char *const names[] = {"string", "constant", "import", "function"};
    uint32_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < counts[i]; j++, at++) {
            if (*VM__AT(uint8_t, &verifier->used, at) == 0) {
                return cupel_error_set(verifier->error, 0, 0, "%s %u is used by nothing", names[i], j);
            }
        }
    }
    return true;
}

static bool check_program(struct verifier *verifier) {
    const struct vm__program *program = verifier->program;
    uint32_t path[VM__NESTING_MAX];
    uint32_t depth = 0;
    const uint32_t count = program->functions.count;
    if (count == 0) {
        return cupel_error_set(verifier->error, 0, 0, "there is no function");
    }
    size_t items =
        (size_t)program->strings.count + program->constants.count + program->imports.count + program->functions.count;
    if (!resize(verifier, &verifier->used, sizeof(uint8_t), items)) {
        return false;
    }
    for (uint32_t i = 0; i < 2 * count; i++) {
        verifier->number = i % count;
        verifier->function = VM__AT(const struct vm__function, &program->functions, verifier->number);
        verifier->code = vm__code(program, verifier->function);
        if (i < count ? !check_tree(verifier, path, &depth) : !check_function(verifier)) {
            return false;
        }
    }
    return check_used(verifier);
}

bool vm__verify(const struct vm__program *program, struct cupel_error *error) {
    struct vm__fault fault;
    return vm__verify_at(program, &fault, error);
}

bool vm__verify_at(const struct vm__program *program, struct vm__fault *fault, struct cupel_error *error) {
    struct verifier verifier = {.program = program, .error = error, .fault = fault};
    *fault = (struct vm__fault){.is_known = false};
    bool is_sound = check_program(&verifier);
    vm__list_free(&verifier.marks, program->allocator, sizeof(uint8_t));
    vm__list_free(&verifier.joins, program->allocator, sizeof(struct join));
    vm__list_free(&verifier.join_of, program->allocator, sizeof(uint32_t));
    vm__list_free(&verifier.handlers, program->allocator, sizeof(uint32_t));
    vm__list_free(&verifier.queue, program->allocator, sizeof(uint32_t));
    vm__list_free(&verifier.used, program->allocator, sizeof(uint8_t));
    return is_sound;
}
