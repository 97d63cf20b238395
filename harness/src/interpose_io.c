/* Reading, writing and opening by descriptor, and the clocks of the day, in a test program: see io.h for what becomes
 * of a call. Linked as an object and compiled without any instrumentation, as interpose.c. Each function is the one of
 * the same name, but where the fault plan says otherwise.
 *
 * A transfer is cut short only where that can happen: in files, terminals, streams, and pipes (a write to a pipe from
 * PIPE_BUF on). CLOCK_MONOTONIC and its like are never wrong. */
#include "harness/src/io.h"

#include "harness/src/interpose_real.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

CUPEL__REAL(read, ssize_t, int, void *, size_t);
CUPEL__REAL(pread, ssize_t, int, void *, size_t, off_t);
CUPEL__REAL(pread64, ssize_t, int, void *, size_t, off64_t);
CUPEL__REAL(readv, ssize_t, int, const struct iovec *, int);
CUPEL__REAL(recv, ssize_t, int, void *, size_t, int);
CUPEL__REAL(write, ssize_t, int, const void *, size_t);
CUPEL__REAL(pwrite, ssize_t, int, const void *, size_t, off_t);
CUPEL__REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);
CUPEL__REAL(writev, ssize_t, int, const struct iovec *, int);
CUPEL__REAL(send, ssize_t, int, const void *, size_t, int);
CUPEL__REAL(open, int, const char *, int, ...);
CUPEL__REAL(open64, int, const char *, int, ...);
CUPEL__REAL(openat, int, int, const char *, int, ...);
CUPEL__REAL(openat64, int, int, const char *, int, ...);
CUPEL__REAL(creat, int, const char *, mode_t);
CUPEL__REAL(creat64, int, const char *, mode_t);
CUPEL__REAL(clock_gettime, int, clockid_t, struct timespec *);
CUPEL__REAL(gettimeofday, int, struct timeval *, void *);
CUPEL__REAL(time, time_t, time_t *);

/* True where a transfer of `size` bytes can end after half of them. (By the system call: MemorySanitizer's getsockopt
 * would take what this file writes for uninitialised.) */
static bool can_be_short(int file, size_t size, bool is_write) {
    struct stat status;
    int errno_before = errno;
    bool can = false;
    if (size >= 2 && fstat(file, &status) == 0) {
        int type = 0;
        socklen_t length = sizeof type;
        can = S_ISREG(status.st_mode) || S_ISCHR(status.st_mode) ||
              (S_ISFIFO(status.st_mode) && (!is_write || size > PIPE_BUF)) ||
              (S_ISSOCK(status.st_mode) && syscall(SYS_getsockopt, file, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
               type == SOCK_STREAM);
    }
    errno = errno_before;
    return can;
}

/* How many bytes the transfer is to be of, through `size`; false where it fails, with errno set. */
static bool may_transfer(enum cupel_fault_call call, int file, size_t *size, const void *site) {
    if (!cupel__io_is_asked(site)) {
        return true;
    }
    int fate = cupel__io_ask(call, *size, can_be_short(file, *size, call == CUPEL_FAULT_WRITE), site);
    if (fate > 0) {
        errno = fate;
        return false;
    }
    *size = fate == CUPEL__IO_SHORT ? *size / 2 : *size;
    return true;
}

/* The same for several pieces. A short transfer is of one piece alone, `part`, to which `pieces` is then set. */
static bool may_transfer_pieces(enum cupel_fault_call call, int file, const struct iovec **pieces, int *count,
                                struct iovec *part, const void *site) {
    size_t whole = 0;
    for (int i = 0; i < *count && *pieces != NULL; i++) {
        whole += (*pieces)[i].iov_len;
    }
    size_t size = whole;
    if (!may_transfer(call, file, &size, site)) {
        return false;
    }
    for (int i = 0; size < whole && i < *count; i++) {
        if ((*pieces)[i].iov_len > 0) {
            *part = (*pieces)[i];
            part->iov_len = part->iov_len < size ? part->iov_len : size;
            *pieces = part;
            *count = 1;
            break;
        }
    }
    return true;
}

#define SITE __builtin_extract_return_addr(__builtin_return_address(0))

ssize_t read(int fd, void *buf, size_t nbytes) {
    return may_transfer(CUPEL_FAULT_READ, fd, &nbytes, SITE) ? REAL(read)(fd, buf, nbytes) : -1;
}

ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset) {
    return may_transfer(CUPEL_FAULT_READ, fd, &nbytes, SITE) ? REAL(pread)(fd, buf, nbytes, offset) : -1;
}

ssize_t pread64(int fd, void *buf, size_t nbytes, off64_t offset) {
    return may_transfer(CUPEL_FAULT_READ, fd, &nbytes, SITE) ? REAL(pread64)(fd, buf, nbytes, offset) : -1;
}

ssize_t recv(int fd, void *buf, size_t n, int flags) {
    return may_transfer(CUPEL_FAULT_READ, fd, &n, SITE) ? REAL(recv)(fd, buf, n, flags) : -1;
}

ssize_t readv(int fd, const struct iovec *iovec, int count) {
    struct iovec part;
    bool may = may_transfer_pieces(CUPEL_FAULT_READ, fd, &iovec, &count, &part, SITE);
    return may ? REAL(readv)(fd, iovec, count) : -1;
}

ssize_t write(int fd, const void *buf, size_t n) {
    return may_transfer(CUPEL_FAULT_WRITE, fd, &n, SITE) ? REAL(write)(fd, buf, n) : -1;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset) {
    return may_transfer(CUPEL_FAULT_WRITE, fd, &n, SITE) ? REAL(pwrite)(fd, buf, n, offset) : -1;
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset) {
    return may_transfer(CUPEL_FAULT_WRITE, fd, &n, SITE) ? REAL(pwrite64)(fd, buf, n, offset) : -1;
}

ssize_t send(int fd, const void *buf, size_t n, int flags) {
    return may_transfer(CUPEL_FAULT_WRITE, fd, &n, SITE) ? REAL(send)(fd, buf, n, flags) : -1;
}

ssize_t writev(int fd, const struct iovec *iovec, int count) {
    struct iovec part;
    bool may = may_transfer_pieces(CUPEL_FAULT_WRITE, fd, &iovec, &count, &part, SITE);
    return may ? REAL(writev)(fd, iovec, count) : -1;
}

/* Those that a build with _FORTIFY_SOURCE calls instead. */
ssize_t __read_chk(int file, void *data, size_t size, size_t room);
CUPEL__REAL(__read_chk, ssize_t, int, void *, size_t, size_t);
int __open_2(const char *file, int oflag);
CUPEL__REAL(__open_2, int, const char *, int);
int __open64_2(const char *file, int oflag);
CUPEL__REAL(__open64_2, int, const char *, int);

ssize_t __read_chk(int file, void *data, size_t size, size_t room) {
    return may_transfer(CUPEL_FAULT_READ, file, &size, SITE) ? REAL(__read_chk)(file, data, size, room) : -1;
}

static bool may_open(const void *site) {
    int fate = cupel__io_is_asked(site) ? cupel__io_ask(CUPEL_FAULT_OPEN, 0, false, site) : CUPEL__IO_GO_ON;
    if (fate > 0) {
        errno = fate;
    }
    return fate <= 0;
}

/* The mode that a call was given, 0 where its flags want none. */
#define MODE(flags_)                                                                                                   \
    mode_t mode = 0;                                                                                                   \
    if (((flags_)&O_CREAT) != 0 || ((flags_)&O_TMPFILE) == O_TMPFILE) {                                                \
        va_list arguments;                                                                                             \
        va_start(arguments, flags_);                                                                                   \
        mode = va_arg(arguments, mode_t);                                                                              \
        va_end(arguments);                                                                                             \
    }

int open(const char *file, int oflag, ...) {
    MODE(oflag)
    return may_open(SITE) ? REAL(open)(file, oflag, mode) : -1;
}

int open64(const char *file, int oflag, ...) {
    MODE(oflag)
    return may_open(SITE) ? REAL(open64)(file, oflag, mode) : -1;
}

int openat(int fd, const char *file, int oflag, ...) {
    MODE(oflag)
    return may_open(SITE) ? REAL(openat)(fd, file, oflag, mode) : -1;
}

int openat64(int fd, const char *file, int oflag, ...) {
    MODE(oflag)
    return may_open(SITE) ? REAL(openat64)(fd, file, oflag, mode) : -1;
}

int creat(const char *file, mode_t mode) {
    return may_open(SITE) ? REAL(creat)(file, mode) : -1;
}

int creat64(const char *file, mode_t mode) {
    return may_open(SITE) ? REAL(creat64)(file, mode) : -1;
}

int __open_2(const char *file, int oflag) {
    return may_open(SITE) ? REAL(__open_2)(file, oflag) : -1;
}

int __open64_2(const char *file, int oflag) {
    return may_open(SITE) ? REAL(__open64_2)(file, oflag) : -1;
}

/* By how many seconds the clock of the day is wrong, through `step_s`; false where reading it fails. */
static bool may_tell_time(int64_t *step_s, const void *site) {
    *step_s = 0;
    if (cupel__io_is_asked(site)) {
        int fate = cupel__io_ask(CUPEL_FAULT_CLOCK, 0, false, site);
        *step_s = __atomic_load_n(&cupel__io.step_s, __ATOMIC_RELAXED);
        if (fate > 0) {
            errno = fate;
            return false;
        }
    }
    return true;
}

int clock_gettime(clockid_t clock_id, struct timespec *tp) {
    int64_t step_s = 0;
    bool is_of_day = clock_id == CLOCK_REALTIME || clock_id == CLOCK_REALTIME_COARSE || clock_id == CLOCK_TAI;
    if (is_of_day && !may_tell_time(&step_s, SITE)) {
        return -1;
    }
    int status = REAL(clock_gettime)(clock_id, tp);
    if (status == 0 && step_s != 0) {
        tp->tv_sec += step_s;
    }
    return status;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    int64_t step_s;
    if (!may_tell_time(&step_s, SITE)) {
        return -1;
    }
    int status = REAL(gettimeofday)(tv, tz);
    if (status == 0 && step_s != 0) {
        tv->tv_sec += step_s;
    }
    return status;
}

time_t time(time_t *timer) {
    int64_t step_s;
    if (!may_tell_time(&step_s, SITE)) {
        return (time_t)-1;
    }
    time_t seconds = REAL(time)(NULL) + step_s;
    if (timer != NULL) {
        *timer = seconds;
    }
    return seconds;
}
