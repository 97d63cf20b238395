/* A machine with nothing on it, for programs that are built with -ffreestanding and linked with nothing: where they
 * start, what compilers ask every environment for, and a serial line. The line is write(2) and the end is exit(2), had
 * from the kernel directly; before anything else the program gives up all other system calls, so that whatever else
 * asked for one would be killed. */
#ifndef ALLOC_TESTS_BARE_BARE_H
#define ALLOC_TESTS_BARE_BARE_H

#include <stddef.h>
#include <stdint.h>

int bare_main(void);

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
    unsigned char *place = to;
    const unsigned char *source = from;
    while (length-- > 0) {
        *place++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t length) {
    unsigned char *place = to;
    const unsigned char *source = from;
    if (place <= source) {
        return memcpy(to, from, length);
    }
    while (length-- > 0) {
        place[length] = source[length];
    }
    return to;
}

void *memset(void *start, int byte, size_t length) {
    unsigned char *place = start;
    while (length-- > 0) {
        *place++ = (unsigned char)byte;
    }
    return start;
}

int memcmp(const void *left, const void *right, size_t length) {
    const unsigned char *a = left;
    const unsigned char *b = right;
    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}

static long bare_call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

enum { BARE_WRITE = 1, BARE_EXIT = 60, BARE_PRCTL = 157, BARE_SECCOMP = 22, BARE_STRICT = 1 };

static void bare_put(void *user, const char *text, size_t length) {
    (void)user;
    (void)bare_call(BARE_WRITE, 1, (long)text, (long)length);
}

/* The kernel jumps here with no return address and an aligned stack. */
__attribute__((noreturn, used)) static void bare_begin(void) {
    if (bare_call(BARE_PRCTL, BARE_SECCOMP, BARE_STRICT, 0) != 0) {
        (void)bare_call(BARE_EXIT, 77, 0, 0);
    }
    int status = bare_main();
    while (1) {
        (void)bare_call(BARE_EXIT, status, 0, 0);
    }
}

__asm__(".globl _start\n_start:\n    xor %ebp, %ebp\n    and $-16, %rsp\n    call bare_begin\n");

#endif
