/* See state.h. A program under <build>/bin/tests/ has its file in <build>/../reports/<variant>/ where the build folder
 * is named after the variant, else in <build>/reports/; any other program beside itself, in cupel-reports/. */
#include "harness/src/state.h"

#include "alloc/base/outfile.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUPEL_VARIANT_NAME
#define CUPEL_VARIANT_NAME ""
#endif

/* One title and what became of it. */
struct state_entry {
    bool has_failed;
    char title[];
};

static void *before; /* failed last time */
static void *now;    /* seen in this run */

static int compare(const void *left, const void *right) {
    const struct state_entry *a = left;
    const struct state_entry *b = right;
    return strcmp(a->title, b->title);
}

/* The entry of that title, made where it is not there; NULL when out of memory. */
static struct state_entry *entry_for(void **tree, const char *title) {
    size_t length = strlen(title) + 1;
    struct state_entry *fresh = malloc(sizeof *fresh + length);
    if (fresh == NULL) {
        return NULL;
    }
    fresh->has_failed = false;
    memcpy(fresh->title, title, length);
    struct state_entry **found = tsearch(fresh, tree, compare);
    if (found == NULL || *found != fresh) {
        free(fresh);
    }
    return found == NULL ? NULL : *found;
}

static const struct state_entry *find(void *const *tree, const char *title) {
    size_t length = strlen(title) + 1;
    struct state_entry *key = malloc(sizeof *key + length);
    if (key == NULL) {
        return NULL;
    }
    memcpy(key->title, title, length);
    struct state_entry **found = tfind(key, tree, compare);
    free(key);
    return found == NULL ? NULL : *found;
}

/* Cuts the last part off a path; false where there is none. */
static bool cut(char *path) {
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return false;
    }
    *slash = '\0';
    return true;
}

static bool ends_with(const char *path, const char *end) {
    size_t length = strlen(path);
    size_t end_length = strlen(end);
    return length > end_length && strcmp(path + length - end_length, end) == 0;
}

/* In `path` of 3 * PATH_MAX bytes. */
static void file_path(const char *program, char *path, size_t size) {
    char root[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", root, sizeof root - 1);
    if (length <= 0) {
        (void)snprintf(root, sizeof root, "%s", program);
    } else {
        root[length] = '\0';
    }
    const char *slash = strrchr(root, '/');
    char name[PATH_MAX];
    (void)snprintf(name, sizeof name, "%s", slash == NULL ? root : slash + 1);
    if (!cut(root)) {
        root[0] = '.';
        root[1] = '\0';
    }
    if (!ends_with(root, "/bin/tests")) {
        (void)snprintf(path, size, "%s/cupel-reports/%s.failed", root, name);
        return;
    }
    (void)cut(root);
    (void)cut(root);
    if (CUPEL_VARIANT_NAME[0] != '\0' && ends_with(root, "/" CUPEL_VARIANT_NAME)) {
        (void)cut(root);
        (void)snprintf(path, size, "%s/reports/" CUPEL_VARIANT_NAME "/%s.failed", root, name);
    } else {
        (void)snprintf(path, size, "%s/reports/%s.failed", root, name);
    }
}

bool cupel__state_load(const char *program, struct cupel_error *error) {
    char path[3 * PATH_MAX];
    file_path(program, path, sizeof path);
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT) {
        return true; /* nothing failed yet */
    }
    if (file == NULL) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    char title[1024];
    bool is_read = true;
    while (is_read && fgets(title, sizeof title, file) != NULL) {
        title[strcspn(title, "\n")] = '\0';
        struct state_entry *entry = entry_for(&before, title);
        is_read = entry != NULL;
        if (entry != NULL) {
            entry->has_failed = true;
        }
    }
    (void)fclose(file);
    return is_read || cupel_error_set(error, 0, 0, "%s: out of memory", path);
}

bool cupel__state_has_failed(const char *title) {
    const struct state_entry *entry = find(&before, title);
    return entry != NULL && entry->has_failed;
}

void cupel__state_note(const struct cupel_result *result) {
    char title[1024];
    bool is_failure = cupel_result_is_failure(result);
    if (!is_failure && before == NULL) {
        return;
    }
    (void)cupel_result_title(result, title, sizeof title);
    if (is_failure || cupel__state_has_failed(title)) {
        struct state_entry *entry = entry_for(&now, title);
        if (entry != NULL) {
            entry->has_failed = entry->has_failed || is_failure;
        }
    }
}

static FILE *walk_out;

static void write_now(const void *node, VISIT visit, int depth) {
    (void)depth;
    const struct state_entry *entry = *(struct state_entry *const *)node;
    if ((visit == postorder || visit == leaf) && entry->has_failed) {
        fprintf(walk_out, "%s\n", entry->title);
    }
}

static void write_before(const void *node, VISIT visit, int depth) {
    (void)depth;
    const struct state_entry *entry = *(struct state_entry *const *)node;
    if ((visit == postorder || visit == leaf) && find(&now, entry->title) == NULL) {
        fprintf(walk_out, "%s\n", entry->title);
    }
}

bool cupel__state_save(const char *program, struct cupel_error *error) {
    char path[3 * PATH_MAX];
    struct cupel_outfile file;
    file_path(program, path, sizeof path);
    if (now == NULL) {
        return true; /* nothing that the file would say has changed */
    }
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    walk_out = file.stream;
    twalk(now, write_now);
    twalk(before, write_before);
    return cupel_outfile_commit(&file, error);
}

void cupel__state_deinit(void) {
    tdestroy(before, free);
    tdestroy(now, free);
    before = NULL;
    now = NULL;
}
