/* Streams in a test program: see io.h. A stream's own reads and writes happen inside the C library, where nobody can
 * stand; so the calls that code makes on streams fail as a whole, with the stream's error flag and errno set, and are
 * never cut short. A failed fclose has closed the stream, as POSIX has it, and has written what it held. fgetc, fputc
 * and the printf family are left alone: their users ask ferror, fflush or fclose. So is stderr.
 *
 * Linked as an object and compiled without any instrumentation, as interpose.c. */
#include "harness/src/io.h"

#include "harness/src/interpose_real.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>

CUPEL__REAL(fopen, FILE *, const char *, const char *);
CUPEL__REAL(fopen64, FILE *, const char *, const char *);
CUPEL__REAL(fread, size_t, void *, size_t, size_t, FILE *);
CUPEL__REAL(fgets, char *, char *, int, FILE *);
CUPEL__REAL(getline, ssize_t, char **, size_t *, FILE *);
CUPEL__REAL(getdelim, ssize_t, char **, size_t *, int, FILE *);
CUPEL__REAL(fwrite, size_t, const void *, size_t, size_t, FILE *);
CUPEL__REAL(fputs, int, const char *, FILE *);
CUPEL__REAL(fflush, int, FILE *);
CUPEL__REAL(fclose, int, FILE *);

#define SITE __builtin_extract_return_addr(__builtin_return_address(0))

static void set_error_flag(FILE *stream) {
#if defined(_IO_ERR_SEEN) /* glibc */
    if (stream != NULL) {
        stream->_flags |= _IO_ERR_SEEN;
    }
#else
    (void)stream;
#endif
}

/* False where the call fails, with errno set. */
static bool may_go_on(enum cupel_fault_call call, size_t size, FILE *stream, const void *site) {
    if (!cupel__io_is_asked(site) || stream == stderr) {
        return true;
    }
    int fate = cupel__io_ask(call, size, false, site);
    if (fate > 0) {
        set_error_flag(stream);
        errno = fate;
    }
    return fate <= 0;
}

FILE *fopen(const char *filename, const char *modes) {
    return may_go_on(CUPEL_FAULT_OPEN, 0, NULL, SITE) ? REAL(fopen)(filename, modes) : NULL;
}

FILE *fopen64(const char *filename, const char *modes) {
    return may_go_on(CUPEL_FAULT_OPEN, 0, NULL, SITE) ? REAL(fopen64)(filename, modes) : NULL;
}

size_t fread(void *ptr, size_t size, size_t n, FILE *stream) {
    return may_go_on(CUPEL_FAULT_READ, size * n, stream, SITE) ? REAL(fread)(ptr, size, n, stream) : 0;
}

char *fgets(char *s, int n, FILE *stream) {
    return may_go_on(CUPEL_FAULT_READ, (size_t)n, stream, SITE) ? REAL(fgets)(s, n, stream) : NULL;
}

ssize_t getline(char **lineptr, size_t *n, FILE *stream) {
    return may_go_on(CUPEL_FAULT_READ, 0, stream, SITE) ? REAL(getline)(lineptr, n, stream) : -1;
}

ssize_t getdelim(char **lineptr, size_t *n, int delimiter, FILE *stream) {
    return may_go_on(CUPEL_FAULT_READ, 0, stream, SITE) ? REAL(getdelim)(lineptr, n, delimiter, stream) : -1;
}

/* What getline is to an optimising compiler. */
ssize_t __getdelim(char **lineptr, size_t *n, int delimiter, FILE *stream) {
    return may_go_on(CUPEL_FAULT_READ, 0, stream, SITE) ? REAL(getdelim)(lineptr, n, delimiter, stream) : -1;
}

size_t fwrite(const void *ptr, size_t size, size_t n, FILE *s) {
    return may_go_on(CUPEL_FAULT_WRITE, size * n, s, SITE) ? REAL(fwrite)(ptr, size, n, s) : 0;
}

int fputs(const char *s, FILE *stream) {
    return may_go_on(CUPEL_FAULT_WRITE, strlen(s), stream, SITE) ? REAL(fputs)(s, stream) : EOF;
}

/* What was only read has nothing to write. */
static bool may_flush(FILE *stream, const void *site) {
    return (stream != NULL && !__fwritable(stream)) || may_go_on(CUPEL_FAULT_WRITE, 0, stream, site);
}

int fflush(FILE *stream) {
    return may_flush(stream, SITE) ? REAL(fflush)(stream) : EOF;
}

int fclose(FILE *stream) {
    if (may_flush(stream, SITE)) {
        return REAL(fclose)(stream);
    }
    int error = errno;
    (void)REAL(fclose)(stream);
    errno = error;
    return EOF;
}
