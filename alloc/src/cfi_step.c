/* From a frame to its caller's, with all registers: see cfi.h. */
#include "alloc/src/cfi.h"
#include "alloc/src/stack.h"
#include "alloc/src/unsanitized.h"

#include <dlfcn.h>
#include <string.h>

#if defined(CUPEL_HAS_VALGRIND)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(address, size) ((void)(address), (void)(size))
#endif

#if defined(__x86_64__)

enum { RED_ZONE = 128 }; /* bytes below the stack pointer that a function may use (System V ABI, 3.2.2) */

bool cupel__cfi_memory_add(struct cupel__cfi_memory *memory, uintptr_t sp) {
    for (unsigned i = 0; i < memory->count; i++) {
        if (sp >= memory->stacks[i].low && sp <= memory->stacks[i].high) {
            return true;
        }
    }
    struct cupel__stack stack;
    if (memory->count == sizeof memory->stacks / sizeof memory->stacks[0] || !cupel__stack_find(sp, &stack)) {
        return false;
    }
    uintptr_t low = sp - stack.low < RED_ZONE ? stack.low : sp - RED_ZONE;
    memory->stacks[memory->count].low = low;
    memory->stacks[memory->count].high = stack.high;
    memory->count++;
    return true;
}

CUPEL__UNSANITIZED bool cupel__cfi_memory_read(const struct cupel__cfi_memory *memory, uintptr_t address,
                                               uint64_t *value) {
    typedef uint64_t __attribute__((may_alias, aligned(1))) word;
    for (unsigned i = 0; i < memory->count; i++) {
        if (address >= memory->stacks[i].low && address <= memory->stacks[i].high - sizeof *value) {
            *value = *(const word *)address;
            (void)VALGRIND_MAKE_MEM_DEFINED(value, sizeof *value); /* what it is, is for the rules to know */
            return true;
        }
    }
    return false;
}

bool cupel__cfi_module_of(uintptr_t address, struct cupel__cfi_module *module) {
#if defined(DLFO_STRUCT_HAS_EH_DBASE) /* glibc 2.35 and later */
    struct dl_find_object object = {0};
    if (_dl_find_object((void *)address, &object) != 0 || object.dlfo_eh_frame == NULL) {
        return false;
    }
    module->header = object.dlfo_eh_frame;
    module->start = object.dlfo_map_start;
    module->end = object.dlfo_map_end;
    return true;
#else
    (void)address;
    (void)module;
    return false;
#endif
}

struct step {
    const struct cupel__cfi_module *module;
    const struct cupel__cfi_row *row;
    const struct cupel__cfi_frame *frame;
    const struct cupel__cfi_memory *memory;
    uint64_t frame_address;
};

static bool find_frame_address(struct step *step) {
    const struct cupel__cfi_row *row = step->row;
    if (row->has_frame_address) {
        return cupel__cfi_evaluate(step->module, step->frame, step->memory, (const uint8_t *)(intptr_t)row->frame_value,
                                   NULL, &step->frame_address);
    }
    step->frame_address = step->frame->registers[row->frame_register] + (uint64_t)row->frame_value;
    return true;
}

/* The caller's value of a register. One that is lost stays what it was, as libgcc has it. */
static bool find_register(const struct step *step, unsigned column, uint64_t *value) {
    int64_t operand = step->row->value[column];
    uint64_t address;
    switch ((enum cupel__cfi_how)step->row->how[column]) {
    case CUPEL__CFI_OFFSET:
        return cupel__cfi_memory_read(step->memory, step->frame_address + (uint64_t)operand, value);
    case CUPEL__CFI_VALUE_OFFSET:
        *value = step->frame_address + (uint64_t)operand;
        return true;
    case CUPEL__CFI_REGISTER:
        if ((uint64_t)operand >= CUPEL__CFI_REGISTERS) {
            return false;
        }
        *value = step->frame->registers[operand];
        return true;
    case CUPEL__CFI_EXPRESSION:
        return cupel__cfi_evaluate(step->module, step->frame, step->memory, (const uint8_t *)(intptr_t)operand,
                                   &step->frame_address, &address) &&
               cupel__cfi_memory_read(step->memory, address, value);
    case CUPEL__CFI_VALUE_EXPRESSION:
        return cupel__cfi_evaluate(step->module, step->frame, step->memory, (const uint8_t *)(intptr_t)operand,
                                   &step->frame_address, value);
    case CUPEL__CFI_SAME:
    case CUPEL__CFI_UNDEFINED:
    default:
        *value = step->frame->registers[column];
        return true;
    }
}

/* "mov $15, %rax; syscall". */
bool cupel__cfi_is_trampoline(uintptr_t ip) {
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
    struct cupel__cfi_module module;
    return cupel__cfi_module_of(ip, &module) && ip + sizeof code <= (uintptr_t)module.end &&
           memcmp((const void *)ip, code, sizeof code) == 0;
}

/* The kernel's record of the interrupted registers lies at the stack pointer: struct ucontext of the kernel. */
static bool step_out_of_handler(struct cupel__cfi_frame *frame, const struct cupel__cfi_memory *memory) {
    enum { REGISTERS_AT = 40 };
    /* r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, by their DWARF numbers. */
    static const uint8_t order[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16};
    struct cupel__cfi_frame caller = *frame;
    for (unsigned i = 0; i < sizeof order; i++) {
        if (!cupel__cfi_memory_read(memory, frame->registers[CUPEL__CFI_RSP] + REGISTERS_AT + 8 * (uintptr_t)i,
                                    &caller.registers[order[i]])) {
            return false;
        }
    }
    *frame = caller;
    frame->was_interrupted = true;
    return true;
}

bool cupel__cfi_step(struct cupel__cfi_frame *frame, struct cupel__cfi_memory *memory) {
    struct cupel__cfi_module module;
    struct cupel__cfi_row row;
    uintptr_t ip = frame->registers[CUPEL__CFI_RIP];
    uintptr_t address = ip - !frame->was_interrupted;
    if (ip == 0 || !cupel__cfi_memory_add(memory, frame->registers[CUPEL__CFI_RSP])) {
        return false;
    }
    if (!cupel__cfi_module_of(address, &module) || !cupel__cfi_find(&module, address, &row)) {
        return cupel__cfi_is_trampoline(ip) && step_out_of_handler(frame, memory);
    }
    struct step step = {&module, &row, frame, memory, 0};
    if (row.how[CUPEL__CFI_RIP] == CUPEL__CFI_UNDEFINED || !find_frame_address(&step)) {
        return false;
    }
    struct cupel__cfi_frame caller = {.was_interrupted = row.is_signal};
    for (unsigned column = 0; column < CUPEL__CFI_REGISTERS; column++) {
        if (!find_register(&step, column, &caller.registers[column])) {
            return false;
        }
    }
    if (row.how[CUPEL__CFI_RSP] == CUPEL__CFI_SAME) {
        caller.registers[CUPEL__CFI_RSP] = step.frame_address;
    }
    *frame = caller;
    return frame->registers[CUPEL__CFI_RIP] != 0;
}

/* The registers that a call preserves, and where this is: here, in the frame of this function. */
#define TAKE_REGISTERS(registers)                                                                                      \
    __asm__ volatile("movq %%rbx, 24(%0)\n\t"                                                                          \
                     "movq %%rbp, 48(%0)\n\t"                                                                          \
                     "movq %%rsp, 56(%0)\n\t"                                                                          \
                     "movq %%r12, 96(%0)\n\t"                                                                          \
                     "movq %%r13, 104(%0)\n\t"                                                                         \
                     "movq %%r14, 112(%0)\n\t"                                                                         \
                     "movq %%r15, 120(%0)\n\t"                                                                         \
                     "leaq 1f(%%rip), %%rax\n\t"                                                                       \
                     "1: movq %%rax, 128(%0)"                                                                          \
                     :                                                                                                 \
                     : "r"(registers)                                                                                  \
                     : "rax", "memory")

__attribute__((noinline)) CUPEL__UNSANITIZED void cupel__cfi_walk(bool (*visit)(void *user,
                                                                                const struct cupel__cfi_frame *caller),
                                                                  void *user) {
    enum { STEPS_MAX = 512 };
    struct cupel__cfi_frame frame = {.was_interrupted = true};
    struct cupel__cfi_memory memory = {.count = 0};
    TAKE_REGISTERS(frame.registers);
    (void)VALGRIND_MAKE_MEM_DEFINED(frame.registers, sizeof frame.registers);
    for (unsigned i = 0; i < STEPS_MAX && cupel__cfi_step(&frame, &memory); i++) {
        if (!visit(user, &frame)) {
            return;
        }
    }
}

#endif
