/* A host for programs in tests: natives that print into a transcript and call back, and what a run says in the end. */
#ifndef VM_TESTS_HOST_H
#define VM_TESTS_HOST_H

#include "vm/run.h"

struct transcript {
    char text[8192];
    size_t length;
};

/* Adds a line; what does not fit is left out. */
void transcript_add(struct transcript *transcript, const char *line);
/* Defines the natives: print, try (calls a function and says how it ended), map (calls back for each element), fail,
 * nest and nest-unsafe (call a function from C), litter (makes garbage), stop (interrupts), identity. False when out of
 * memory. */
bool host_define(vm_t *vm, struct transcript *transcript);
/* Adds "result VALUE" or "error KIND: MESSAGE" and a line for each frame. */
void transcript_end(struct transcript *transcript, vm_t *vm, vm_status status, tagged_value_t result);

#endif
