/* Input files: corpora, regressions and what a user names. */
#ifndef HARNESS_SRC_FILES_H
#define HARNESS_SRC_FILES_H

#include "alloc/base/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Paths of files, owned. A zeroed struct is an empty list. */
struct cupel__files {
    char **paths;
    size_t count;
    size_t capacity;
    size_t longest; /* bytes of the longest file */
};

/* Adds a file, or all regular files of a directory and of those below it, sorted by name, names with a leading dot left
 * out. False and a text that names the path where it is not there or cannot be read, or when out of memory. */
bool cupel__files_add(struct cupel__files *files, const char *path, struct cupel_error *error);
void cupel__files_deinit(struct cupel__files *files);

/* Reads a whole file into `data` (room for `size` bytes) and sets `length`. A longer file gives its first `size` bytes.
 * False and a text that names the file on error. */
bool cupel__file_read(const char *path, uint8_t *data, size_t size, size_t *length, struct cupel_error *error);

#endif
