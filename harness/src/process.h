/* Which process this is, for those who ask before and after every body: without a system call each. */
#ifndef HARNESS_SRC_PROCESS_H
#define HARNESS_SRC_PROCESS_H

#include <sys/types.h>

/* As getpid, also in a child that was forked by the bare system call. (Not in one that shares its parent's memory, and
 * so must not come back from where it began.) A few ns but for the first of a process. One thread at a time. */
pid_t cupel__process(void);

#endif
