/* Parse trees of the assembler's text, made of the VM's own objects.
 *
 *     atom   a pair: tag, value
 *     list   an array: tag, then its nodes
 *     tag    an integer: kind, line, column
 *
 * Nodes are good until the next safepoint, unless a handle holds them. */
#ifndef VM_SRC_READER_H
#define VM_SRC_READER_H

#include "alloc/base/message.h"
#include "vm/vm.h"

enum vm__node_kind {
    VM__NODE_SYMBOL, /* value: a string */
    VM__NODE_STRING,
    VM__NODE_INTEGER,
    VM__NODE_DOUBLE,
    VM__NODE_LIST,  /* (...) */
    VM__NODE_ARRAY, /* [...] */
    VM__NODE_QUOTE, /* '...: a list of one node */
};

struct vm__reader {
    vm_t *vm;
    const char *at, *end, *line_start;
    unsigned line;
    struct cupel_error *error;
    bool is_starved;
};

void vm__reader_init(struct vm__reader *reader, vm_t *vm, const char *text, size_t length, struct cupel_error *error);
/* Reads one node. True and the node; or true and VM_UNDEFINED at the end; false: an error, or `is_starved`. */
bool vm__read_node(struct vm__reader *reader, tagged_value_t *node);

enum vm__node_kind vm__node_kind(tagged_value_t node);
/* Where it begins. */
unsigned vm__node_line(tagged_value_t node);
unsigned vm__node_column(tagged_value_t node);
/* What an atom holds. */
tagged_value_t vm__node_value(tagged_value_t node);
/* Nodes of a list, an array or a quote; 0 for atoms. */
size_t vm__node_count(tagged_value_t node);
tagged_value_t vm__node_item(tagged_value_t node, size_t index);

#endif
