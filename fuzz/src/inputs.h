/* Directories of inputs: files named by the SHA-1 of what is in them. A file is written beside its place and renamed,
 * so that a killed process leaves a whole file or none. Nothing here removes an input from a corpus. */
#ifndef FUZZ_SRC_INPUTS_H
#define FUZZ_SRC_INPUTS_H

#include "alloc/base/message.h"
#include "alloc/base/store.h"

#include <stdint.h>

enum { CUPEL__INPUT_MAX = 1 << 24, CUPEL__PATH_MAX = 4096 };

/* Calls visit with the path and name of each regular file directly in `directory`, sorted by name; names that begin
 * with a dot are left out. Stops where it returns false. A directory that is not there has no files. Returns the number
 * of files visited, -1 and a text where the directory cannot be read. */
int64_t cupel__store_each(const char *directory, bool (*visit)(void *user, const char *path, const char *name),
                          void *user, struct cupel_error *error);
/* The number of inputs; 0 where the directory is not there or cannot be read. */
int64_t cupel__store_count(const char *directory);
/* Reads a whole file into fresh memory (release with free). NULL and a text on error or where it is over 16 MiB. An
 * empty file gives memory all the same. */
uint8_t *cupel__store_read(const char *path, size_t *length, struct cupel_error *error);
/* cupel_store_add with the bytes of a file. */
bool cupel__store_add_file(const char *directory, const char *path, char name[CUPEL_SHA1_TEXT], bool *is_new,
                           struct cupel_error *error);
/* Removes a directory and all that is in it; only ever called on working directories under build/. */
void cupel__remove_tree(const char *path);

#endif
