/* What a foreign program under `cupel test --exec` and the tool tell each other: memory that both map, so that it
 * outlives the program. libcupel-exec.so, preloaded, fills it; the tool made it. The program's processes share one:
 * requests are numbered over all of them, in order. */
#ifndef HARNESS_EXEC_NOTE_H
#define HARNESS_EXEC_NOTE_H

#include "alloc/failing.h"

#include <stdint.h>

/* Names a file, which is the note. */
#define CUPEL__EXEC_NOTE_VARIABLE "CUPEL_EXEC_NOTE"

enum {
    CUPEL__EXEC_MAGIC = 0x43584543,
    CUPEL__EXEC_FRAMES_MAX = 24,
    CUPEL__EXEC_KEY_FRAMES = 8, /* of a stack, that make it the same as another */
    CUPEL__EXEC_MODULES_MAX = 96,
    CUPEL__EXEC_PATH_MAX = 240,
    CUPEL__EXEC_CRASHES_MAX = 16,
    CUPEL__EXEC_THREADS_MAX = 256,
    CUPEL__EXEC_POINTS_MAX = 1 << 20,
};

/* A call stack, innermost first: each frame a module of the note and the offset of the call in its file. */
struct cupel__exec_stack {
    uint32_t count;
    uint32_t module[CUPEL__EXEC_FRAMES_MAX]; /* index; CUPEL__EXEC_MODULES_MAX where it is in none */
    uint64_t offset[CUPEL__EXEC_FRAMES_MAX];
    uint64_t key; /* equal for equal stacks, whatever the addresses of this run are */
};

struct cupel__exec_crash {
    int32_t signal;
    struct cupel__exec_stack stack;
};

/* One request of an unfailed run. */
struct cupel__exec_point {
    uint64_t key; /* of its stack */
    uint32_t thread;
    uint32_t number; /* of those of all processes' threads with that number; the first is 1 */
};

struct cupel__exec_note {
    uint32_t magic;
    /* The tool's words. */
    uint32_t records_points; /* points[] is there */
    uint32_t counts_all;     /* what libc and test frameworks ask for themselves too */
    char program[4096];      /* the executable whose requests count; "": any that the system did not bring */
    uint32_t fresh, freed;   /* each byte of memory that is acquired, that is released, is this less 1; 0: as it is */
    int32_t start_error;     /* errno where the program could not be started; the tool's child says so */
    /* The library's words. */
    uint32_t lock;
    uint32_t is_loaded; /* in a process whose requests count */
    uint32_t is_hidden; /* there, but this process has another malloc, which stands before it */
    uint32_t threads;   /* that asked for memory, at most in one process */
    char error[256];    /* in the words of CUPEL_FAULT; "" for none */
    uint32_t has_plan;
    struct cupel_fault_plan plan;
    uint64_t requests;
    uint32_t thread_requests[CUPEL__EXEC_THREADS_MAX]; /* of threads of that number; 0: of all beyond */
    uint64_t left_alone;                               /* not among them */
    uint64_t injected;
    struct cupel__exec_stack refused; /* the first */
    uint32_t crash_count;             /* signals that end a process, in order */
    struct cupel__exec_crash crashes[CUPEL__EXEC_CRASHES_MAX];
    char assertion[512];               /* the last of assert(): "file:line: function: text"; "" for none */
    struct cupel__exec_stack asserted; /* where it was */
    uint32_t module_count;
    char modules[CUPEL__EXEC_MODULES_MAX][CUPEL__EXEC_PATH_MAX];
    struct cupel__exec_point points[]; /* CUPEL__EXEC_POINTS_MAX */
};

#endif
