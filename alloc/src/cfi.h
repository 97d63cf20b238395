/* Unwinding by call frame information, as .eh_frame carries it: how to find the registers of a caller, for any code
 * address of a loaded module. x86-64 only. The format: Linux Standard Base Core 5.0, chapter 10.6 (exception frames);
 * DWARF 5, sections 6.4 (call frame information) and 2.5 (expressions). What libgcc's unwinder answers is the measure.
 *
 * Nothing here allocates, takes a lock or trusts what it reads to be in range: tables are read within their module's
 * mapping, and stacks within bounds that the caller gives. All is safe in signal handlers. */
#ifndef ALLOC_SRC_CFI_H
#define ALLOC_SRC_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DWARF numbers of x86-64 registers (System V ABI, figure 3.36). */
enum { CUPEL__CFI_RBX = 3, CUPEL__CFI_RBP = 6, CUPEL__CFI_RSP = 7, CUPEL__CFI_RIP = 16, CUPEL__CFI_REGISTERS = 17 };

/* How the caller's value of a register, or the frame's address, is had. */
enum cupel__cfi_how {
    CUPEL__CFI_SAME,             /* it is in the register still */
    CUPEL__CFI_UNDEFINED,        /* it is lost; for the return address: there is no caller */
    CUPEL__CFI_OFFSET,           /* at frame address + value */
    CUPEL__CFI_VALUE_OFFSET,     /* frame address + value */
    CUPEL__CFI_REGISTER,         /* in the register of number value */
    CUPEL__CFI_EXPRESSION,       /* at the address that the expression at value gives */
    CUPEL__CFI_VALUE_EXPRESSION, /* what the expression at value gives */
};

/* What holds at one code address. An expression is the address of its length (LEB128), after which it stands. */
struct cupel__cfi_row {
    uint8_t how[CUPEL__CFI_REGISTERS];
    bool is_signal;         /* a handler's frame: the caller was interrupted, it did not call */
    bool has_frame_address; /* by an expression, `frame_value`; otherwise frame_register + frame_value */
    uint8_t frame_register;
    int64_t frame_value;
    int64_t value[CUPEL__CFI_REGISTERS];
};

/* Where the tables of a module are. */
struct cupel__cfi_module {
    const uint8_t *header; /* .eh_frame_hdr */
    const uint8_t *start;  /* of the module's mapping */
    const uint8_t *end;
};

/* The module that holds an address; false where there is none, or it has no tables. Some 30 ns. */
bool cupel__cfi_module_of(uintptr_t address, struct cupel__cfi_module *module);
/* Fills `row` for a code address; false where the tables do not cover it or cannot be read. About 0.2 to 10 us. */
bool cupel__cfi_find(const struct cupel__cfi_module *module, uintptr_t address, struct cupel__cfi_row *row);

/* Memory that a walk may read: from where it stood in each stack it came through, to that stack's end. */
struct cupel__cfi_memory {
    struct {
        uintptr_t low, high;
    } stacks[4];
    unsigned count;
};

/* Adds the stack in which `sp` is, unless it is there; false where it is unknown. */
bool cupel__cfi_memory_add(struct cupel__cfi_memory *memory, uintptr_t sp);
/* Reads a word; false where it lies outside. */
bool cupel__cfi_memory_read(const struct cupel__cfi_memory *memory, uintptr_t address, uint64_t *value);

/* The registers in a frame. */
struct cupel__cfi_frame {
    uint64_t registers[CUPEL__CFI_REGISTERS];
    bool was_interrupted; /* its instruction pointer is not behind a call */
};

/* Evaluates an expression; with `initial` not NULL that value is on its stack first. False for what cannot be
 * evaluated. */
bool cupel__cfi_evaluate(const struct cupel__cfi_module *module, const struct cupel__cfi_frame *frame,
                         const struct cupel__cfi_memory *memory, const uint8_t *expression, const uint64_t *initial,
                         uint64_t *result);

/* Goes from a frame to its caller's; false where there is none, or it cannot be told. About 0.5 us. */
bool cupel__cfi_step(struct cupel__cfi_frame *frame, struct cupel__cfi_memory *memory);

/* Whether this is the kernel's trampoline out of a signal handler, which some C libraries have no tables for. */
bool cupel__cfi_is_trampoline(uintptr_t ip);

/* Walks from the frame of the function that calls this outwards, with all registers, and calls visit with each
 * caller's, until it returns false. No cache. About 1 us a frame. */
void cupel__cfi_walk(bool (*visit)(void *user, const struct cupel__cfi_frame *caller), void *user);

#endif
