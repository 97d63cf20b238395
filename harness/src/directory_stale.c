/* See directory_stale.h. A lock is on a directory itself and goes with the last process that has it open; the number of
 * the runner's process, by which a directory's name begins, tells where locks do not. */
#include "harness/src/directory_stale.h"
#include "harness/src/left_behind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { AGE_S = 600, LOOKED_AT_MAX = 512, REMOVED_MAX = 4, TRIES_MAX = 8 };

static char home[4096]; /* of all runs of this user; "": they stand in TMPDIR itself */
static int lock = -1;

/* Others may have made it first, in a TMPDIR that is everybody's: then it is not used. */
static bool is_own(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

static void take_lock(const char *path) {
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lock = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, CUPEL__OWN_DESCRIPTORS);
    if (file >= 0) {
        (void)close(file);
    }
    if (lock >= 0) {
        (void)flock(lock, LOCK_EX | LOCK_NB);
        cupel__left_behind_own(lock);
    }
}

bool cupel__stale_make(const char *base, char *path, size_t size) {
    size_t length = (size_t)snprintf(home, sizeof home, "%s/cupel-test-%u", base, (unsigned)geteuid());
    bool is_made = false;
    bool is_home_own = false;
    errno = ENAMETOOLONG;
    /* Another run may remove the home as it ends, in between. */
    for (unsigned i = 0; i < TRIES_MAX && !is_made && length < sizeof home; i++) {
        is_home_own = (mkdir(home, 0700) == 0 || errno == EEXIST) && is_own(home);
        length = (size_t)snprintf(path, size, "%s/%d-XXXXXX", home, (int)getpid());
        is_made = is_home_own && length < size && mkdtemp(path) != NULL;
        if (!is_home_own || (!is_made && errno != ENOENT)) {
            break;
        }
    }
    if (!is_home_own) {
        home[0] = '\0';
        length = (size_t)snprintf(path, size, "%s/cupel-test-XXXXXX", base);
        is_made = length < size && mkdtemp(path) != NULL;
    }
    if (is_made) {
        take_lock(path);
    }
    return is_made;
}

/* Not of a process that is known here, and old. */
static bool may_be_stale(int directory, const char *name) {
    struct stat status;
    int process = atoi(name);
    return process > 0 && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
           !cupel__directory_is_kept(&status) && status.st_uid == geteuid() &&
           status.st_mtim.tv_sec < time(NULL) - AGE_S && kill(process, 0) != 0 && errno == ESRCH;
}

/* False where somebody lives in it. */
static bool remove_stale(int directory, const char *name) {
    char path[sizeof home + 300];
    int file = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_free = file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0;
    if (is_free) {
        (void)snprintf(path, sizeof path, "%s/%s", home, name);
        cupel__directory_remove_run(path);
    }
    if (file >= 0) {
        (void)close(file);
    }
    return is_free;
}

static void remove_all_stale(void) {
    DIR *stream = opendir(home);
    unsigned removed = 0;
    unsigned looked_at = 0;
    for (const struct dirent *entry;
         stream != NULL && removed < REMOVED_MAX && looked_at++ < LOOKED_AT_MAX && (entry = readdir(stream)) != NULL;) {
        removed += may_be_stale(dirfd(stream), entry->d_name) && remove_stale(dirfd(stream), entry->d_name);
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
}

void cupel__stale_end(void) {
    if (lock >= 0) {
        (void)close(lock);
        lock = -1;
    }
    if (home[0] != '\0' && rmdir(home) != 0) { /* as a rule there is nothing else */
        remove_all_stale();
        (void)rmdir(home);
    }
    home[0] = '\0';
}
