/* An address of the stack that is in no frame: so far below a caller's. */
#ifndef ALLOC_TESTS_DEEP_STACK_H
#define ALLOC_TESTS_DEEP_STACK_H

#include "alloc/base/poison.h"
#include "harness/harness.h"

enum { DEEP_STACK_BYTES = 60000 };

/* Valgrind gives programs a stack of its own, which grows as it is used and has no name among the mappings. */
static inline void deep_stack_needed(void) {
    if (cupel__is_watched()) {
        cupel_test_skip("under valgrind the stack below all frames is a mapping like any other");
    }
}

#endif
