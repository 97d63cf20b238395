/* Children that run bodies which may kill them. */
#ifndef HARNESS_SRC_CHILD_H
#define HARNESS_SRC_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Called in the parent while a child shows that it goes on: test programs tell their supervisor by it. NULL: none. (A
 * variable, so that cupel_sweep does not bring the whole runner into programs that have no tests.) */
extern void (*cupel__child_on_life)(void);
/* Calls it, where there is one. */
void cupel__child_is_alive(void);

/* In the child, first: it leaves no core file, and ends with its parent. */
void cupel__child_begin(void);

/* How a child process ended. */
struct cupel__death {
    bool is_hang;       /* we killed it */
    int signal;         /* or 0 */
    int status;         /* or -1 */
    int64_t output_max; /* we killed it: it printed more than these bytes; else 0 */
    int stop_signal;    /* we killed it, which `signal` says: it had stopped itself by this one; else 0 */
};
/* Where the child has stopped itself, kills it, since nobody would ever wake it, and waits for it: true, and how it
 * ended. Does not wait otherwise. */
bool cupel__child_end_stopped(pid_t child, struct cupel__death *death);
/* Waits for a child; kills it where `progress` (in shared memory; NULL: none) stays the same for timeout_ms, or where
 * it stops itself. Calls cupel__child_on_life each time that it did not. */
struct cupel__death cupel__child_wait(pid_t child, const volatile uint64_t *progress, int64_t timeout_ms);
/* True where a process that died so, with these last words, ended by the program's own policy for such cases: it left,
 * or called abort, and neither a sanitizer nor an assertion nor the C library's own checks said why. */
bool cupel__death_is_policy(const struct cupel__death *death, const char *output);
/* True where it was we who ended it, for what it did. */
bool cupel__death_is_by_limit(const struct cupel__death *death);
/* "died by signal 11 (SIGSEGV, Segmentation fault)", ... */
void cupel__death_text(const struct cupel__death *death, char *text, size_t size);
/* A file of /proc, as much of it as there is room for; "" where it cannot be read. */
void cupel__proc_read(const char *path, char *text, size_t size);
/* True where that process, forked by us and now ended, but not yet waited for, had executed another program, whose name
 * (its first 15 bytes) is then in `name`. */
bool cupel__child_has_executed(pid_t child, char *name, size_t size);
/* Ends all children of this process: what tests left behind came to it as the nearest subreaper. */
void cupel__child_end_orphans(void);

#endif
