/* Counters by evidence class: see evidence.h.
 *
 * The linker script ci/cmake/counters.ld gathers every counter between two symbols. Each process of the run has a copy
 * of that range, a slot, in memory that all of them share and that outlives whichever dies: a forked child maps a slot
 * of its own over the range, so each increment is a store into shared memory and no handler has to run in a dying
 * process. Counts leave a slot only by an atomic exchange with zero and are added atomically to the sums of a class:
 * so they can be neither lost nor counted twice, also where threads run on or where two processes must share a slot.
 * The supervisor writes the sums at the end, by putting each class's into its own counters and letting the compiler's
 * run-time library write its usual files. Only one executable's own counters are covered, not those of shared objects.
 *
 * The run-time library would write and clear the counters at each fork, exec and exit. Its wrappers of fork and exec
 * are replaced here; at exit it finds its list of objects empty in a forked child. */
#include "harness/src/evidence.h"

#ifndef CUPEL_WITH_COUNTERS

void cupel__evidence_start(void) {
}

void cupel__evidence_begin(enum cupel_evidence evidence) {
    (void)evidence;
}

void cupel__evidence_end(void) {
}

void cupel__evidence_flush(void) {
}

void cupel__evidence_finish(void) {
}

#else

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* This file's own counters would change while it moves counters. */
#define UNCOUNTED __attribute__((no_profile_instrument_function))

enum { SLOT_COUNT = 128 };

/* What a slot's owner was doing, for whoever empties the slot after the owner died. */
struct slot {
    pid_t owner;                  /* 0: free */
    enum cupel_evidence evidence; /* of what the owner runs */
    bool has_begun;
};

extern uint64_t __cupel_counters_start[];
extern uint64_t __cupel_counters_end[];
extern void *__gcov_root; /* its first member is the list of objects to write */
void __gcov_dump(void);
void __gcov_reset(void);

/* All of this is the same in every process of the run: it is set before the first fork. */
static struct slot *slots;    /* SLOT_COUNT, shared; the supervisor's is the first */
static uint64_t *sums;        /* one range a class, shared */
static uint64_t *slot_ranges; /* one range a slot, shared */
static size_t range_bytes;    /* a whole number of pages */
static char folder[PATH_MAX]; /* where the classes' directories are */

/* This process's slot; children where no slot was free use their parent's. */
static struct slot *own;

UNCOUNTED static size_t range_length(void) {
    return range_bytes / sizeof(uint64_t);
}

/* Moves what a range holds to the sums of a class. */
UNCOUNTED static void harvest(uint64_t *range, enum cupel_evidence evidence) {
    uint64_t *sum = sums + (size_t)evidence * range_length();
    for (size_t i = 0; i < range_length(); i++) {
        if (__atomic_load_n(&range[i], __ATOMIC_RELAXED) != 0) {
            uint64_t count = __atomic_exchange_n(&range[i], 0, __ATOMIC_RELAXED);
            (void)__atomic_fetch_add(&sum[i], count, __ATOMIC_RELAXED);
        }
    }
}

UNCOUNTED static uint64_t *range_of(const struct slot *slot) {
    return slot_ranges + (size_t)(slot - slots) * range_length();
}

/* Empties a slot whose owner is gone. */
UNCOUNTED static void harvest_left(struct slot *slot) {
    harvest(range_of(slot), slot->has_begun ? CUPEL_EVIDENCE_CRASH : slot->evidence);
}

/* Takes a free slot, or that of a process that is gone. NULL where all are in use. */
UNCOUNTED static struct slot *take_slot(pid_t pid) {
    for (int i = 0; i < SLOT_COUNT; i++) {
        pid_t owner = __atomic_load_n(&slots[i].owner, __ATOMIC_ACQUIRE);
        bool is_gone = owner != 0 && kill(owner, 0) != 0 && errno == ESRCH;
        if (owner != 0 && !is_gone) {
            continue;
        }
        if (__atomic_compare_exchange_n(&slots[i].owner, &owner, pid, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            harvest_left(&slots[i]);
            return &slots[i];
        }
    }
    return NULL;
}

/* Maps a slot over the counters of this process: a second mapping of the same shared pages. */
UNCOUNTED static bool map_slot(const struct slot *slot) {
    return mremap(range_of(slot), 0, range_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, __cupel_counters_start) != MAP_FAILED;
}

/* In each forked child, before fork returns. */
UNCOUNTED static void enter_child(void) {
    int saved = errno;
    __gcov_root = NULL;
    struct slot *slot = take_slot(getpid());
    if (slot != NULL) {
        slot->evidence = own->evidence;
        slot->has_begun = false;
        if (map_slot(slot)) {
            own = slot;
        } else {
            __atomic_store_n(&slot->owner, 0, __ATOMIC_RELEASE);
        }
    }
    errno = saved;
}

/* Where children that are other programs, and the run-time library at exit, write their counters. */
UNCOUNTED static void set_prefix(enum cupel_evidence evidence) {
    char prefix[PATH_MAX + 16];
    (void)snprintf(prefix, sizeof prefix, "%s/%s", folder, cupel_evidence_name(evidence));
    (void)setenv("GCOV_PREFIX", prefix, 1);
}

UNCOUNTED static bool find_evidence(void) {
    const char *wanted = getenv("CUPEL_EVIDENCE");
#ifdef CUPEL_EVIDENCE_ROOT
    if (wanted == NULL || wanted[0] == '\0') {
        wanted = CUPEL_EVIDENCE_ROOT;
    }
#endif
    if (wanted == NULL || wanted[0] == '\0') {
        return false;
    }
    char here[PATH_MAX / 2] = "";
    if (wanted[0] != '/' && getcwd(here, sizeof here) == NULL) {
        return false;
    }
    int length = snprintf(folder, sizeof folder, "%s%s%s", here, here[0] == '\0' ? "" : "/", wanted);
    return length > 0 && (size_t)length < sizeof folder;
}

UNCOUNTED void cupel__evidence_start(void) {
    assert(slots == NULL);
    range_bytes = (size_t)((char *)__cupel_counters_end - (char *)__cupel_counters_start);
    if (range_bytes == 0 || !find_evidence()) {
        return;
    }
    size_t table_bytes = 4096;
    static_assert(SLOT_COUNT * sizeof(struct slot) <= 4096, "the table of slots is one page");
    size_t total = table_bytes + range_bytes * (CUPEL_EVIDENCE_COUNT + SLOT_COUNT);
    char *shared = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED) {
        (void)fprintf(stderr, "cupel: no memory to share the coverage counters; crashed tests will not be counted\n");
        return;
    }
    slots = (struct slot *)shared;
    sums = (uint64_t *)(void *)(shared + table_bytes);
    slot_ranges = sums + range_length() * CUPEL_EVIDENCE_COUNT;
    own = &slots[0];
    own->owner = getpid();
    memcpy(range_of(own), __cupel_counters_start, range_bytes);
    if (!map_slot(own) || pthread_atfork(NULL, NULL, enter_child) != 0) {
        (void)fprintf(stderr, "cupel: the coverage counters cannot be shared; crashed tests will not be counted\n");
        slots = NULL;
        return;
    }
    /* Messages about files of an older build must not mix with what a tested program prints. */
    char errors[PATH_MAX + 16];
    (void)snprintf(errors, sizeof errors, "%s/errors.txt", folder);
    (void)setenv("GCOV_ERROR_FILE", errors, 0);
    set_prefix(CUPEL_EVIDENCE_UNIT);
}

UNCOUNTED static void change_class(enum cupel_evidence evidence, bool has_begun) {
    if (slots == NULL) {
        return;
    }
    harvest(range_of(own), own->evidence);
    own->evidence = evidence;
    own->has_begun = has_begun;
    set_prefix(evidence);
}

UNCOUNTED void cupel__evidence_begin(enum cupel_evidence evidence) {
    assert(evidence < CUPEL_EVIDENCE_CRASH);
    change_class(evidence, true);
}

UNCOUNTED void cupel__evidence_end(void) {
    change_class(CUPEL_EVIDENCE_UNIT, false);
}

/* Moves the sums of a class into the counters of this process; false where all are zero. */
UNCOUNTED static bool load_sums(enum cupel_evidence evidence) {
    uint64_t *sum = sums + (size_t)evidence * range_length();
    uint64_t seen = 0;
    for (size_t i = 0; i < range_length(); i++) {
        __cupel_counters_start[i] = sum[i];
        seen |= sum[i];
        sum[i] = 0;
    }
    return seen != 0;
}

UNCOUNTED void cupel__evidence_finish(void) {
    if (slots == NULL || own != &slots[0] || __gcov_root == NULL) {
        return;
    }
    harvest(range_of(own), own->evidence);
    for (int i = 1; i < SLOT_COUNT; i++) {
        if (__atomic_load_n(&slots[i].owner, __ATOMIC_ACQUIRE) != 0) {
            harvest_left(&slots[i]);
        }
    }
    /* `unit` comes last: the run-time library writes there what this process still counts until it exits. */
    for (unsigned i = CUPEL_EVIDENCE_COUNT; i-- > 0;) {
        set_prefix((enum cupel_evidence)i);
        if (load_sums((enum cupel_evidence)i)) {
            __gcov_dump();
            __gcov_reset();
        }
    }
}

UNCOUNTED void cupel__evidence_flush(void) {
    if (slots == NULL) {
        __gcov_dump();
        __gcov_reset();
    } else {
        cupel__evidence_finish();
    }
}

/* The compiler calls these in place of fork and the exec family. Outside of a run they do what the run-time library's
 * own do: write what was counted, so that a child does not write it again and an exec does not lose it. The real ones
 * have other names here, or the compiler would make calls of these very wrappers of them. */
pid_t real_fork(void) __asm__("fork");
int real_execv(const char *path, char *const arguments[]) __asm__("execv");
int real_execvp(const char *path, char *const arguments[]) __asm__("execvp");
int real_execve(const char *path, char *const arguments[], char *const environment[]) __asm__("execve");
pid_t __gcov_fork(void);
int __gcov_execv(const char *path, char *const arguments[]);
int __gcov_execvp(const char *path, char *const arguments[]);
int __gcov_execve(const char *path, char *const arguments[], char *const environment[]);
int __gcov_execl(const char *path, char *argument, ...);
int __gcov_execlp(const char *path, char *argument, ...);
int __gcov_execle(const char *path, char *argument, ...);

UNCOUNTED static void flush_outside_of_a_run(void) {
    if (slots == NULL) {
        __gcov_dump();
        __gcov_reset();
    }
}

UNCOUNTED pid_t __gcov_fork(void) {
    flush_outside_of_a_run();
    return real_fork();
}

UNCOUNTED int __gcov_execv(const char *path, char *const arguments[]) {
    flush_outside_of_a_run();
    return real_execv(path, arguments);
}

UNCOUNTED int __gcov_execvp(const char *path, char *const arguments[]) {
    flush_outside_of_a_run();
    return real_execvp(path, arguments);
}

UNCOUNTED int __gcov_execve(const char *path, char *const arguments[], char *const environment[]) {
    flush_outside_of_a_run();
    return real_execve(path, arguments, environment);
}

enum { EXEC_ARGUMENTS_MAX = 1024 };

/* The words of an exec call with a list, up to its NULL; false where there are too many. */
UNCOUNTED static bool collect(char *words[], char *first, va_list *rest) {
    size_t count = 0;
    for (char *word = first; word != NULL; word = va_arg(*rest, char *)) {
        if (count == EXEC_ARGUMENTS_MAX - 1) {
            errno = E2BIG;
            return false;
        }
        words[count++] = word;
    }
    words[count] = NULL;
    return true;
}

UNCOUNTED int __gcov_execl(const char *path, char *argument, ...) {
    char *words[EXEC_ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, argument);
    bool is_complete = collect(words, argument, &rest);
    va_end(rest);
    return is_complete ? __gcov_execv(path, words) : -1;
}

UNCOUNTED int __gcov_execlp(const char *path, char *argument, ...) {
    char *words[EXEC_ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, argument);
    bool is_complete = collect(words, argument, &rest);
    va_end(rest);
    return is_complete ? __gcov_execvp(path, words) : -1;
}

UNCOUNTED int __gcov_execle(const char *path, char *argument, ...) {
    char *words[EXEC_ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, argument);
    bool is_complete = collect(words, argument, &rest);
    char **environment = is_complete ? va_arg(rest, char **) : NULL;
    va_end(rest);
    return is_complete ? __gcov_execve(path, words, environment) : -1;
}

#endif
