/* Goal: the verifier takes every sound function and refuses each unsound one for its own reason. Method: tables of
 * small functions, one rule each, beside the nearest ones that are sound. */
#include "vm/image.h"

#include "harness/harness.h"
#include "vm/tests/build.h"

struct row {
    const char *why; /* part of the text; NULL: it is sound */
    uint8_t registers;
    uint32_t words[10];
    struct vm__handler handlers[3];
    unsigned handler_count;
    struct vm__line lines[2];
    unsigned line_count;
};

/* One integer constant, one import "g", used by a sound second half where the row does not care. */
static const struct row rows[] = {
    /* Instructions and operands. */
    {NULL, 0, {W(RETP, 0, 0, 0)}},
    {"there is no code", 0, {0}},
    {"255 is no instruction", 0, {255}},
    {"is no instruction", 0, {W(HALT, 0, 0, 0), W(RETP, 0, 0, 0)}},
    {"means nothing is not zero", 0, {W(RETP, 0, 1, 0)}},
    {"means nothing is not zero", 0, {W(RETP, 0, 0, 128)}},
    {"there is no primitive 4", 0, {W(RETP, 4, 0, 0)}},
    {NULL, 1, {W(LOADP, 0, 3, 0), W(RET, 0, 0, 0)}},
    {"there is no register 1", 1, {W(LOADP, 1, 3, 0), W(RET, 1, 0, 0)}},
    {"there is no register 1", 1, {W(LOADP, 0, 3, 0), W(RET, 1, 0, 0)}},
    {"there is no register 2", 2, {WX(LOADI, 0, 1), W(ADD, 0, 0, 2), W(RET, 0, 0, 0)}},
    {"there is no constant 0", 1, {WX(LOADK, 0, 0), W(RET, 0, 0, 0)}},
    {"there is no import 0", 1, {WX(GETG, 0, 0), W(RET, 0, 0, 0)}},
    {"there is no capture 0", 1, {W(GETUP, 0, 0, 0), W(RET, 0, 0, 0)}},
    {"not nested in this one", 1, {WX(CLOSURE, 0, 0), W(RET, 0, 0, 0)}},
    {"not nested in this one", 1, {WX(CLOSURE, 0, 1), W(RET, 0, 0, 0)}},
    {NULL, 1, {WX(LOADI, 0, 1), W(CHECK, 0, VM__KIND_COUNT - 1, 0), W(RET, 0, 0, 0)}},
    {"there is no kind", 1, {WX(LOADI, 0, 1), W(CHECK, 0, VM__KIND_COUNT, 0), W(RET, 0, 0, 0)}},
    /* Ranges that no operand names. */
    {NULL, 3, {WX(LOADI, 0, 1), WX(LOADI, 1, 1), WX(LOADI, 2, 1), W(CALL, 0, 2, 0), W(RET, 0, 0, 0)}},
    {"there are no registers 0 to 3",
     3,
     {WX(LOADI, 0, 1), WX(LOADI, 1, 1), WX(LOADI, 2, 1), W(CALL, 0, 3, 0), W(RET, 0, 0, 0)}},
    {"there are no registers 0 to 255", 3, {WX(LOADI, 0, 1), W(CALL, 0, 255, 0), W(RET, 0, 0, 0)}},
    {NULL, 2, {WX(LOADI, 0, 1), WX(LOADI, 1, 1), W(PACK, 0, 0, 2), W(RET, 0, 0, 0)}},
    {NULL, 2, {W(PACK, 0, 1, 0), W(RET, 0, 0, 0)}},
    {"there are no registers 1 to 2", 2, {WX(LOADI, 0, 1), WX(LOADI, 1, 1), W(PACK, 0, 1, 2), W(RET, 0, 0, 0)}},
    {"there are no registers 0 to 2",
     2,
     {WX(LOADI, 0, 1), WX(LOADI, 1, 1), WX(FORPREP, 0, 1), WX(FORLOOP, 0, -1), W(RET, 0, 0, 0)}},
    /* Pairs. */
    {NULL, 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(0), W(RET, 0, 0, 0)}},
    {"a flag is neither", 1, {WX(LOADI, 0, 1), W(TEST, 0, 2, 0), WJ(0), W(RET, 0, 0, 0)}},
    {"no jump follows the condition", 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), W(RET, 0, 0, 0)}},
    {"the second word is missing", 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0)}},
    {"no instruction begins", 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(-1), W(RET, 0, 0, 0)}},
    /* Jumps. */
    {NULL, 0, {WJ(0), W(RETP, 0, 0, 0)}},
    {NULL, 0, {WJ(-1)}},
    {"a jump to word -1", 0, {WJ(-2)}},
    {"a jump to word 2", 0, {WJ(1), W(RETP, 0, 0, 0)}},
    {"a jump to word 2", 0, {WJ(0), WJ(0)}},
    {"control never comes here", 0, {WJ(1), W(RETP, 0, 0, 0), W(RETP, 0, 0, 0)}},
    {"control never comes here", 0, {W(RETP, 0, 0, 0), W(RETP, 0, 0, 0)}},
    {"fall off the end", 1, {WX(LOADI, 0, 1)}},
    {"fall off the end", 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(-3)}},
    {NULL,
     3,
     {WX(LOADI, 0, 1), WX(LOADI, 1, 9), WX(LOADI, 2, 1), WX(FORPREP, 0, 1), WX(FORLOOP, 0, -1), W(RET, 0, 0, 0)}},
    {"forprep jumps back", 3, {WX(LOADI, 0, 1), WX(LOADI, 1, 9), WX(LOADI, 2, 1), WX(FORPREP, 0, -1), W(RET, 0, 0, 0)}},
    /* Registers that are read were written, whichever way control came. */
    {"register 0 is read", 1, {W(RET, 0, 0, 0)}},
    {"register 1 is read", 2, {WX(LOADI, 0, 1), W(ADD, 0, 0, 1), W(RET, 0, 0, 0)}},
    {"register 1 is read", 2, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(1), WX(LOADI, 1, 1), W(RET, 1, 0, 0)}},
    {NULL, 2, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(1), WX(LOADI, 0, 1), W(RET, 0, 0, 0)}},
    {"register 1 is read", 2, {WX(LOADI, 0, 1), WJ(2), W(MOVE, 0, 1, 0), W(RET, 0, 0, 0), WJ(-3)}},
    {"register 1 is read", 3, {WX(LOADI, 0, 1), WX(LOADI, 1, 1), W(CALL, 0, 0, 0), W(RET, 1, 0, 0)}},
    {"register 1 is read", 2, {WX(LOADI, 0, 1), W(CALL, 0, 1, 0), W(RET, 0, 0, 0)}},
    {"register 2 is read", 3, {WX(LOADI, 0, 1), WX(LOADI, 1, 1), WX(FORPREP, 0, 0), W(RET, 0, 0, 0)}},
    /* Handlers. */
    {NULL, 2, {WX(LOADI, 0, 1), W(ADD, 0, 0, 0), W(RET, 0, 0, 0), W(RET, 1, 0, 0)}, {{1, 2, 3, 1}}, 1},
    {"control never comes here",
     2,
     {WX(LOADI, 0, 1), W(ADD, 0, 0, 0), W(RET, 0, 0, 0), W(RET, 1, 0, 0)},
     {{0, 1, 3, 1}},
     1},
    {"register 0 is read", 2, {WX(GETG, 1, 0), WX(LOADI, 0, 1), W(RET, 1, 0, 0), W(RET, 0, 0, 0)}, {{0, 1, 3, 1}}, 1},
    {"register 0 is read", 2, {WX(LOADI, 0, 1), W(CALL, 0, 0, 0), W(RET, 0, 0, 0), W(RET, 0, 0, 0)}, {{1, 2, 3, 1}}, 1},
    {"there is no register 2",
     2,
     {WX(LOADI, 0, 1), W(ADD, 0, 0, 0), W(RET, 0, 0, 0), W(RET, 0, 0, 0)},
     {{1, 2, 3, 2}},
     1},
    {"not of whole instructions", 1, {WX(LOADI, 0, 1), W(RET, 0, 0, 0)}, {{1, 3, 0, 0}}, 1},
    {"not of whole instructions", 1, {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(0), W(RET, 0, 0, 0)}, {{0, 2, 0, 0}}, 1},
    {"not of whole instructions", 1, {WX(LOADI, 0, 1), W(RET, 0, 0, 0)}, {{1, 1, 0, 0}}, 1},
    {"a jump to word 9", 1, {WX(LOADI, 0, 1), W(RET, 0, 0, 0)}, {{0, 1, 9, 0}}, 1},
    {"is not in order", 1, {WX(LOADI, 0, 1), W(NEG, 0, 0, 0), W(RET, 0, 0, 0)}, {{1, 2, 2, 0}, {0, 1, 2, 0}}, 2},
    {"is not in order", 1, {WX(LOADI, 0, 1), W(NEG, 0, 0, 0), W(RET, 0, 0, 0)}, {{1, 2, 2, 0}, {1, 2, 2, 0}}, 2},
    {"is not in order", 1, {WX(LOADI, 0, 1), W(NEG, 0, 0, 0), W(RET, 0, 0, 0)}, {{1, 2, 2, 0}, {1, 3, 2, 0}}, 2},
    {"overlaps another",
     1,
     {WX(LOADI, 0, 1), W(NEG, 0, 0, 0), W(NEG, 0, 0, 0), W(RET, 0, 0, 0)},
     {{0, 2, 3, 0}, {1, 3, 3, 0}},
     2},
    {NULL,
     1,
     {WX(LOADI, 0, 1), W(NEG, 0, 0, 0), W(NEG, 0, 0, 0), W(RET, 0, 0, 0)},
     {{0, 3, 3, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}},
     3},
    /* Lines. */
    {NULL, 1, {WX(LOADI, 0, 1), W(RET, 0, 0, 0)}, .lines = {{0, 7}, {1, 3}}, .line_count = 2},
    {"a line begins where", 1, {WX(LOADI, 0, 1), W(RET, 0, 0, 0)}, .lines = {{0, 7}, {2, 3}}, .line_count = 2},
    {"a line begins where",
     1,
     {WX(LOADI, 0, 1), W(TEST, 0, 1, 0), WJ(0), W(RET, 0, 0, 0)},
     .lines = {{2, 3}},
     .line_count = 1},
};

/* An import for the rows that read a global: it must be used by each program that has it. */
static bool needs_import(const struct row *row) {
    return vm__op(row->words[0]) == VM__OP_GETG && row->handler_count > 0;
}

static void add_tables(struct vm__program *program, const struct row *row) {
    struct vm__function *function = VM__AT(struct vm__function, &program->functions, 0);
    for (function->handlers.count = 0; function->handlers.count < row->handler_count; function->handlers.count++) {
        struct vm__handler *handler = vm__list_push(&program->handlers, program->allocator, sizeof *handler);
        STARVED(handler == NULL);
        *handler = row->handlers[function->handlers.count];
    }
    for (function->lines.count = 0; function->lines.count < row->line_count; function->lines.count++) {
        struct vm__line *line = vm__list_push(&program->lines, program->allocator, sizeof *line);
        STARVED(line == NULL);
        *line = row->lines[function->lines.count];
    }
    if (needs_import(row)) {
        struct vm__string *string = vm__list_push(&program->strings, program->allocator, sizeof *string);
        uint32_t *import = vm__list_push(&program->imports, program->allocator, sizeof *import);
        STARVED(string == NULL || import == NULL);
        *string = (struct vm__string){"g", 1};
    }
}

TEST(vm_verify, takes_what_is_sound_and_nothing_else, BUILDS, CUPEL_TABLE(rows)) {
    const struct row *row = test_row();
    struct vm__program program;
    struct cupel_error error = {""};
    vm__program_init(&program, build_allocator());
    (void)build_function(&program, VM__NO_FUNCTION, row->registers, row->words);
    add_tables(&program, row);
    struct vm__buffer image = {.allocator = build_allocator()};
    STARVED(!vm__image_write(&program, &image));
    bool is_sound = vm_verify(test_allocator(), image.data, image.length, &error);
    STARVED(strstr(error.text, "out of memory") != NULL);
    CHECK_INT_EQ(is_sound, row->why == NULL);
    CHECK_STR_CONTAINS(error.text, row->why == NULL ? "" : row->why);
}
