/* Running another program to its end. */
#ifndef COVERAGE_SRC_RUN_H
#define COVERAGE_SRC_RUN_H

#include "alloc/base/message.h"

#include <stdbool.h>

/* Runs a program found on the PATH, with its output and messages in two descriptors, and waits. `arguments` ends with
 * NULL. False, with a text, where it cannot be run or ends with another status than 0. */
bool cupel__run_program(char *const arguments[], int output, int messages, struct cupel_error *error);

#endif
