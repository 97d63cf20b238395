/* See project.h. */
#include "fuzz/tool/project.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *base, const char *name) {
    char path[CUPEL__PATH_MAX];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", base, name);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static void copy(char *to, size_t size, const char *from) {
    size_t length = strlen(from) < size ? strlen(from) : size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static bool is_root(const char *path) {
    char list[CUPEL__PATH_MAX];
    (void)snprintf(list, sizeof list, "%s/CMakeLists.txt", path);
    return is_directory(path, "fuzz") && (is_directory(path, "build") || access(list, F_OK) == 0);
}

static bool find_root(struct project *project, const char *root, struct cupel_error *error) {
    char path[PATH_MAX];
    if (realpath(root == NULL ? "." : root, path) == NULL || strlen(path) >= sizeof project->root) {
        return cupel_error_set(error, 0, 0, "there is no directory '%s'", root == NULL ? "." : root);
    }
    while (root == NULL && !is_root(path) && strcmp(path, "/") != 0) {
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
    }
    if (root == NULL && !is_root(path)) {
        return cupel_error_set(error, 0, 0, "no project here: no directory upward holds fuzz/ and build/ (--root=DIR)");
    }
    copy(project->root, sizeof project->root, path);
    return true;
}

static bool is_target_name(const char *name) {
    for (const char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-') {
            return false;
        }
    }
    return name[0] != '\0' && strlen(name) < TARGET_NAME_MAX;
}

static struct target *target_named(struct project *project, const char *name) {
    for (size_t i = 0; i < project->count; i++) {
        if (strcmp(project->targets[i].name, name) == 0) {
            return &project->targets[i];
        }
    }
    if (project->count == TARGETS_MAX) {
        return NULL;
    }
    struct target *target = &project->targets[project->count++];
    *target = (struct target){.line = 0};
    (void)snprintf(target->name, sizeof target->name, "%s", name);
    return target;
}

struct executables {
    struct project *project;
    bool is_afl;
};

static bool take_executable(void *user, const char *path, const char *name) {
    struct executables *executables = user;
    if (access(path, X_OK) == 0 && is_target_name(name)) {
        struct target *target = target_named(executables->project, name);
        if (target != NULL) {
            *(executables->is_afl ? &target->has_afl : &target->has_libfuzzer) = true;
        }
    }
    return true;
}

/* A line that opens a PROPERTY, at the beginning of the line: the same reading as the build's. */
static struct target *take_line(struct project *project, const char *path, unsigned line, const char *text) {
    char suite[TARGET_NAME_MAX];
    char name[TARGET_NAME_MAX];
    if (sscanf(text, "PROPERTY(%100[A-Za-z0-9_], %100[A-Za-z0-9_]", suite, name) != 2) {
        return NULL;
    }
    for (size_t i = 0; i < project->count; i++) {
        struct target *target = &project->targets[i];
        size_t length = strlen(suite);
        if (strncmp(target->name, suite, length) == 0 && target->name[length] == '_' &&
            strcmp(target->name + length + 1, name) == 0) {
            (void)snprintf(target->source, sizeof target->source, "%s", path_shown(project, path));
            (void)snprintf(target->property, sizeof target->property, "%.62s.%.62s", suite, name);
            target->line = line;
            return target;
        }
    }
    return NULL;
}

/* One line of what a PROPERTY declares; false at its end, where the body begins. */
static bool take_declaration(struct target *target, const char *text) {
    const char *begin = strstr(text, ".dictionary");
    if (begin != NULL) {
        (void)sscanf(begin, ".dictionary = \"%127[^\"]\"", target->dictionary);
    }
    return strchr(text, '{') == NULL;
}

static bool scan_source(void *user, const char *path, const char *name) {
    size_t length = strlen(name);
    FILE *file = length > 2 && strcmp(name + length - 2, ".c") == 0 ? fopen(path, "r") : NULL;
    if (file == NULL) {
        return true;
    }
    char text[512];
    struct target *target = NULL; /* whose declaration is being read */
    for (unsigned line = 1; fgets(text, sizeof text, file) != NULL; line++) {
        struct target *opened = take_line(user, path, line, text);
        target = opened != NULL ? opened : target;
        target = target != NULL && take_declaration(target, text) ? target : NULL;
    }
    (void)fclose(file);
    return true;
}

/* Sources with PROPERTYs stand in <room>/tests and <room>/bodies; those of the libraries of others in the third.
 * Projects without rooms have one folder of tests. */
static void scan_sources(struct project *project) {
    static const char *const own[] = {"tests", "tests/cupel", "cupel", "fuzz"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char path[CUPEL__PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", project->root, own[i]);
        (void)cupel__store_each(path, scan_source, project, NULL);
    }
    DIR *rooms = opendir(project->root);
    struct dirent *entry;
    while (rooms != NULL && (entry = readdir(rooms)) != NULL) {
        static const char *const folders[] = {"tests", "bodies", "examples/libraries"};
        for (size_t i = 0; i < 3 && entry->d_name[0] != '.' && strcmp(entry->d_name, "build") != 0; i++) {
            char path[CUPEL__PATH_MAX];
            (void)snprintf(path, sizeof path, "%s/%s/%s", project->root, entry->d_name, folders[i]);
            (void)cupel__store_each(path, scan_source, project, NULL);
        }
    }
    if (rooms != NULL) {
        (void)closedir(rooms);
    }
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct target *)a)->name, ((const struct target *)b)->name);
}

bool project_open(struct project *project, const char *root, const char *build, struct cupel_error *error) {
    *project = (struct project){.count = 0};
    if (!find_root(project, root, error)) {
        return false;
    }
    char path[CUPEL__PATH_MAX];
    (void)snprintf(path, sizeof path, "%.2000s/build", project->root);
    copy(project->build, sizeof project->build, build == NULL ? path : build);
    (void)snprintf(project->work, sizeof project->work, "%s/fuzzing", project->build);
    struct executables executables = {project, false};
    (void)snprintf(path, sizeof path, "%s/fuzz/bin/fuzz", project->build);
    (void)cupel__store_each(path, take_executable, &executables, NULL);
    executables.is_afl = true;
    (void)snprintf(path, sizeof path, "%s/afl/bin/fuzz", project->build);
    (void)cupel__store_each(path, take_executable, &executables, NULL);
    qsort(project->targets, project->count, sizeof project->targets[0], compare_names);
    scan_sources(project);
    return true;
}

struct target *project_find(struct project *project, const char *name) {
    for (size_t i = 0; i < project->count; i++) {
        struct target *target = &project->targets[i];
        if (strcmp(target->name, name) == 0 || strcmp(target->property, name) == 0) {
            return target;
        }
    }
    return NULL;
}

const char *path_engine(const struct project *project, const struct target *target, const char *variant, char *path) {
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/%s/bin/fuzz/%s", project->build, variant, target->name);
    return path;
}

const char *path_fuzz(const struct project *project, const char *kind, const struct target *target, char *path) {
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/fuzz/%s/%s", project->root, kind, target->name);
    return path;
}

const char *path_work(const struct project *project, const struct target *target, const char *name, char *path) {
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/%s%s%s", project->work, target->name, name[0] == '\0' ? "" : "/", name);
    return path;
}

const char *path_dictionary(const struct project *project, const struct target *target, char *path) {
    bool is_named = target->dictionary[0] != '\0';
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/fuzz/dictionaries/%s%s", project->root,
                   is_named ? target->dictionary : target->name, is_named ? "" : ".dict");
    return access(path, R_OK) == 0 ? path : NULL;
}

bool project_has_dictionary(const struct project *project, const struct target *target, struct cupel_error *error) {
    char path[CUPEL__PATH_MAX];
    if (target->dictionary[0] == '\0' || path_dictionary(project, target, path) != NULL) {
        return true;
    }
    return cupel_error_set(error, 0, 0, "%s:%u: %s names the dictionary %s: %s", target->source, target->line,
                           target->name, path_shown(project, path), strerror(errno));
}

const char *path_shown(const struct project *project, const char *path) {
    size_t length = strlen(project->root);
    return strncmp(path, project->root, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}
