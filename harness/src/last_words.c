/* See last_words.h. */
#include "harness/src/last_words.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

enum { NEAR_BYTES = 65536, WORDS_MAX = 120 };

static struct cupel__last_words nowhere;
static struct cupel__last_words *heard = &nowhere;
static pid_t listener;
static uintptr_t stack_low; /* below it no frame can be; 0: unknown */

extern void *__libc_stack_end; /* NOLINT(bugprone-reserved-identifier): the C library's name */

static uintptr_t stack_pointer(const void *context) {
#if defined(__x86_64__)
    const ucontext_t *at = context;
    return (uintptr_t)at->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    const ucontext_t *at = context;
    return (uintptr_t)at->uc_mcontext.sp;
#else
    (void)context;
    return 0;
#endif
}

/* The page that was not there is beside the stack pointer, where a stack that had room has pages; or at the end of the
 * main stack, where a large frame reached it. */
static bool is_overflow(uintptr_t address, const void *context) {
    uintptr_t top = stack_pointer(context);
    bool is_near = top != 0 && address + NEAR_BYTES > top && address < top + NEAR_BYTES;
    bool is_end = stack_low != 0 && address < stack_low + NEAR_BYTES && address + NEAR_BYTES * 16 > stack_low;
    return is_near || is_end;
}

void cupel__last_words_fault(const siginfo_t *info, const void *context) {
    bool is_fault = info->si_signo == SIGSEGV || info->si_signo == SIGBUS;
    if (is_fault && info->si_code > 0 && is_overflow((uintptr_t)info->si_addr, context)) {
        heard->has_overflowed = true;
    }
}

static void note_exit(int status, void *user) {
    (void)user;
    if (getpid() == listener && heard->phase != CUPEL__PHASE_NONE) {
        heard->has_called_exit = true;
        heard->exit_status = status;
    }
}

void cupel__last_words_listen(struct cupel__last_words *words) {
    heard = words;
    listener = getpid();
    cupel__last_words_clear();
    (void)on_exit(note_exit, NULL);
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < (uintptr_t)__libc_stack_end) {
        stack_low = (uintptr_t)__libc_stack_end - limit.rlim_cur;
    }
}

void cupel__last_words_clear(void) {
    heard->phase = CUPEL__PHASE_NONE;
    heard->has_overflowed = false;
    heard->has_called_exit = false;
    heard->has_killed_itself = false;
}

void cupel__last_words_kill(pid_t process) {
    heard->has_killed_itself = heard->has_killed_itself || (process == listener && getpid() == listener);
}

void cupel__last_words_phase(enum cupel__phase phase) {
    heard->phase = (int)phase;
}

const struct cupel__last_words *cupel__last_words(void) {
    return heard;
}

/* What those print that end a process on purpose; what follows each up to the end of its word or line says why. */
static const struct {
    const char *printed;
    const char *told; /* NULL: what follows `printed` */
    const char *end;  /* characters that end what follows */
} meanings[] = {
    {"Sanitizer: stack-overflow", "stack overflow", NULL},
    {"ERROR: AddressSanitizer: ", NULL, " \n"},
    {"WARNING: MemorySanitizer: ", NULL, " \n"},
    {"ERROR: LeakSanitizer: ", NULL, "\n"},
    {"runtime error: ", NULL, "\n"},
    {"*** stack smashing detected", "it wrote beyond an array on its stack", NULL},
    {"longjmp causes uninitialized stack frame", "it jumped to a function that had returned", NULL},
    {"double free or corruption", "double free or corruption", NULL},
    {"free(): ", "a bad free, by the C library's word", NULL},
    {"malloc(): ", "the heap is corrupt, by the C library's word", NULL},
    {": Assertion `", "an assertion failed", NULL},
};

static void find_meaning(const char *output, char *text, size_t size) {
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        const char *found = strstr(output, meanings[i].printed);
        if (found == NULL) {
            continue;
        }
        if (meanings[i].told != NULL) {
            (void)snprintf(text, size, "%s", meanings[i].told);
        } else {
            const char *rest = found + strlen(meanings[i].printed);
            (void)snprintf(text, size, "%.*s", (int)strcspn(rest, meanings[i].end), rest);
        }
        return;
    }
}

void cupel__last_words_text(const struct cupel__last_words *words, const char *output, char *text, size_t size) {
    static const char *const phases[] = {"", ", in its setup", "", ", in its teardown"};
    char cause[WORDS_MAX] = "";
    if (words->has_overflowed) {
        (void)snprintf(cause, sizeof cause, "stack overflow");
    } else {
        find_meaning(output, cause, sizeof cause);
    }
    (void)snprintf(text, size, "%s%s%s", cause[0] != '\0' ? ": " : "", cause, phases[words->phase & 3]);
}
