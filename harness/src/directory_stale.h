/* Where the directories of runs stand, and what becomes of those whose runner was killed: all of one user are in one
 * directory under TMPDIR, each is locked by its runner for as long as that lives, and a later run removes what is old,
 * not locked, and of no process that is known here. */
#ifndef HARNESS_SRC_DIRECTORY_STALE_H
#define HARNESS_SRC_DIRECTORY_STALE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Makes the directory of a run below `base`, locks it, and writes its path. False where it cannot be, with errno set.
 */
bool cupel__stale_make(const char *base, char *path, size_t size);
/* The runner is done with it. Removes what others left behind: it looks at some hundreds at most, and removes few, so
 * that no run waits long for the sins of another. */
void cupel__stale_end(void);

/* directory.c: removes what a run left at `run` but for what is kept, and the directory where that is nothing. */
void cupel__directory_remove_run(const char *run);
/* What is kept is marked by its mode. */
enum { CUPEL__DIRECTORY_KEPT = 01700 };
static inline bool cupel__directory_is_kept(const struct stat *status) {
    return (status->st_mode & S_ISVTX) != 0;
}

#endif
