/* Traces: call stacks as 4-byte ids, cheap enough to take at every allocation and every release.
 *
 * A trace is the chain of return addresses from one call outwards. Taking one has three steps, of which a user sees one
 * call (cupel_trace_take): the walk over the stack, the store that gives equal traces equal ids, and a memo that finds
 * the id again without a walk where the stack did not change. Nothing here allocates, takes the loader's lock or fails
 * loudly: memory comes from mmap, and what cannot be had makes a trace shorter or 0.
 *
 * How a stack is walked is the mode's:
 *   CUPEL_TRACE_FRAME_POINTERS  the chain of frame pointers; ends at code that was built without them
 *   CUPEL_TRACE_TABLES          the unwinding tables (.eh_frame), which all code on x86-64 Linux carries: exact, equal
 * to libgcc's unwinder, through any code. Elsewhere it is the walk over frame pointers, and cupel_trace_lack says so.
 * Both read the stack that they walk and nothing else, whatever its words say.
 *
 * All functions may be called by any thread at any time, inside malloc and in signal handlers; in a handler that
 * interrupted this module what takes or interns a trace gives 0. */
#ifndef ALLOC_TRACE_H
#define ALLOC_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_TRACE_FRAMES_MAX = 32 };

enum cupel_trace_mode { CUPEL_TRACE_NONE, CUPEL_TRACE_FRAME_POINTERS, CUPEL_TRACE_TABLES };

/* An interned trace; equal traces have equal ids, for the life of the process. 0: none. */
typedef uint32_t cupel_trace_id;

/* The registers of a caller at the moment to which its call returns. */
struct cupel_trace_start {
    uintptr_t ip; /* the return address */
    uintptr_t sp; /* the stack pointer there */
    uintptr_t fp; /* the frame pointer's register there, whatever it is used for */
};

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
void __msan_unpoison(const volatile void *address, size_t size);
#endif
#endif

/* The start of a trace at the caller of the function that this stands in. The function must not align its stack anew
 * (no local variable aligned to more than 16 bytes). Costs some three loads. */
static inline __attribute__((always_inline)) struct cupel_trace_start cupel_trace_start_here(void) {
    const uintptr_t *frame = (const uintptr_t *)__builtin_frame_address(0);
    struct cupel_trace_start start = {frame[1], (uintptr_t)(frame + 2), frame[0]};
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    __msan_unpoison(&start, sizeof start); /* code that is not instrumented may have pushed them */
#endif
#endif
    return start;
}

/* Walks from `start` and writes up to `max` (at most CUPEL_TRACE_FRAMES_MAX) return addresses, innermost first; returns
 * how many. With `site` NULL the first is start->ip. Otherwise the trace begins where the walk meets the return address
 * `site`, so that frames of ours between the user's code and here are passed over; where it never does, the trace is
 * `site` alone. Some 100 ns for 16 frames. */
unsigned cupel_trace_collect(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                             const void *frames[], unsigned max);

/* The same as an id: what to call at every allocation. `max` 0 gives 0 at no cost. 0 also where the store is full, or
 * where this thread is in here already (a signal handler). About 10 ns where the stack did not change since the last
 * call from there, 30 to 100 ns otherwise. A thread's first call takes up to half a megabyte of address space from mmap
 * and reads /proc/self/maps. */
cupel_trace_id cupel_trace_take(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                                unsigned max);

/* The id of the trace of these frames, at most CUPEL_TRACE_FRAMES_MAX; 0 for no frames, and where the store is full. */
cupel_trace_id cupel_trace_intern(const void *const frames[], unsigned count);

/* The frames of a trace: writes up to `max`, returns how many it wrote; 0 for id 0 and for ids that nobody gave. */
unsigned cupel_trace_frames(cupel_trace_id id, const void *frames[], unsigned max);

/* Takes text that is printed; called any number of times, `length` is at least 1. */
typedef void (*cupel_trace_put)(void *user, const char *text, size_t length);

/* Prints "    #0 function+0x12 (module+0x3456)\n" for each frame, then " at file:line" and the calls that were inlined
 * where debug info is there and a program that reads it is found (cupel-symbolise, else addr2line, else
 * llvm-symbolizer). A module that was unloaded since is named as it was. Allocates nothing, takes no lock of anybody's;
 * costs milliseconds: a process is started to read debug info unless `is_quick`. In a signal handler it is safe. */
void cupel_trace_print(cupel_trace_id id, bool is_quick, cupel_trace_put put, void *user);

/* Forgets what is known of code addresses, because a module was unloaded and another may now lie at its addresses. Ids
 * stay valid and keep the names of their modules. Needed by those only who do not call cupel_trace_take for every free
 * in the process (the loader's own are seen there); free, about 1 us on the next call. */
void cupel_trace_modules_changed(void);

/* Makes the tables of the calling thread ready for another thread; happens by itself when a thread ends. */
void cupel_trace_thread_end(void);

/* Bytes that all traces together may take, at least 64 KiB; default 64 MiB. Traces beyond it are 0, and counted. May be
 * lowered or raised at any time. */
void cupel_trace_limit(size_t bytes);

struct cupel_trace_counters {
    uint64_t traces;     /* different ones in the store */
    uint64_t frames;     /* different return addresses */
    uint64_t rules;      /* unwinding rules that were read from tables */
    uint64_t modules;    /* that were ever seen */
    uint64_t bytes;      /* taken from the system by all of this, shared between threads and theirs */
    uint64_t hits;       /* of the memo: traces without a walk. This thread's */
    uint64_t repairs;    /* hits after a frame was replaced. This thread's */
    uint64_t walks;      /* through the rule cache. This thread's */
    uint64_t slow_walks; /* without it: signal frames and odd registers. This thread's */
    bool has_no_memo;    /* this thread walks each time: it took none yet, memory lacks, or valgrind */
    uint64_t dropped;    /* traces that the limit kept out */
};
void cupel_trace_count(struct cupel_trace_counters *counters);

/* NULL where CUPEL_TRACE_TABLES walks by tables; otherwise a sentence that says why it walks by frame pointers here. */
const char *cupel_trace_lack(void);

#ifdef __cplusplus
}
#endif

#endif
