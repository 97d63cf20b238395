/* The compiler that bench_index measures, in a folder that goes away: the system's cc1 at work on a file that is made
 * here, and the whole of gcc -O2 -c (driver, cc1, as) at work on a real source of this project. */
#ifndef ALLOC_BENCH_INDEX_COMPILER_H
#define ALLOC_BENCH_INDEX_COMPILER_H

#include "alloc/bench/index_log.h"

#include <stdbool.h>
#include <stddef.h>

enum index_source { INDEX_SOURCE_MADE, INDEX_SOURCE_REAL };

/* Finds the compiler and makes the file. False, and a line on stderr, where there is none. */
bool index_compiler_start(void);
/* Removes what start and the others made. */
void index_compiler_end(void);
/* After start: makes the real source too. False where it cannot be had, with a line on stderr. */
bool index_compiler_start_real(void);
/* Compiles a file with the preloaded library, to which INDEX_BENCH says `way`; NULL: without the library. The seconds
 * of CPU, user's and system's, that all processes of it took; -1, and a line on stderr, where it failed. */
double index_compiler_run(enum index_source which, const char *way);
/* Compiles the made file once more and gives the log of all allocations, from the pages root; NULL where it cannot be
 * had. */
struct index_log_entry *index_compiler_log(size_t *count);

#endif
