/* The contract of alloc/alloc.h as checks that any stack of layers must pass: the same tables of sizes and alignments
 * for every root and layer. */
#ifndef ALLOC_TESTS_CONTRACT_H
#define ALLOC_TESTS_CONTRACT_H

#include "alloc/alloc.h"

/* The most that an allocator is asked for, in bytes. */
struct contract_limits {
    size_t size_max;
    size_t align_max;
};

/* Runs every size of the table with every alignment: distinct, aligned, usable, zeroed where asked, contents kept over
 * resize and remap. All blocks are released. */
void check_contract(struct cupel_allocator *allocator, struct contract_limits limits);
/* Invalid sizes and alignments give NULL or false and change nothing. */
void check_refusals(struct cupel_allocator *allocator);

#endif
