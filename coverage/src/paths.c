/* Finds files and makes paths plain: see paths.h. */
#include "coverage/src/paths.h"

#include "coverage/src/vector.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cupel__paths_init(struct cupel__paths *paths, struct cupel_allocator *allocator) {
    *paths = (struct cupel__paths){.allocator = allocator};
}

void cupel__paths_deinit(struct cupel__paths *paths) {
    for (size_t i = 0; i < paths->count; i++) {
        cupel__cover_free_copy(paths->allocator, paths->items[i]);
    }
    if (paths->items != NULL) {
        cupel_free(paths->allocator, paths->items, paths->capacity * sizeof(char *), _Alignof(max_align_t));
    }
    *paths = (struct cupel__paths){.allocator = paths->allocator};
}

bool cupel__paths_add(struct cupel__paths *paths, const char *path) {
    if (!cupel__cover_grow(paths->allocator, &paths->items, &paths->capacity, paths->count, sizeof(char *))) {
        return false;
    }
    char *copy = cupel__cover_copy(paths->allocator, path, strlen(path));
    if (copy == NULL) {
        return false;
    }
    paths->items[paths->count++] = copy;
    return true;
}

static int compare_paths(const void *left, const void *right) {
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

static bool ends_in(const char *name, size_t length, const char *suffix) {
    size_t wanted = strlen(suffix);
    return length >= wanted && memcmp(name + length - wanted, suffix, wanted) == 0;
}

bool cupel__paths_find(struct cupel__paths *paths, const char *folder, const char *suffix, struct cupel_error *error) {
    if (access(folder, F_OK) != 0) {
        return true;
    }
    char root[CUPEL__PATH_MAX];
    (void)snprintf(root, sizeof root, "%s", folder);
    char *const roots[] = {root, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL) {
        return cupel_error_set(error, 0, 0, "%.160s cannot be searched: %s", folder, strerror(errno));
    }
    bool is_good = true;
    for (FTSENT *entry; is_good && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
            is_good = cupel_error_set(error, 0, 0, "%.160s cannot be searched: %s", entry->fts_path,
                                      strerror(entry->fts_errno));
        } else if (entry->fts_info == FTS_F && ends_in(entry->fts_name, entry->fts_namelen, suffix) &&
                   !cupel__paths_add(paths, entry->fts_path)) {
            is_good = cupel_error_set(error, 0, 0, "out of memory");
        }
    }
    (void)fts_close(tree);
    if (paths->count > 1) {
        qsort(paths->items, paths->count, sizeof(char *), compare_paths);
    }
    return is_good;
}

/* Appends the parts of one path. */
static bool append_parts(char *plain, size_t *length, const char *path) {
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            while (*length > 0 && plain[--*length] != '/') {
            }
        } else if (part > 0 && !(part == 1 && path[0] == '.')) {
            if (*length + part + 2 > CUPEL__PATH_MAX) {
                return false;
            }
            plain[(*length)++] = '/';
            memcpy(plain + *length, path, part);
            *length += part;
        }
        path += part;
        path += *path == '/';
    }
    plain[*length] = '\0';
    return true;
}

bool cupel__path_plain(char *plain, const char *folder, const char *path) {
    size_t length = 0;
    plain[0] = '\0';
    return (path[0] == '/' || append_parts(plain, &length, folder)) && append_parts(plain, &length, path);
}

const char *cupel__path_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0) {
        return NULL;
    }
    return path[length] == '/' ? path + length + 1 : path[length] == '\0' ? path + length : NULL;
}

bool cupel__path_absolute(char *absolute, const char *path) {
    char resolved[CUPEL__PATH_MAX];
    if (realpath(path, resolved) != NULL) {
        memcpy(absolute, resolved, strlen(resolved) + 1);
        return true;
    }
    char here[CUPEL__PATH_MAX] = "/";
    return (path[0] == '/' || getcwd(here, sizeof here) != NULL) && cupel__path_plain(absolute, here, path);
}

bool cupel_coverage_set_root(struct cupel_coverage *coverage, const char *path) {
    return cupel__path_absolute(coverage->root, path);
}

void cupel__remove_tree(const char *folder) {
    char root[CUPEL__PATH_MAX];
    (void)snprintf(root, sizeof root, "%s", folder);
    char *const roots[] = {root, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL) {
        return;
    }
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_DP) {
            (void)rmdir(entry->fts_accpath);
        } else if (entry->fts_info != FTS_D) {
            (void)unlink(entry->fts_accpath);
        }
    }
    (void)fts_close(tree);
}
