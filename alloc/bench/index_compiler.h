/* The compiler that bench_index measures: the system's cc1, at work on a file of ours, in a folder that goes away. */
#ifndef ALLOC_BENCH_INDEX_COMPILER_H
#define ALLOC_BENCH_INDEX_COMPILER_H

#include "alloc/bench/index_log.h"

#include <stdbool.h>
#include <stddef.h>

/* Finds the compiler and makes the file. False, and a line on stderr, where there is none. */
bool index_compiler_start(void);
/* Removes what start and the others made. */
void index_compiler_end(void);
/* Compiles the file with the preloaded library, to which INDEX_BENCH says `way`; NULL: without the library. The seconds
 * of CPU that it took; -1, and a line on stderr, where it failed. */
double index_compiler_run(const char *way);
/* Compiles it once more and gives the log of all allocations, from the pages root; NULL where it cannot be had. */
struct index_log_entry *index_compiler_log(size_t *count);

#endif
