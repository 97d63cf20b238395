/* Names and constants while a program is being assembled: each once, numbered as they come, sorted at the end. */
#ifndef VM_SRC_POOL_H
#define VM_SRC_POOL_H

#include "alloc/arena.h"
#include "vm/src/program.h"

enum { VM__POOL_FULL = -1, VM__POOL_STARVED = -2 };

/* What is known of a name: labels, constants' texts, globals and functions share one list. */
struct vm__name {
    struct vm__string string;
    uint32_t hash;
    uint32_t label; /* the word where it is, in the function `label_owner` - 1 */
    uint32_t label_owner;
    uint32_t import;             /* number of an import and one; 0: none */
    uint32_t child, child_owner; /* the child of that name, and the function - 1 whose child it is */
    bool is_used;                /* goes into the image */
};

struct vm__namepool {
    struct vm__program *program;
    struct cupel_arena texts;
    struct vm__list names;   /* struct vm__name */
    struct vm__list by_name; /* uint32_t: number and one, open addressing */
    struct vm__list by_value;
};

void vm__pool_init(struct vm__namepool *pool, struct vm__program *program);
void vm__pool_deinit(struct vm__namepool *pool);

/* The number of a name; VM__POOL_FULL or VM__POOL_STARVED. */
int64_t vm__pool_name(struct vm__namepool *pool, const char *text, size_t length);
/* The number of a constant, whose strings and elements are numbers of this pool; elements are those that `elements`
 * lists. */
int64_t vm__pool_constant(struct vm__namepool *pool, struct vm__constant constant, const uint32_t *elements);
/* The number of an import. */
int64_t vm__pool_import(struct vm__namepool *pool, uint32_t name);

static inline struct vm__name *vm__pool_at(const struct vm__namepool *pool, uint32_t number) {
    return VM__AT(struct vm__name, &pool->names, number);
}

/* Sorts strings, constants and imports, and makes the program speak of their new numbers. False when out of memory. */
bool vm__pool_sort(struct vm__namepool *pool);

#endif
