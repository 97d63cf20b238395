/* See directory.h. A test's path is in its record and so survives the process that made it. What is kept is marked by
 * its sticky bit, which means nothing on a directory that one user alone may enter. */
#include "harness/src/directory.h"
#include "harness/src/directory_stale.h"
#include "harness/src/run.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the run; "" where there is none. Children inherit the path. */
static char run_path[CUPEL_TEST_PATH_MAX - 16];
static pid_t run_owner;
static int run_error;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)place;
    (void)(kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path));
    return 0;
}

static void remove_all(const char *path) {
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *base(void) {
    const char *path = getenv("TMPDIR");
    return path == NULL || path[0] == '\0' ? "/tmp" : path;
}

void cupel__directory_begin_run(void) {
    if (run_owner != 0) {
        return;
    }
    run_owner = getpid();
    if (!cupel__stale_make(base(), run_path, sizeof run_path)) {
        run_error = errno;
        run_path[0] = '\0';
    }
}

const char *cupel__directory_of_run(void) {
    return run_path;
}

void cupel__directory_adopt(const char *path) {
    (void)snprintf(run_path, sizeof run_path, "%s", path);
    run_owner = -1;
}

void cupel__directory_remove_run(const char *run) {
    if (rmdir(run) == 0) { /* as a rule: every test removed its own */
        return;
    }
    DIR *directory = opendir(run);
    for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char path[CUPEL_TEST_PATH_MAX + sizeof entry->d_name];
        struct stat status;
        (void)snprintf(path, sizeof path, "%s/%s", run, entry->d_name);
        bool is_own = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        if (is_own && lstat(path, &status) == 0 && !cupel__directory_is_kept(&status)) {
            remove_all(path);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    if (rmdir(run) != 0) {
        (void)chmod(run, CUPEL__DIRECTORY_KEPT); /* for what is in it */
    }
}

void cupel__directory_end_run(void) {
    if (run_path[0] == '\0' || run_owner != getpid()) {
        return;
    }
    run_owner = 0;
    cupel__directory_remove_run(run_path);
    cupel__stale_end();
    run_path[0] = '\0';
}

const char *cupel__directory_of_worker(unsigned slot) {
    static char path[sizeof run_path + 16];
    if (run_path[0] == '\0') {
        return NULL;
    }
    (void)snprintf(path, sizeof path, "%s/w%u", run_path, slot);
    if (mkdir(path, 0700) != 0) {
        remove_all(path);
        if (mkdir(path, 0700) != 0) {
            return NULL;
        }
    }
    return setenv("TMPDIR", path, 1) == 0 ? path : NULL;
}

const char *test_directory(void) {
    struct cupel_result *result = cupel__run.result;
    if (result->directory[0] != '\0') {
        return result->directory;
    }
    if (run_path[0] == '\0' && run_owner == 0) { /* no runner here: an engine's target, or a program of its own */
        cupel__directory_begin_run();
        (void)atexit(cupel__directory_end_run);
    }
    char path[CUPEL_TEST_PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/t-XXXXXX", run_path);
    errno = run_error;
    if (run_path[0] == '\0' || mkdtemp(path) == NULL) {
        cupel__fail(true, NULL, 0, "test_directory: cannot make a directory under %s: %s", base(), strerror(errno));
    }
    memcpy(result->directory, path, (size_t)length + 1);
    return result->directory;
}

void cupel__directory_done(struct cupel_result *result, bool keep) {
    if (result->directory[0] == '\0') {
        return;
    }
    if (keep) {
        (void)chmod(result->directory, CUPEL__DIRECTORY_KEPT);
        cupel_text_add(&result->messages, "its directory is kept: %s\n", result->directory);
        return;
    }
    remove_all(result->directory);
    result->directory[0] = '\0';
}
