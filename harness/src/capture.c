/* See capture.h. One system call a test where the test prints nothing. */
#include "harness/src/capture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int cupel__capture_open(void) {
    int file = memfd_create("cupel-output", MFD_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    /* Out of the way of tests that close or count low descriptors. */
    int high = fcntl(file, F_DUPFD_CLOEXEC, 500);
    if (high >= 0) {
        (void)close(file);
        return high;
    }
    return file;
}

void cupel__capture_redirect(int file, bool with_input) {
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(file, STDOUT_FILENO);
    (void)dup2(file, STDERR_FILENO);
    if (with_input) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null > STDIN_FILENO) {
            (void)dup2(null, STDIN_FILENO);
            (void)close(null);
        }
    }
}

void cupel__capture_begin(int file) {
    /* Both share the file's offset: anything but 0 says that something was printed, or that a stream is closed. */
    off_t output = lseek(STDOUT_FILENO, 0, SEEK_CUR);
    off_t error = lseek(STDERR_FILENO, 0, SEEK_CUR);
    if (output != 0 || error != 0) {
        (void)!ftruncate(file, 0);
        (void)lseek(file, 0, SEEK_SET);
        cupel__capture_redirect(file, false);
    }
}

int64_t cupel__capture_size(int file) {
    struct stat status;
    return fstat(file, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void read_part(int file, int64_t from, size_t count, struct cupel_text *text) {
    char buffer[4096];
    while (count > 0) {
        ssize_t got = pread(file, buffer, count < sizeof buffer ? count : sizeof buffer, (off_t)from);
        if (got <= 0) {
            return;
        }
        cupel_text_add_n(text, buffer, (size_t)got);
        from += got;
        count -= (size_t)got;
    }
}

void cupel__capture_read(int file, bool flush, struct cupel_text *text) {
    if (flush) {
        (void)fflush(stdout);
        (void)fflush(stderr);
    }
    enum { HALF = CUPEL_TEXT_MAX / 2 - 256 };
    int64_t size = cupel__capture_size(file);
    if (size <= 2 * HALF) {
        read_part(file, 0, (size_t)size, text);
        return;
    }
    read_part(file, 0, HALF, text);
    cupel_text_add(text, "\n[%lld bytes left out here]\n", (long long)(size - 2 * HALF));
    read_part(file, size - HALF, HALF, text);
}
