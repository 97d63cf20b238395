/* Gates: the least coverage that rooms and files must have, from a file of rules such as
 *
 *     # path             limits in per cent of lines, branches, functions
 *     alloc              lines=95 branches=80 functions=100
 *     alloc/src/arena.c  lines=100
 *
 * A path is a file, or a folder with all below it, or "." for all. */
#ifndef COVERAGE_GATE_H
#define COVERAGE_GATE_H

#include "alloc/base/status.h"
#include "coverage/coverage.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_GATE_RULES_MAX = 256, CUPEL_GATE_FILE_MAX = 1 << 20, CUPEL_GATE_PATH_MAX = 256 };

struct cupel_gate_rule {
    char path[CUPEL_GATE_PATH_MAX];
    unsigned line; /* of the rules' file */
    /* Least coverage in hundredths of a per cent; 0: none. */
    unsigned lines, branches, functions;
};

struct cupel_gates {
    struct cupel_gate_rule rules[CUPEL_GATE_RULES_MAX];
    size_t count;
};

/* Reads rules. False with line and column of what is wrong. */
bool cupel_gates_parse(struct cupel_gates *gates, const char *text, size_t length, struct cupel_error *error);
/* The same from a file; an unreadable one is an error without a line. */
bool cupel_gates_read(struct cupel_gates *gates, struct cupel_allocator *allocator, const char *path,
                      struct cupel_error *error);

/* Holds a finished model against the rules and prints one line a rule, and for each limit that is missed the places
 * that miss it. CUPEL_OK, CUPEL_GATE where a limit is missed, CUPEL_USAGE where a rule's path names no file of the
 * model. */
enum cupel_status cupel_gates_check(const struct cupel_gates *gates, const struct cupel_coverage *coverage, FILE *out,
                                    struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
