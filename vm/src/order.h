/* Comparing values one level at a time: shared by vm_compare, vm_equal and tables. */
#ifndef VM_SRC_ORDER_H
#define VM_SRC_ORDER_H

#include "vm/src/heap.h"

/* What a comparison of two values without looking into their elements gives. */
enum vm__verdict {
    VM__SAME,
    VM__LESS,
    VM__MORE,
    VM__INSIDE, /* the elements decide */
    VM__FAILED, /* there are no more numbers for identities */
};
enum vm__verdict vm__compare_flat(vm_t *vm, tagged_value_t a, tagged_value_t b);

/* The elements that count for the order of an object, one after another. Good as long as nothing is changed or moved.
 */
struct vm__elements_of {
    const tagged_value_t *values;
    size_t at;     /* where in them the next one is */
    size_t left;   /* how many there are still */
    bool is_table; /* the values are its entries */
};
struct vm__elements_of vm__elements_begin(tagged_value_t value);
tagged_value_t vm__elements_next(struct vm__elements_of *elements);

/* By exact value; NaN comes last and is equal to itself; where values are equal -0.0 comes first, then the integer,
 * then the double. */
int vm__compare_numbers(tagged_value_t a, tagged_value_t b);
bool vm__is_number(tagged_value_t value);
/* The first byte and how many, of bytes or a slice of them. */
const uint8_t *vm__bytes_view(tagged_value_t bytes, size_t *length);
/* The elements of an array or a slice of one, the same. */
tagged_value_t *vm__array_view(tagged_value_t array, size_t *length);

#endif
