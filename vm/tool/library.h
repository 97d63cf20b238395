/* What programs find when `cupel vm run` runs them: natives as globals. */
#ifndef VM_TOOL_LIBRARY_H
#define VM_TOOL_LIBRARY_H

#include "vm/run.h"

/* Defines print (each argument, spaces between, a newline) and clock (seconds of processor time, a double). False when
 * out of memory. */
bool library_define(vm_t *vm);

#endif
