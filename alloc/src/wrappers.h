/* Functions that wrap an allocator: the program's own, "xmalloc", of which a report's reader wants to know the caller.
 * Which they are is said by patterns of names, in the options, and by CUPEL_ALLOCATION_WRAPPER in the source. What is
 * found out of modules' files is kept while a table is open. */
#ifndef ALLOC_SRC_WRAPPERS_H
#define ALLOC_SRC_WRAPPERS_H

#include "alloc/trace.h"

/* How many of a trace's innermost frames are of wrappers; all but the last at most. `patterns` are names separated by
 * commas, in which * stands for anything and ? for one character (4096 functions are known at most); "" for those alone
 * that the source declares. Costs reading the symbol tables of the modules of these frames where there are patterns,
 * otherwise of looking for a section in each, once. Takes no lock; safe in signal handlers. */
unsigned cupel__wrappers_of(const char *patterns, cupel_trace_id trace);

/* The same of many traces: NULL where there is no memory for the table, or where there are no symbols. */
struct cupel__wrappers *cupel__wrappers_open(const char *patterns);
unsigned cupel__wrappers_count(struct cupel__wrappers *wrappers, cupel_trace_id trace);
/* NULL is allowed. */
void cupel__wrappers_close(struct cupel__wrappers *wrappers);

#endif
