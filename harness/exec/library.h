/* The parts of libcupel-exec.so. preload.c defines the malloc family and asks decide.c about each request; stack.c
 * takes stacks and knows whose code an address is; crash.c notes the signals that end a process. Nothing here
 * allocates. */
#ifndef HARNESS_EXEC_LIBRARY_H
#define HARNESS_EXEC_LIBRARY_H

#include "harness/exec/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The note of this process: never NULL once cupel__exec_is_on. */
extern struct cupel__exec_note *cupel__exec_note;
/* Requests of this process are looked at; from its constructor on. */
extern int cupel__exec_is_on;

/* What becomes of a request: NULL, it is granted; else the rule that refuses or moves it. `calls` as in failing.h. */
const struct cupel_fault_rule *cupel__exec_decide(unsigned calls, size_t size, const void *site);
/* A block was acquired or given back: for plans that look at live bytes. */
void cupel__exec_live(int64_t bytes);
/* In the constructor, once the real malloc is known: maps the note, reads the plan. */
void cupel__exec_begin(bool is_hidden);

/* The call stack as addresses, innermost first: `start` and what is above it; how many, at least 1. */
unsigned cupel__exec_frames(const void *start, const void *frames[], unsigned max);
/* The stack above `site`, an address that a call returns to. */
void cupel__exec_stack_take(const void *site, struct cupel__exec_stack *stack);
/* The stack above an interrupted instruction. For signal handlers: takes no lock. */
void cupel__exec_stack_take_interrupted(const void *address, struct cupel__exec_stack *stack);
/* Reads the loaded modules. */
void cupel__exec_modules_read(void);
/* Whether the code there asks for memory for itself: libc, the loader, sanitizers, test frameworks. */
bool cupel__exec_is_foreign(const void *site);

/* From now on signals that end this process are noted before they do. */
void cupel__exec_crash_watch(void);

#endif
