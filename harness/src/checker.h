/* A checker around the whole program (valgrind): what it reports while a test runs becomes a failure of that test, with
 * the report's text. It is asked by valgrind's client requests, which do nothing elsewhere; its words are read from the
 * files that CUPEL_CHECKER_LOGS names, one a process, which `cupel test --wrap` has it write. */
#ifndef HARNESS_SRC_CHECKER_H
#define HARNESS_SRC_CHECKER_H

#include "harness/result.h"

#include <stdbool.h>
#include <sys/types.h>

/* Where the logs are: asked of the environment once, before tests change it. */
void cupel__checker_start(void);
/* Before a body. */
void cupel__checker_begin(void);
/* After it: false where the checker reported errors meanwhile, with its text in `messages` (NULL: nowhere). */
bool cupel__checker_end(struct cupel_text *messages);
/* What it said of a process that has ended, and was not told yet: to `messages`. False where there is nothing. */
bool cupel__checker_tell(pid_t process, struct cupel_text *messages);

#endif
