/* Faults become findings, and forks find no lock held: see debug_fault.h.
 *
 * A fault in a span's range tells of itself: a retired span's addresses were freed, the pages around a large block are
 * its guards. Whatever the address, the handler that was there before (or none) then has its turn, so that the program
 * ends, or recovers, as it would have. A fault while a finding is being told is handed on at once. */
#include "alloc/src/debug_fault.h"

#include "alloc/src/debug_find.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_statistics.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIGNALS = 2 };

static const int signals[SIGNALS] = {SIGSEGV, SIGBUS};
static struct sigaction before[SIGNALS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct cupel__debug *instances;
static unsigned catching;

/* Where the fault happened, as the start of a trace. A return address is one past its call, so is this. */
static struct cupel_trace_start start_of(const ucontext_t *context, const char **verb) {
    struct cupel_trace_start start = {0, 0, 0};
    *verb = "access";
#if defined(__x86_64__)
    const greg_t *registers = context->uc_mcontext.gregs;
    enum { WRITE = 2 };
    *verb = (registers[REG_ERR] & WRITE) != 0 ? "write" : "read";
    start.ip = (uintptr_t)registers[REG_RIP] + 1;
    start.sp = (uintptr_t)registers[REG_RSP];
    start.fp = (uintptr_t)registers[REG_RBP];
#elif defined(__i386__)
    const greg_t *registers = context->uc_mcontext.gregs;
    enum { WRITE = 2 };
    *verb = (registers[REG_ERR] & WRITE) != 0 ? "write" : "read";
    start.ip = (uintptr_t)registers[REG_EIP] + 1;
    start.sp = (uintptr_t)registers[REG_ESP];
    start.fp = (uintptr_t)registers[REG_EBP];
#elif defined(__aarch64__)
    start.ip = (uintptr_t)context->uc_mcontext.pc + 1;
    start.sp = (uintptr_t)context->uc_mcontext.sp;
    start.fp = (uintptr_t)context->uc_mcontext.regs[29];
#else
    (void)context;
#endif
    return start;
}

static void tell_fault(uintptr_t address, const ucontext_t *context) {
    struct cupel__target target;
    if (!cupel__slot_locate(address, &target)) {
        return;
    }
    struct cupel__debug *debug = target.span->home;
    struct cupel_finding finding = {.kind = CUPEL_FINDING_USE_AFTER_FREE,
                                    .address = (const void *)address}; // NOLINT(performance-no-int-to-ptr)
    struct cupel_trace_start start = start_of(context, &finding.verb);
    if (__atomic_load_n(&target.span->state, __ATOMIC_ACQUIRE) < CUPEL__SPAN_RETIRED &&
        cupel__slot_state(target.word) != CUPEL__SLOT_FREED) {
        finding.kind = CUPEL_FINDING_OUT_OF_BOUNDS;
    }
    /* Whatever the code that faulted was built with: this trace is taken once. */
    cupel_trace_id trace = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, debug->options.frames);
    cupel__finding_add_trace(&finding, finding.verb, trace, cupel__debug_thread_number());
    if (target.slot != NULL && cupel__slot_is_sound(target.slot, target.word)) {
        cupel__finding_describe(target.span, target.index, &finding);
    }
    cupel__finding_tell(debug, &finding);
}

static void hand_on(int number, siginfo_t *info, void *context) {
    const struct sigaction *old = &before[number == SIGSEGV ? 0 : 1];
    if ((old->sa_flags & SA_SIGINFO) != 0) {
        old->sa_sigaction(number, info, context);
    } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
        old->sa_handler(number);
    } else {
        /* The instruction is tried again and ends the program; a signal that was sent is sent once more. */
        struct sigaction none = {.sa_handler = SIG_DFL};
        (void)sigaction(number, &none, NULL);
        if (info->si_code <= 0) {
            (void)raise(number);
        }
    }
}

static void on_fault(int number, siginfo_t *info, void *context) {
    if (info->si_code > 0 && !cupel__debug_thread.is_telling) {
        tell_fault((uintptr_t)info->si_addr, context);
    }
    hand_on(number, info, context);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    (void)sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &action, &before[i]);
    }
}

static void leave_faults(void) {
    for (unsigned i = 0; i < SIGNALS; i++) {
        struct sigaction present;
        if (sigaction(signals[i], NULL, &present) == 0 && present.sa_sigaction == on_fault) {
            (void)sigaction(signals[i], &before[i], NULL);
        }
    }
}

/* Locks in the order in which requests take them. */
static void lock_all(void) {
    (void)pthread_mutex_lock(&lock);
    for (struct cupel__debug *debug = instances; debug != NULL; debug = debug->next) {
        for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
            cupel__debug_lock(debug, &debug->shards[i].lock);
        }
        cupel__debug_lock(debug, &debug->lock);
    }
}

static void unlock_all(void) {
    for (struct cupel__debug *debug = instances; debug != NULL; debug = debug->next) {
        cupel__debug_unlock(debug, &debug->lock);
        for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
            cupel__debug_unlock(debug, &debug->shards[i].lock);
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

static void prepare_forks(void) {
    (void)pthread_atfork(lock_all, unlock_all, unlock_all);
}

void cupel__debug_register(struct cupel__debug *debug) {
    (void)pthread_once(&once, prepare_forks);
    (void)pthread_mutex_lock(&lock);
    debug->next = instances;
    instances = debug;
    if (debug->options.catches_faults && catching++ == 0) {
        catch_faults();
    }
    cupel__debug_write_at_signal(debug);
    (void)pthread_mutex_unlock(&lock);
}

void cupel__debug_unregister(struct cupel__debug *debug) {
    (void)pthread_mutex_lock(&lock);
    struct cupel__debug **place = &instances;
    while (*place != debug) {
        place = &(*place)->next;
    }
    *place = debug->next;
    if (debug->options.catches_faults && --catching == 0) {
        leave_faults();
    }
    cupel__debug_forget_signal(debug);
    (void)pthread_mutex_unlock(&lock);
}

size_t cupel__span_count_default(void) {
    enum { PART = 3, DEFAULT_LIMIT = 65530 };
    size_t limit = 0;
    int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        char text[24];
        ssize_t length = read(file, text, sizeof text);
        for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
            limit = limit * 10 + (size_t)(text[i] - '0');
        }
        (void)close(file);
    }
    return (limit == 0 ? DEFAULT_LIMIT : limit) / PART;
}
