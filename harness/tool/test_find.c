/* Which programs `cupel test` runs: those in bin/tests beside it, or in another variant's build tree. See test.h. */
#include "harness/tool/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CUPEL_VARIANT_NAME
#define CUPEL_VARIANT_NAME ""
#endif

/* Cuts the last part off; the part, or NULL where there is none. */
static const char *cut(char *path) {
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return NULL;
    }
    *slash = '\0';
    return slash + 1;
}

static bool has_tests(const char *tree) {
    char path[2100];
    (void)snprintf(path, sizeof path, "%s/bin/tests", tree);
    return access(path, F_OK) == 0;
}

/* This program is installed: the build trees are those of the project that it stands in now. */
static void locate_here(struct cupel__test_programs *programs, const char *variant) {
    (void)snprintf(programs->directory, sizeof programs->directory, "build/%s/bin/tests", variant);
    (void)snprintf(programs->evidence, sizeof programs->evidence, "build/evidence/%s/results.jsonl", variant);
}

bool cupel__test_locate(struct cupel__test_programs *programs, const char *variant, struct cupel_error *error) {
    char tree[2048];
    ssize_t length = readlink("/proc/self/exe", tree, sizeof tree - 1);
    if (length <= 0) {
        return cupel_error_set(error, 0, 0, "cannot find where this program is: %s", strerror(errno));
    }
    tree[length] = '\0';
    bool has_parts = cut(tree) != NULL;
    const char *folder = has_parts ? cut(tree) : NULL; /* "bin" */
    if (folder == NULL) {
        return cupel_error_set(error, 0, 0, "%s is in no build tree", tree);
    }
    char *name = strrchr(tree, '/');
    bool is_variant_tree = name != NULL && strcmp(name + 1, CUPEL_VARIANT_NAME) == 0;
    if (!is_variant_tree && !has_tests(tree)) {
        locate_here(programs, variant != NULL ? variant : "dev");
        return true;
    }
    if (variant != NULL && !is_variant_tree) {
        return cupel_error_set(error, 0, 0, "--variant: %s is not the build tree of a variant", tree);
    }
    const char *wanted = variant != NULL ? variant : CUPEL_VARIANT_NAME;
    if (is_variant_tree) {
        *name = '\0';
        (void)snprintf(programs->directory, sizeof programs->directory, "%s/%s/bin/tests", tree, wanted);
        (void)snprintf(programs->evidence, sizeof programs->evidence, "%s/evidence/%s/results.jsonl", tree, wanted);
    } else {
        (void)snprintf(programs->directory, sizeof programs->directory, "%s/bin/tests", tree);
        (void)snprintf(programs->evidence, sizeof programs->evidence, "%s/evidence/results.jsonl", tree);
    }
    return true;
}

static bool is_program(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool add(struct cupel__test_programs *programs, const char *path) {
    if (programs->count == CUPEL__PROGRAMS_MAX) {
        return false;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return false;
    }
    programs->paths[programs->count++] = copy;
    return true;
}

static int compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool cupel__test_find_all(struct cupel__test_programs *programs, struct cupel_error *error) {
    DIR *directory = opendir(programs->directory);
    if (directory == NULL) {
        return cupel_error_set(error, 0, 0, "%s: %s", programs->directory, strerror(errno));
    }
    bool is_complete = true;
    for (const struct dirent *entry; is_complete && (entry = readdir(directory)) != NULL;) {
        char path[5000];
        (void)snprintf(path, sizeof path, "%s/%s", programs->directory, entry->d_name);
        is_complete = !is_program(path) || add(programs, path);
    }
    (void)closedir(directory);
    qsort(programs->paths, programs->count, sizeof programs->paths[0], compare);
    return is_complete || cupel_error_set(error, 0, 0, "%s: too many programs", programs->directory);
}

bool cupel__test_find_named(struct cupel__test_programs *programs, const char *word) {
    char path[5000];
    (void)snprintf(path, sizeof path, "%s/%s", programs->directory, word);
    const char *found = strchr(word, '/') != NULL ? word : path;
    return is_program(found) && add(programs, found);
}

void cupel__test_programs_deinit(struct cupel__test_programs *programs) {
    for (size_t i = 0; i < programs->count; i++) {
        free(programs->paths[i]);
    }
    programs->count = 0;
}
