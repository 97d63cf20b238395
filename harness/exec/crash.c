/* Signals that end a process, noted with their stack before the process's own handler, or its end, has its turn; and
 * what assert() said. See library.h. */
#include "harness/exec/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { ALTERNATE_BYTES = 65536 };

static const int watched[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
enum { WATCHED_COUNT = sizeof watched / sizeof watched[0] };

static struct sigaction before[WATCHED_COUNT];
static unsigned char alternate[ALTERNATE_BYTES];

static const void *interrupted(const void *context) {
#if defined(__x86_64__)
    return (const void *)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    return context == NULL ? context : NULL; /* stacks of crashes are not taken here */
#endif
}

static void note_signal(int number, siginfo_t *info, void *context) {
    struct cupel__exec_note *note = cupel__exec_note;
    uint32_t index = __atomic_fetch_add(&note->crash_count, 1, __ATOMIC_ACQ_REL);
    for (unsigned i = 0; i < WATCHED_COUNT; i++) { /* whatever comes now is not ours */
        if (watched[i] == number) {
            (void)sigaction(number, &before[i], NULL);
        }
    }
    if (index < CUPEL__EXEC_CRASHES_MAX) {
        note->crashes[index].signal = number;
        cupel__exec_stack_take_interrupted(interrupted(context), &note->crashes[index].stack);
    }
    if (info == NULL || info->si_code <= 0) {
        (void)raise(number); /* sent, not met: it would not come again */
    }
}

void cupel__exec_crash_watch(void) {
    struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    stack_t old;
    if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) != 0) {
        (void)sigaltstack(&stack, NULL); /* a stack that overflows has no room for a handler */
    }
    for (unsigned i = 0; i < WATCHED_COUNT; i++) {
        struct sigaction current;
        if (sigaction(watched[i], NULL, &current) == 0 && current.sa_sigaction != note_signal) {
            before[i] = current;
            (void)sigaction(watched[i], &action, NULL);
        }
    }
}

/* glibc's and musl's own, which assert() calls. */
_Noreturn void __assert_fail(const char *text, const char *file, unsigned line, const char *function);

__attribute__((visibility("default"))) _Noreturn void __assert_fail(const char *text, const char *file, unsigned line,
                                                                    const char *function) {
    struct cupel__exec_note *note = cupel__exec_note;
    if (cupel__exec_is_on && note != NULL) {
        (void)snprintf(note->assertion, sizeof note->assertion, "%s:%u: %s: %s", file, line,
                       function == NULL ? "?" : function, text);
        cupel__exec_stack_take(__builtin_return_address(0), &note->asserted);
    }
    void (*real)(const char *, const char *, unsigned, const char *) = NULL;
    void *found = dlsym(RTLD_NEXT, "__assert_fail");
    memcpy(&real, &found, sizeof real);
    if (real != NULL) {
        real(text, file, line, function);
    }
    abort();
}
