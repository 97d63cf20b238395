/* Where this cupel is installed, and whether CMake looks there by itself: see init.h. */
#include "harness/tool/init.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True where a folder of the list, separated by colons, is this one; `below` follows the folder in the list. */
static bool is_listed(const char *list, const char *folder, const char *below) {
    char wanted[PATH_MAX];
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        char given[PATH_MAX];
        char real[PATH_MAX];
        int written = snprintf(given, sizeof given, "%.*s", (int)length, list);
        (void)snprintf(wanted, sizeof wanted, "%s%s", folder, below);
        if (written > 0 && (size_t)written < sizeof given && realpath(given, real) != NULL &&
            strcmp(real, wanted) == 0) {
            return true;
        }
        list += length + (list[length] == ':');
    }
    return false;
}

/* True where the package's files for CMake are under this prefix. */
static bool has_package(const char *prefix) {
    static const char *const folders[] = {"lib*", "lib*/*", "share"};
    bool is_found = false;
    for (size_t i = 0; !is_found && i < sizeof folders / sizeof folders[0]; i++) {
        char pattern[PATH_MAX + 64];
        glob_t paths;
        size_t used = 0; /* the prefix is no pattern */
        for (const char *at = prefix; *at != '\0' && used < PATH_MAX; at++) {
            if (strchr("*?[\\", *at) != NULL) {
                pattern[used++] = '\\';
            }
            pattern[used++] = *at;
        }
        (void)snprintf(pattern + used, sizeof pattern - used, "/%s/cmake/cupel/cupelConfig.cmake", folders[i]);
        if (glob(pattern, 0, NULL, &paths) == 0) {
            is_found = true;
            globfree(&paths);
        }
    }
    return is_found;
}

enum init_place init_find_prefix(char *prefix, size_t size) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    char *name = strrchr(path, '/');
    if (name != NULL) {
        *name = '\0';
    }
    char *folder = name != NULL ? strrchr(path, '/') : NULL; /* bin, mostly */
    if (folder == NULL || folder == path) {
        return INIT_FOUND; /* /bin: CMake looks in / */
    }
    char below[NAME_MAX + 2];
    (void)snprintf(below, sizeof below, "%s", folder);
    *folder = '\0';
    (void)snprintf(prefix, size, "%s", path);
    if (!has_package(path)) {
        return INIT_NOT_INSTALLED;
    }
    /* Where it looks: CMAKE_PREFIX_PATH, the folders above those of PATH, and its own ones. */
    bool is_found = strcmp(path, "/usr") == 0 || strcmp(path, "/usr/local") == 0 ||
                    is_listed(getenv("CMAKE_PREFIX_PATH"), path, "") || is_listed(getenv("PATH"), path, below);
    return is_found ? INIT_FOUND : INIT_ELSEWHERE;
}
