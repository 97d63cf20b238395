/* Stacks in a failure's messages, as a person wants them: up to the test's own frame, with file and line. */
#ifndef HARNESS_SRC_SYMBOLISE_H
#define HARNESS_SRC_SYMBOLISE_H

#include "harness/result.h"

#include <stdbool.h>

/* True where the text holds a stack. */
bool cupel__symbolise_is_needed(const struct cupel_text *text);
/* In lines of the form "    #0 function+0x12 (module+0x3456)", cuts off what lies outwards of the test's own frame, and
 * puts "at file:line" where a program that reads debug info knows it (alloc/lines.h). One process a module; all of a
 * run share a bound of time, after which lines stay as they are, as they do on any error. Not for the process that runs
 * a test at the moment; one thread at a time. */
void cupel__symbolise(struct cupel_text *text);

#endif
