/* See crash_note.h. The handler notes the frames, puts back what was there before it, and returns: the instruction
 * faults again, or the signal is raised again, and the process ends as it would have ended. */
#include "harness/src/crash_note.h"

#include "harness/src/last_words.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

enum { STACK_BYTES = 64 << 10 };

static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static struct cupel__fault_note *noted;
static struct sigaction previous[NUMBERS];
static _Alignas(max_align_t) unsigned char stack_memory[STACK_BYTES];

/* Where the signal met the program; NULL where this machine's registers are not known here. */
static const void *place_of(const void *context) {
#if defined(__x86_64__)
    uintptr_t place = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
    uintptr_t place = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
    uintptr_t place = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    uintptr_t place = context == NULL;
#endif
    return (const void *)place; // NOLINT(performance-no-int-to-ptr): a register
}

static void note_signal(int number, siginfo_t *info, void *context) {
    size_t index = 0;
    while (index < NUMBERS && numbers[index] != number) {
        index++;
    }
    const void *place = place_of(context);
    cupel__last_words_fault(info, context);
    if (noted->death_frame_count == 0 && place != NULL) {
        unsigned count = cupel_failing_frames(place, noted->death_frames, CUPEL_FAULT_FRAMES_MAX);
        noted->death_frames[0] = (const char *)place + 1; /* as a return address, which is behind its call */
        noted->death_frame_count = count;
    }
    if (index < NUMBERS) {
        (void)sigaction(number, &previous[index], NULL);
    }
    bool is_ours_to_raise = info->si_code <= 0 || number == SIGABRT; /* sent: it does not come again by itself */
    if (is_ours_to_raise) {
        (void)raise(number);
    }
}

void cupel__crash_note_begin(struct cupel__fault_note *note) {
    stack_t alternative = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory};
    stack_t current;
    struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const void *frames[2];
    bool is_installed = noted != NULL; /* by the process that this one was forked from */
    noted = note;
    if (is_installed) {
        return;
    }
    (void)cupel_failing_frames(__builtin_return_address(0), frames, 2); /* what is set up at the first walk */
    if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE) != 0) {
        (void)sigaltstack(&alternative, NULL);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        if (sigaction(numbers[i], NULL, &previous[i]) == 0 && previous[i].sa_handler != SIG_IGN) {
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}
