/* Where the output of tests goes: a file in memory that is emptied before each test and read where one fails. */
#ifndef HARNESS_SRC_CAPTURE_H
#define HARNESS_SRC_CAPTURE_H

#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>

/* A new file in memory, closed on exec; -1 where there is none to be had. */
int cupel__capture_open(void);
/* Standard output and error of this process become that file; standard input becomes /dev/null where `with_input`. */
void cupel__capture_redirect(int file, bool with_input);
/* Empties the file for the next test, and takes the two streams back where a test closed or changed them. */
void cupel__capture_begin(int file);
/* What was printed since: where it is too much, its beginning and its end. Flushes the standard streams if `flush`. */
void cupel__capture_read(int file, bool flush, struct cupel_text *text);
/* Bytes in the file. */
int64_t cupel__capture_size(int file);

#endif
