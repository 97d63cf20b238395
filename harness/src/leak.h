/* What plain malloc left behind at the end of a run: a leak only where a second run leaves more. What libraries keep
 * once, and would keep whoever called them, is named apart and fails nothing. */
#ifndef HARNESS_SRC_LEAK_H
#define HARNESS_SRC_LEAK_H

#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>

/* Blocks of plain malloc that the run acquired and that are live. */
struct cupel__left {
    uint64_t blocks;
    uint64_t bytes;
    const void *site; /* that asked for one of them */
};

struct cupel__left cupel__left(void);
/* Runs again(user) with a silent record as cupel__run.result, and puts back what the first run came to: the record, its
 * faults, their note. True where requests of plain malloc that left blocks in the first run left more of them. Where
 * a fault struck, one such run is not enough: the first may have kept a part of what it sets up once, and the second
 * another part. It has to go on so. */
bool cupel__left_again(void (*again)(void *user), void *user);
/* "leak: ..." into the messages of the record. */
void cupel__left_say_leak(const struct cupel__left *left, struct cupel_text *messages);
/* "retained once: ..." into the record. */
void cupel__left_say_retained(const struct cupel__left *left, struct cupel_result *result);

#endif
