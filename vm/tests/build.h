/* Words of instructions and images of one or two functions, for tests that want what no assembler would write. */
#ifndef VM_TESTS_BUILD_H
#define VM_TESTS_BUILD_H

#include "alloc/arena.h"
#include "harness/harness.h"
#include "vm/src/opcodes.h"
#include "vm/src/program.h"

#include <string.h>

/* A word from its parts; a negative operand is cut to its bits. */
#define W(name, a, b, c)                                                                                               \
    ((uint32_t)VM__OP_##name | ((uint32_t)(a)&0xff) << 8 | ((uint32_t)(b)&0xff) << 16 | ((uint32_t)(c)&0xff) << 24)
#define WX(name, a, x) ((uint32_t)VM__OP_##name | ((uint32_t)(a)&0xff) << 8 | ((uint32_t)(x)&0xffff) << 16)
#define WJ(offset)     ((uint32_t)VM__OP_JMP | ((uint32_t)(offset)&0xffffff) << 8)

/* What a test builds lies in an arena that its teardown empties: a test that runs out of memory may end anywhere. */
static struct cupel_arena build_arena;

static inline struct cupel_allocator *build_allocator(void) {
    return &build_arena.base;
}

static inline void build_begin(void) {
    (void)cupel_arena_init(&build_arena, test_allocator(), NULL);
}

static inline void build_end(void) {
    cupel_arena_deinit(&build_arena);
}

static inline void build_end_where(bool is_starved) {
    if (is_starved) {
        build_end();
    }
    STARVED(is_starved);
}

#define BUILDS .setup = build_begin, .teardown = build_end

/* Appends a function; words end at the first 0. */
static inline struct vm__function *build_function(struct vm__program *program, uint16_t parent, uint8_t registers,
                                                  const uint32_t *words) {
    struct vm__function *function = vm__list_push(&program->functions, program->allocator, sizeof *function);
    build_end_where(function == NULL);
    function->parent = parent;
    function->registers = registers;
    function->code.first = program->code.count;
    for (; words[function->code.count] != 0; function->code.count++) {
        uint32_t *word = vm__list_push(&program->code, program->allocator, sizeof *word);
        build_end_where(word == NULL);
        *word = words[function->code.count];
    }
    return function;
}

#endif
