/* Running code: loading images, calling functions, natives, errors, fuel and interrupts.
 *
 * A program's functions live as long as the VM. Errors are values: a trap makes an error object of kind, message and
 * backtrace, a program may raise anything; what nobody catches ends vm_call with VM_ERROR and waits in the VM until it
 * is taken or another call begins. Natives return statuses; nothing ever jumps over a frame of C.
 *
 * One thread at a time for each VM, but for vm_interrupt. */
#ifndef VM_RUN_H
#define VM_RUN_H

#include "alloc/base/message.h"
#include "vm/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Three evaluators, which do the same. */
enum vm_evaluator {
    VM_EVALUATOR_FASTEST,   /* of those that the compiler can make: by computed goto or by a switch */
    VM_EVALUATOR_SWITCH,    /* in plain C */
    VM_EVALUATOR_REFERENCE, /* slow and simple: what the others are held against */
};

/* How much a program may use; members that are 0 mean the default. */
struct vm_limits {
    size_t stack_slots; /* registers of all frames together; 1048576 */
    size_t frames;      /* calls that have not returned; 200000 */
    unsigned nesting;   /* calls from C to the VM inside of each other; 2000 */
    uint64_t fuel;      /* calls, jumps back and raises; no limit. See vm_refuel */
    enum vm_evaluator evaluator;
    uint64_t slice; /* points between two looks at the fuel; 65536. 1: every one of them */
};
/* Makes the VM ready to run with these limits; otherwise the first vm_load or vm_call does so with the defaults. Before
 * both of them only. VM_ERROR_OOM: out of memory. */
vm_status vm_set_limits(vm_t *vm, const struct vm_limits *limits);

/* Verifies an image, takes it in and runs its first function, whose result is stored (`result` may be NULL). VM_OK;
 * VM_ERROR_IMAGE: it is no sound image, and `error` (may be NULL) says why; VM_ERROR_OOM; otherwise as vm_call. The
 * image is not needed afterwards. */
vm_status vm_load(vm_t *vm, const void *image, size_t length_bytes, tagged_value_t *result, struct cupel_error *error);
/* The same without running: `function` becomes the first function. */
vm_status vm_link(vm_t *vm, const void *image, size_t length_bytes, tagged_value_t *function,
                  struct cupel_error *error);

/* Calls a closure or a native. The arguments are copied first, so that they may lie anywhere. VM_OK and the result; or
 * VM_ERROR: the error is in vm_error; VM_ERROR_OOM: the same, and it is about memory; VM_INTERRUPTED: see vm_resume.
 * From inside a native that is not VM_NATIVE_SAFE, nothing is collected meanwhile. */
vm_status vm_call(vm_t *vm, tagged_value_t function, const tagged_value_t *arguments, size_t count,
                  tagged_value_t *result);
/* Goes on where VM_INTERRUPTED stopped the outermost call; as vm_call. A new vm_call drops what was stopped. */
vm_status vm_resume(vm_t *vm, tagged_value_t *result);
/* Makes the running call end with VM_INTERRUPTED at its next call or jump back. From any thread or signal handler. */
void vm_interrupt(vm_t *vm);
/* Sets how many calls, jumps back and raises may still happen; UINT64_MAX: no limit. Without fuel a call ends with
 * VM_INTERRUPTED. Not from natives. */
void vm_refuel(vm_t *vm, uint64_t fuel);
/* What is left of it. */
uint64_t vm_fuel(const vm_t *vm);

/* What a native returns where something is wrong: makes an error of that kind (a word) the pending one. VM_ERROR, or
 * VM_ERROR_OOM where there is no memory for it. */
vm_status vm_fail(vm_t *vm, const char *kind, const char *format, ...) CUPEL_PRINTF(3, 4);
/* The same with any value. */
vm_status vm_raise(vm_t *vm, tagged_value_t value);
/* What was raised last and not caught; nil where nothing was. Stays until it is cleared or another call begins. */
tagged_value_t vm_error(const vm_t *vm);
void vm_error_clear(vm_t *vm);
/* Its words, one line, and a line for each call that had not returned: "kind: message\n  at name (file:line)\n...".
 * Writes at most `size` bytes, zero included, and returns how many the whole has. */
size_t vm_error_text(vm_t *vm, char *text, size_t size);

/* Globals, by name. vm_define makes or changes one; VM_ERROR_OOM. vm_global: nothing there is VM_UNDEFINED. */
vm_status vm_define(vm_t *vm, const char *name, tagged_value_t value);
tagged_value_t vm_global(vm_t *vm, const char *name);
/* Makes natives and defines them under their names. VM_ERROR_OOM. */
vm_status vm_define_natives(vm_t *vm, const struct vm_native *natives, size_t count);
/* The `data` of the native that runs. Only inside of one. */
void *vm_native_data(const vm_t *vm);

#ifdef __cplusplus
}
#endif

#endif
