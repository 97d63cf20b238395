/* A library to preload: takes a trace at every allocation and release of a program, and holds samples of them against
 * libgcc's unwinder. ci/tools/stacks builds upon it.
 *
 * CUPEL_STACKS is a list of words: "none" (count calls only), "take" (a trace at every call), "fp" (the same by frame
 * pointers), "libgcc" (its unwinder at every call), "compare=N" (take, and hold every Nth against libgcc's), "step=N"
 * (every N microseconds of CPU time hold the stacks of the next 40 instructions against libgcc's). CUPEL_STACKS_OUT is
 * a file to which each process appends a line of counts as JSON, and before it a line for each of the first few stacks
 * that differ. */
#include "alloc/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

enum { FRAMES = 16, DIFFERENCES_SHOWN = 20, STEPS = 40, TRAP_FLAG = 0x100 };

/* The C library's own, under the names that it keeps for such as this. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
extern void *__libc_memalign(size_t, size_t);

static enum { OFF, NONE, TAKE, LIBGCC } work;
static enum cupel_trace_mode mode = CUPEL_TRACE_TABLES;
static unsigned long compare_every;
static atomic_ulong calls, compared, different, stepped, step_different;
static _Thread_local bool is_inside;
static _Thread_local volatile int steps_left;

struct reference {
    struct cupel_trace_start start;
    bool has_started;
    unsigned count;
    const void *frames[FRAMES];
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *user) {
    struct reference *reference = user;
    uintptr_t ip = _Unwind_GetIP(context);
    if (ip == reference->start.ip && _Unwind_GetCFA(context) == reference->start.sp) {
        reference->has_started = true;
    }
    if (reference->has_started && ip != 0) {
        reference->frames[reference->count++] = (const void *)ip;
    }
    return reference->count < FRAMES ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static int out_file(void) {
    const char *path = getenv("CUPEL_STACKS_OUT");
    return path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    int file = out_file();
    if (file >= 0) {
        (void)!write(file, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
        (void)close(file);
    }
}

static void put(void *user, const char *text, size_t length) {
    char *line = user;
    size_t used = strlen(line);
    if (used + length < 4000) {
        memcpy(line + used, text, length);
        line[used + length] = '\0';
    }
}

static void show(const char *what, const struct reference *reference, const void *const frames[], unsigned count) {
    char line[4096] = "";
    cupel_trace_print(cupel_trace_intern(frames, count), true, put, line);
    tell("DIFFERENT %s in %s, ours:\n%s", what, program_invocation_short_name, line);
    line[0] = '\0';
    cupel_trace_print(cupel_trace_intern(reference->frames, reference->count), true, put, line);
    tell("libgcc's:\n%s", line);
}

static bool hold_against(const char *what, const struct cupel_trace_start *start, const void *const frames[],
                         unsigned count, const atomic_ulong *seen) {
    struct reference reference = {.start = *start};
    (void)_Unwind_Backtrace(visit, &reference);
    bool is_same = reference.count == count && memcmp(frames, reference.frames, count * sizeof frames[0]) == 0;
    if (!is_same && atomic_load(seen) < DIFFERENCES_SHOWN) {
        show(what, &reference, frames, count);
    }
    return is_same;
}

static void note(const struct cupel_trace_start *start) {
    if (work == OFF || is_inside) {
        return;
    }
    is_inside = true;
    unsigned long call = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (work == LIBGCC) {
        struct reference reference = {.start = *start};
        (void)_Unwind_Backtrace(visit, &reference);
    } else if (work == TAKE) {
        cupel_trace_id id = cupel_trace_take(mode, start, NULL, FRAMES);
        if (compare_every != 0 && call % compare_every == 0 && id != 0) {
            const void *frames[FRAMES];
            unsigned count = cupel_trace_frames(id, frames, FRAMES);
            atomic_fetch_add(&compared, 1);
            if (!hold_against("call", start, frames, count, &different)) {
                atomic_fetch_add(&different, 1);
            }
        }
    }
    is_inside = false;
}

void *malloc(size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    return __libc_realloc(block, size);
}

void free(void *block) {
    struct cupel_trace_start start = cupel_trace_start_here();
    if (block != NULL) {
        note(&start);
    }
    __libc_free(block);
}

void *memalign(size_t align, size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    return __libc_memalign(align, size);
}

int posix_memalign(void **block, size_t align, size_t size) {
    struct cupel_trace_start start = cupel_trace_start_here();
    note(&start);
    void *aligned = __libc_memalign(align, size);
    if (aligned == NULL) {
        return ENOMEM;
    }
    *block = aligned;
    return 0;
}

/* Asks for a trap behind the next instruction, or for none more. */
static void set_trap(void *context, bool is_on) {
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    *flags = is_on ? *flags | TRAP_FLAG : *flags & ~(greg_t)TRAP_FLAG;
}

static void on_time(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    steps_left = STEPS;
    set_trap(context, true);
}

static void on_step(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    int error = errno;
    struct cupel_trace_start start = cupel_trace_start_here();
    const void *frames[FRAMES];
    unsigned count = is_inside ? 0 : cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, frames, FRAMES);
    if (count != 0) {
        is_inside = true;
        atomic_fetch_add(&stepped, 1);
        if (!hold_against("step", &start, frames, count, &step_different)) {
            atomic_fetch_add(&step_different, 1);
        }
        is_inside = false;
    }
    set_trap(context, --steps_left > 0);
    errno = error;
}

static void start_stepping(long every_us) {
    struct sigaction time = {.sa_sigaction = on_time, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
    (void)sigaction(SIGPROF, &time, NULL);
    (void)sigaction(SIGTRAP, &step, NULL);
    /* A timer that ends with an exec, as one of setitimer does not. */
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    struct itimerspec times = {.it_interval = {0, every_us * 1000}, .it_value = {0, every_us * 1000}};
    if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0) {
        (void)timer_settime(timer, 0, &times, NULL);
    }
}

__attribute__((constructor)) static void begin(void) {
    const char *words = getenv("CUPEL_STACKS");
    if (words == NULL) {
        return;
    }
    const char *compare = strstr(words, "compare=");
    const char *step = strstr(words, "step=");
    compare_every = compare == NULL ? 0 : strtoul(compare + 8, NULL, 10);
    mode = strstr(words, "fp") != NULL ? CUPEL_TRACE_FRAME_POINTERS : CUPEL_TRACE_TABLES;
    work = strstr(words, "libgcc") != NULL ? LIBGCC : strstr(words, "none") != NULL ? NONE : TAKE;
    if (step != NULL) {
        start_stepping(strtol(step + 5, NULL, 10));
    }
}

__attribute__((destructor)) static void end(void) {
    if (work == OFF) {
        return;
    }
    is_inside = true;
    struct cupel_trace_counters counters;
    cupel_trace_count(&counters);
    tell("{\"program\":\"%s\",\"calls\":%lu,\"compared\":%lu,\"different\":%lu,\"stepped\":%lu,\"step_different\":%lu,"
         "\"traces\":%" PRIu64 ",\"rules\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"repairs\":%" PRIu64
         ",\"walks\":%" PRIu64 ",\"slow_walks\":%" PRIu64 ",\"dropped\":%" PRIu64 "}\n",
         program_invocation_short_name, atomic_load(&calls), atomic_load(&compared), atomic_load(&different),
         atomic_load(&stepped), atomic_load(&step_different), counters.traces, counters.rules, counters.bytes,
         counters.hits, counters.repairs, counters.walks, counters.slow_walks, counters.dropped);
}
