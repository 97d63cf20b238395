/* See inputs.h. */
#include "fuzz/src/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

int64_t cupel__store_each(const char *directory, bool (*visit)(void *user, const char *path, const char *name),
                          void *user, struct cupel_error *error) {
    struct dirent **entries;
    int count = scandir(directory, &entries, is_shown, alphasort);
    if (count < 0) {
        if (errno == ENOENT) {
            return 0;
        }
        (void)cupel_error_set(error, 0, 0, "%s: %s", directory, strerror(errno));
        return -1;
    }
    int64_t visited = 0;
    bool goes_on = true;
    for (int i = 0; i < count; i++) {
        char path[CUPEL__PATH_MAX];
        struct stat info;
        if (goes_on && (size_t)snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name) < sizeof path &&
            stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            visited++;
            goes_on = visit(user, path, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return visited;
}

static bool visit_nothing(void *user, const char *path, const char *name) {
    (void)user;
    (void)path;
    (void)name;
    return true;
}

int64_t cupel__store_count(const char *directory) {
    int64_t count = cupel__store_each(directory, visit_nothing, NULL, NULL);
    return count < 0 ? 0 : count;
}

uint8_t *cupel__store_read(const char *path, size_t *length, struct cupel_error *error) {
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        (void)cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
        if (file != NULL) {
            (void)fclose(file);
        }
        return NULL;
    }
    if (!S_ISREG(info.st_mode) || info.st_size > CUPEL__INPUT_MAX) {
        (void)cupel_error_set(error, 0, 0, "%s: %s", path,
                              S_ISREG(info.st_mode) ? "over 16 MiB, which is no input" : "not a regular file");
        (void)fclose(file);
        return NULL;
    }
    uint8_t *data = malloc((size_t)info.st_size + 1);
    *length = data == NULL ? 0 : fread(data, 1, (size_t)info.st_size, file);
    bool is_bad = data == NULL || ferror(file) != 0;
    (void)fclose(file);
    if (is_bad) {
        (void)cupel_error_set(error, 0, 0, "%s: %s", path, data == NULL ? "out of memory" : "cannot be read");
        free(data);
        return NULL;
    }
    return data;
}

bool cupel__store_add_file(const char *directory, const char *path, char name[CUPEL_SHA1_TEXT], bool *is_new,
                           struct cupel_error *error) {
    size_t length;
    uint8_t *data = cupel__store_read(path, &length, error);
    if (data == NULL) {
        return false;
    }
    bool is_stored = cupel_store_add(directory, data, length, name, is_new, error);
    free(data);
    return is_stored;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void cupel__remove_tree(const char *path) {
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
