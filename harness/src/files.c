/* Input files: see files.h. Sorted, so that every machine runs them in the same order. */
#include "harness/src/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16 };

static bool append(struct cupel__files *files, const char *path, size_t size, struct cupel_error *error) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity == 0 ? 64 : files->capacity * 2;
        char **paths = realloc(files->paths, capacity * sizeof *paths);
        if (paths == NULL) {
            return cupel_error_set(error, 0, 0, "%s: out of memory after %zu files", path, files->count);
        }
        files->paths = paths;
        files->capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return cupel_error_set(error, 0, 0, "%s: out of memory", path);
    }
    files->paths[files->count++] = copy;
    files->longest = size > files->longest ? size : files->longest;
    return true;
}

static int has_no_dot(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool add(struct cupel__files *files, const char *path, unsigned depth, struct cupel_error *error);

static bool add_directory(struct cupel__files *files, const char *path, unsigned depth, struct cupel_error *error) {
    struct dirent **entries = NULL; /* MemorySanitizer does not see scandir write it where there is no entry */
    int count = scandir(path, &entries, has_no_dot, alphasort);
    if (count < 0) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    bool ok = true;
    for (int i = 0; i < count; i++) {
        char below[4096];
        if (ok && snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name) >= (int)sizeof below) {
            ok = cupel_error_set(error, 0, 0, "%s/%s: the path is too long", path, entries[i]->d_name);
        }
        ok = ok && add(files, below, depth + 1, error);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool add(struct cupel__files *files, const char *path, unsigned depth, struct cupel_error *error) {
    struct stat status;
    if (depth > DEPTH_MAX) {
        return cupel_error_set(error, 0, 0, "%s: more than %d directories deep", path, DEPTH_MAX);
    }
    if (stat(path, &status) != 0) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return add_directory(files, path, depth, error);
    }
    return append(files, path, (size_t)status.st_size, error);
}

bool cupel__files_add(struct cupel__files *files, const char *path, struct cupel_error *error) {
    return add(files, path, 0, error);
}

void cupel__files_deinit(struct cupel__files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (struct cupel__files){0};
}

bool cupel__file_read(const char *path, uint8_t *data, size_t size, size_t *length, struct cupel_error *error) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(file, data + used, size - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            (void)cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
            (void)close(file);
            return false;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    (void)close(file);
    *length = used;
    return true;
}
