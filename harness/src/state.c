/* See state.h. A program under <build>/bin/tests/ has its file in <build>/../reports/<variant>/ where the build folder
 * is named after the variant, else in <build>/reports/; any other program beside itself, in cupel-reports/. */
#include "harness/src/state.h"
#include "harness/src/plan.h"

#include "alloc/base/outfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUPEL_VARIANT_NAME
#define CUPEL_VARIANT_NAME ""
#endif

enum { BUCKETS = 1024 };

/* One title and what became of it. */
struct state_entry {
    struct state_entry *next;
    bool failed_before; /* in the file */
    bool was_seen;      /* in this run */
    bool failed_now;
    char title[];
};

static struct state_entry *buckets[BUCKETS];
static bool has_before;
static bool has_now;

static struct state_entry **bucket_of(const char *title) {
    return &buckets[cupel__hash_text(title) % BUCKETS];
}

static struct state_entry *find(const char *title) {
    struct state_entry *entry = *bucket_of(title);
    while (entry != NULL && strcmp(entry->title, title) != 0) {
        entry = entry->next;
    }
    return entry;
}

/* The entry of that title, made where it is not there; NULL when out of memory. */
static struct state_entry *entry_for(const char *title) {
    struct state_entry *entry = find(title);
    if (entry != NULL) {
        return entry;
    }
    size_t length = strlen(title) + 1;
    struct state_entry **bucket = bucket_of(title);
    entry = malloc(sizeof *entry + length);
    if (entry != NULL) {
        *entry = (struct state_entry){.next = *bucket};
        memcpy(entry->title, title, length);
        *bucket = entry;
    }
    return entry;
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
        struct state_entry *entry = entry_for(title);
        is_read = entry != NULL;
        if (entry != NULL) {
            entry->failed_before = true;
            has_before = true;
        }
    }
    (void)fclose(file);
    return is_read || cupel_error_set(error, 0, 0, "%s: out of memory", path);
}

bool cupel__state_has_failed(const char *title) {
    const struct state_entry *entry = find(title);
    return entry != NULL && entry->failed_before;
}

void cupel__state_note(const struct cupel_result *result) {
    char title[1024];
    bool is_failure = cupel_result_is_failure(result);
    if (!is_failure && !has_before) {
        return;
    }
    (void)cupel_result_title(result, title, sizeof title);
    if (is_failure || cupel__state_has_failed(title)) {
        struct state_entry *entry = entry_for(title);
        if (entry != NULL) {
            entry->was_seen = true;
            entry->failed_now = entry->failed_now || is_failure;
            has_now = true;
        }
    }
}

bool cupel__state_save(const char *program, struct cupel_error *error) {
    char path[3 * PATH_MAX];
    struct cupel_outfile file;
    if (!has_now) {
        return true; /* nothing that the file would say has changed */
    }
    file_path(program, path, sizeof path);
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct state_entry *entry = buckets[i]; entry != NULL; entry = entry->next) {
            if (entry->was_seen ? entry->failed_now : entry->failed_before) {
                fprintf(file.stream, "%s\n", entry->title);
            }
        }
    }
    return cupel_outfile_commit(&file, error);
}

void cupel__state_deinit(void) {
    for (size_t i = 0; i < BUCKETS; i++) {
        while (buckets[i] != NULL) {
            struct state_entry *next = buckets[i]->next;
            free(buckets[i]);
            buckets[i] = next;
        }
    }
    has_before = false;
    has_now = false;
}
