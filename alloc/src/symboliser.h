/* Files and lines of code addresses, asked of a program that reads debug info: cupel-symbolise, else addr2line, else
 * llvm-symbolizer. The process that asks allocates nothing and takes no lock, so that it may be the one that crashed.
 */
#ifndef ALLOC_SRC_SYMBOLISER_H
#define ALLOC_SRC_SYMBOLISER_H

#include "alloc/lines.h"
#include "alloc/query.h"

enum { CUPEL__SYMBOLISER_ASKED_MAX = 32 };

/* How long a process may wait for answers, in milliseconds; tests set it lower. */
extern struct cupel__symboliser_limits {
    int64_t process_ms; /* one question may take that long on a processor */
    int64_t all_ms;     /* and all together that */
    int64_t wait_ms;    /* those that sleep, or that are not let run, are waited for that long in all */
    int look_ms;        /* how often it is looked at */
} cupel__symboliser_limits;

/* Whoever asks is the only one: false where somebody asks already, another thread or the report that this one is inside
 * of. */
bool cupel__symboliser_enter(void);
void cupel__symboliser_leave(void);

/* Asks for `count` (at most CUPEL__SYMBOLISER_ASKED_MAX) offsets in a module's file. False where nobody can be asked or
 * the answer took too long; one that takes long uses up what the process as a whole may spend, some seconds. One thread
 * at a time. */
bool cupel__symboliser_ask(const char *path, const uintptr_t offsets[], unsigned count, cupel_lines_visit visit,
                           void *user);

/* A variable of a call's frame, or a parameter. */
struct cupel__variable {
    char function[128]; /* also one that was inlined */
    char name[64];
    char place[256];        /* "file:line" of its declaration; "" where that is not known */
    uintptr_t offset, size; /* of the address in it, and its own; bytes */
};

/* Which variable of a call's frame in a module's file holds the byte at the address. Only cupel-symbolise knows such
 * things. Otherwise as above. False where there is none, or the debug info does not say. */
bool cupel__symboliser_variable(const char *path, uintptr_t address, const struct cupel_query_frame *frame,
                                struct cupel__variable *variable);

#endif
