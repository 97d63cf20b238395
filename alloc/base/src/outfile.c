/* Files that are complete or not there: written under another name in the same directory, checked, then renamed. */
#include "alloc/base/outfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES_MAX = 1000 };

static atomic_uint serial;

/* Path and reason, the path cut from the left, where the name is not. */
static bool fail(struct cupel_error *error, const char *doing, const char *path, int number) {
    size_t length = strlen(path);
    const char *shown = length > 140 ? path + length - 140 : path;
    return cupel_error_set(error, 0, 0, "could not %s '%s%s': %s", doing, shown == path ? "" : "...", shown,
                           strerror(number));
}

bool cupel_make_directories(const char *path, struct cupel_error *error) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) {
        return fail(error, "make directory", path, length == 0 ? ENOENT : ENAMETOOLONG);
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0') {
            continue;
        }
        part[i] = '\0';
        struct stat status;
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            int why = errno; /* of a directory that is there already, on a disk that takes none, it is no error */
            if (stat(part, &status) != 0 || !S_ISDIR(status.st_mode)) {
                return fail(error, "make directory", part, why);
            }
        }
        if (stat(part, &status) != 0 || !S_ISDIR(status.st_mode)) {
            return fail(error, "make directory", part, ENOTDIR);
        }
        part[i] = i < length ? '/' : '\0';
    }
    return true;
}

/* Makes the directory part of file->path and a new file in it; the descriptor, or -1. */
static int open_beside(struct cupel_outfile *file, struct cupel_error *error) {
    char *slash = strrchr(file->path, '/');
    const char *name = slash != NULL ? slash + 1 : file->path;
    int directory_length = slash != NULL ? (int)(slash - file->path) + 1 : 0;
    if (slash != NULL && slash != file->path) {
        *slash = '\0';
        bool is_made = cupel_make_directories(file->path, error);
        *slash = '/';
        if (!is_made) {
            return -1;
        }
    }
    for (int i = 0; i < TRIES_MAX; i++) {
        int length = snprintf(file->temporary, sizeof file->temporary, "%.*s.%.200s.%ld-%u.tmp", directory_length,
                              file->path, name, (long)getpid(), atomic_fetch_add(&serial, 1));
        if ((size_t)length >= sizeof file->temporary) {
            errno = ENAMETOOLONG;
            break;
        }
        int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) {
            if (descriptor < 0) {
                break;
            }
            return descriptor;
        }
    }
    (void)fail(error, "write", file->path, errno);
    return -1;
}

/* Opens what `path` names: a temporary file, or the thing itself where it is no regular file. */
static int open_descriptor(struct cupel_outfile *file, const char *path, struct cupel_error *error) {
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    if (is_there && S_ISDIR(status.st_mode)) {
        (void)fail(error, "write", path, EISDIR);
        return -1;
    }
    if (is_there && !S_ISREG(status.st_mode)) {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (descriptor < 0) {
            (void)fail(error, "write", path, errno);
        }
        return descriptor;
    }
    if (is_there) {
        char real[PATH_MAX];
        if (realpath(path, real) == NULL) {
            (void)fail(error, "write", path, errno);
            return -1;
        }
        memcpy(file->path, real, strlen(real) + 1);
    }
    int descriptor = open_beside(file, error);
    if (descriptor >= 0 && is_there) {
        (void)fchmod(descriptor, status.st_mode & 0777); /* where it is refused, the umask's permissions stand */
    }
    return descriptor;
}

bool cupel_outfile_open(struct cupel_outfile *file, const char *path, struct cupel_error *error) {
    static_assert(sizeof file->path >= PATH_MAX, "a path of the system fits");
    *file = (struct cupel_outfile){.stream = NULL};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof file->path) {
        return fail(error, "write", path, length == 0 ? ENOENT : ENAMETOOLONG);
    }
    memcpy(file->path, path, length + 1);
    int descriptor = open_descriptor(file, path, error);
    if (descriptor < 0) {
        file->temporary[0] = '\0';
        return false;
    }
    file->stream = fdopen(descriptor, "w");
    if (file->stream == NULL) {
        int number = errno;
        (void)close(descriptor);
        cupel_outfile_discard(file);
        return fail(error, "write", path, number);
    }
    return true;
}

bool cupel_outfile_commit(struct cupel_outfile *file, struct cupel_error *error) {
    assert(file->stream != NULL);
    errno = 0;
    bool is_written = fflush(file->stream) == 0 && !ferror(file->stream);
    int number = errno != 0 ? errno : EIO; /* EIO: an earlier write failed, and the reason was lost with it */
    if (fclose(file->stream) != 0 && is_written) {
        number = errno;
        is_written = false;
    }
    file->stream = NULL;
    if (is_written && file->temporary[0] != '\0' && rename(file->temporary, file->path) != 0) {
        number = errno;
        is_written = false;
    }
    if (is_written) {
        file->temporary[0] = '\0';
        return true;
    }
    cupel_outfile_discard(file);
    return fail(error, "write", file->path, number);
}

void cupel_outfile_discard(struct cupel_outfile *file) {
    if (file->stream != NULL) {
        (void)fclose(file->stream); /* what could not be written is not wanted */
        file->stream = NULL;
    }
    if (file->temporary[0] != '\0') {
        (void)unlink(file->temporary);
        file->temporary[0] = '\0';
    }
}
