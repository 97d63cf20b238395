/* The calls through which refused requests came: not only where memory was asked for, as in the file of sites, but
 * every return address on those stacks. What counts a library's own functions for memory reads this. */
#ifndef HARNESS_SRC_CALLERS_H
#define HARNESS_SRC_CALLERS_H

#include "alloc/base/message.h"

#include <stdbool.h>

/* From here on this process and those forked from it take notes. False where there is no memory to share. */
bool cupel__callers_begin(void);
/* The stack of a refused request. Nothing where no notes are taken. Any thread; a few nanoseconds a frame. */
void cupel__callers_note(const void *const frames[], unsigned count);
/* Writes `{"module":"/path","offset":"0x12"}`, a line a call (the offset of its last byte), and `{"stacks":3}`, how
 * many different call stacks there were (of their innermost frames); complete or not at all. False and a text where the
 * file cannot be written, or there was no memory for all. */
bool cupel__callers_write(const char *path, struct cupel_error *error);

#endif
