/* Lists of paths: what files a folder holds, and paths made plain. */
#ifndef COVERAGE_SRC_PATHS_H
#define COVERAGE_SRC_PATHS_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "coverage/coverage.h"

#include <stdbool.h>
#include <stddef.h>

enum { CUPEL__PATH_MAX = CUPEL_COVER_PATH_MAX };

struct cupel__paths {
    struct cupel_allocator *allocator;
    char **items; /* owned copies */
    size_t count, capacity;
};

void cupel__paths_init(struct cupel__paths *paths, struct cupel_allocator *allocator);
void cupel__paths_deinit(struct cupel__paths *paths);
/* Adds a copy; false when out of memory. */
bool cupel__paths_add(struct cupel__paths *paths, const char *path);
/* Adds each regular file below `folder` whose name ends in `suffix`, then sorts. A folder that is not there holds
 * nothing; symbolic links are not followed. */
bool cupel__paths_find(struct cupel__paths *paths, const char *folder, const char *suffix, struct cupel_error *error);

/* Writes folder/path, or path where it is absolute, without ".", ".." and doubled slashes, to `plain`
 * (CUPEL__PATH_MAX bytes). By the text alone: links are not looked at. False where it does not fit. */
bool cupel__path_plain(char *plain, const char *folder, const char *path);
/* The part of an absolute plain path below a folder, "" for the folder itself, NULL where it is outside. Borrowed. */
const char *cupel__path_below(const char *path, const char *folder);
/* Removes a folder and all below it, as far as it can; links are not followed. */
void cupel__remove_tree(const char *folder);
/* Makes a path absolute against the current folder, links resolved where it exists. */
bool cupel__path_absolute(char *absolute, const char *path);

#endif
