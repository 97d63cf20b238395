/* Suppressions as rules, one after another from their text: nothing is kept, so that they are read where a finding is
 * made, whoever holds which lock. */
#ifndef ALLOC_SRC_SUPPRESSIONS_READ_H
#define ALLOC_SRC_SUPPRESSIONS_READ_H

#include "alloc/base/message.h"
#include "alloc/report.h"

enum { CUPEL__PATTERNS_MAX = 24 }; /* frames of a block; as many as valgrind allows */

enum cupel__pattern_of { CUPEL__OF_ANY, CUPEL__OF_FUNCTION, CUPEL__OF_MODULE, CUPEL__OF_SOURCE, CUPEL__OF_FRAMES };

struct cupel__pattern {
    enum cupel__pattern_of of; /* CUPEL__OF_ANY: functions and modules; CUPEL__OF_FRAMES: any number of frames */
    const char *text;
    size_t length;
};

struct cupel__suppression {
    uint32_t kinds; /* bits, 1 << kind; 0: of nothing that is found here */
    bool is_block;  /* false: one pattern, looked for in all of a name */
    unsigned count;
    struct cupel__pattern patterns[CUPEL__PATTERNS_MAX];
};

struct cupel__suppression_text {
    const char *at;
    unsigned line; /* that `at` stands in; 1 for the first */
};

enum cupel__suppressions_end { CUPEL__SUPPRESSION, CUPEL__SUPPRESSIONS_DONE, CUPEL__SUPPRESSIONS_WRONG };

/* The next rule of a text, from {text, 1} on; CUPEL__SUPPRESSIONS_WRONG fills `error` (NULL is allowed). */
enum cupel__suppressions_end cupel__suppressions_next(struct cupel__suppression_text *rules,
                                                      struct cupel__suppression *rule, struct cupel_error *error);

#endif
