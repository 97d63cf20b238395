/* A file that is complete or is not there: written beside its place, then renamed. What stood there before stays until
 * then. */
#ifndef ALLOC_BASE_OUTFILE_H
#define ALLOC_BASE_OUTFILE_H

#include "alloc/base/message.h"

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_outfile {
    FILE *stream; /* write here */
    char path[4096];
    char temporary[4096]; /* "": written directly */
};

/* Opens a temporary file in the directory of `path`, making missing directories. False and a text naming the file on
 * error. The caller owns `file` until commit or discard, one of which must follow. A symbolic link is followed; an
 * existing file's permissions are kept; what is no regular file (a terminal, /dev/null, a pipe) is written directly.
 * Thread-safe. A program that is killed leaves ".NAME.PID-N.tmp" behind and `path` as it was. */
bool cupel_outfile_open(struct cupel_outfile *file, const char *path, struct cupel_error *error);
/* Flushes, checks every earlier write, renames. On any error (a full disk) the temporary file goes and `path` is as it
 * was. */
bool cupel_outfile_commit(struct cupel_outfile *file, struct cupel_error *error);
/* Gives up: removes the temporary file. A zeroed struct is allowed. */
void cupel_outfile_discard(struct cupel_outfile *file);
/* mkdir -p. False and a text on error; an existing directory is no error. */
bool cupel_make_directories(const char *path, struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
