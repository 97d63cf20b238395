/* What a flake follows, found by running the same failing repeat again with parts of what was varied. For each
 * dimension both directions count: whether it alone makes the repeat fail, and whether the repeat still fails with all
 * others but without it. How often to run each is Wald's sequential probability ratio test (Annals of Mathematical
 * Statistics 16, 1945): "as without anything varied" against "at least half way to as with all of it", until the odds
 * for one of them leave less than CUPEL__FOLLOWS_RISK for an error in the whole answer. A failure that comes every time
 * takes a dozen runs a question, a rare one as many more as it needs.
 *
 * Nothing here runs anything: tests (bisect.c), foreign programs (tool/exec_repeat.c) and models do. */
#ifndef HARNESS_SRC_FOLLOWS_H
#define HARNESS_SRC_FOLLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a wrong answer, all questions together. */
#define CUPEL__FOLLOWS_RISK 0.01

enum {
    CUPEL__FOLLOWS_TRIALS = 24,   /* in one call of `run`, at most */
    CUPEL__FOLLOWS_BATCH_MAX = 24 /* of one trial in one call, at most */
};

/* The same repeat with that part of what was varied, each time in a process of its own. */
struct cupel__trial {
    uint32_t mask;
    unsigned wanted;   /* runs, in this call */
    unsigned runs;     /* so far, in all calls; added to by `run` */
    unsigned failures; /* of these */
    int side;          /* what the odds say: 0 open, -1 no effect, 1 an effect */
};

enum cupel__follows_kind {
    CUPEL__FOLLOWS_ANY,         /* each of `mask` alone is enough */
    CUPEL__FOLLOWS_TOGETHER,    /* all of `mask` have to meet */
    CUPEL__FOLLOWS_UNPERTURBED, /* it fails as often with nothing varied */
    CUPEL__FOLLOWS_GONE,        /* it did not fail again */
    CUPEL__FOLLOWS_TOO_RARE,    /* too seldom to tell one from the other */
    CUPEL__FOLLOWS_STOPPED      /* `run` could not go on */
};

struct cupel__follows {
    enum cupel__follows_kind kind;
    uint32_t mask;
    unsigned runs; /* that it took */
};

/* Runs each trial `wanted` times, in any order and at the same time where that is possible; false where it could not,
 * or where enough time was spent. */
typedef bool cupel__follows_run(void *user, struct cupel__trial *trials, unsigned count);

/* Of the dimensions in `active` (bits below CUPEL__DIMENSION_COUNT), all of which were varied where it failed. */
struct cupel__follows cupel__follows_find(uint32_t active, cupel__follows_run *run, void *user);

/* The words for it: those of the dimensions ("a", "a or b", "together: a,b"), or why none can be named. As snprintf,
 * but never cuts a character. `word` writes a dimension's, as snprintf. */
int cupel__follows_format(const struct cupel__follows *follows,
                          int (*word)(void *user, unsigned dimension, char *text, size_t size), void *user, char *text,
                          size_t size);

#endif
