/* A call stack as text, one line a frame. */
#ifndef ALLOC_SRC_FRAMES_PRINT_H
#define ALLOC_SRC_FRAMES_PRINT_H

#include <stdio.h>

/* Prints "    #0 function+0x12 (module+0x3456)" for each frame, innermost first; what has no symbol is printed by
 * module and offset, what is in no module as an address. Takes the loader's lock: not for signal handlers. */
void cupel__frames_print(FILE *out, const void *const frames[], unsigned count);

#endif
