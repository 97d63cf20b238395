/* The words of fault plans, shared by what reads them and what writes them. */
#ifndef ALLOC_SRC_FAULT_WORDS_H
#define ALLOC_SRC_FAULT_WORDS_H

#include "alloc/failing.h"

#include <stddef.h>

enum { CUPEL__FAULT_CALLS = 8 };
extern const char *const cupel__fault_calls[CUPEL__FAULT_CALLS]; /* by enum cupel_fault_call */

struct cupel__fault_how {
    const char *name;
    int error; /* errno value; 0 for the other words */
};
/* True where the rule moves blocks instead of refusing requests. */
static inline bool cupel__fault_moves(const struct cupel_fault_rule *rule) {
    return rule->how[0] == 'm'; /* no other word begins so */
}
/* The entry of this name, or NULL. */
const struct cupel__fault_how *cupel__fault_how_find(const char *name, size_t length);

#endif
