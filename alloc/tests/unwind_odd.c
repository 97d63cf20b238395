/* The module of unwind_odd.h. Each function is two bytes that nobody runs, between what a compiler never wrote about
 * it. */
#if defined(__x86_64__)

/* A function `unwind_odd_NAME` with these directives. */
#define ODD(name, directives)                                                                                          \
    __asm__(".text\n"                                                                                                  \
            ".globl unwind_odd_" #name "\n"                                                                            \
            ".type unwind_odd_" #name ", @function\n"                                                                  \
            "unwind_odd_" #name ":\n"                                                                                  \
            ".cfi_startproc\n" directives "\nnop\nnop\n"                                                               \
            ".cfi_endproc\n"                                                                                           \
            ".size unwind_odd_" #name ", 2\n");
#include "alloc/tests/unwind_odd.def"
#undef ODD

/* The kernel's way out of a handler, as a C library without tables for it has it, and other code that has none. */
__asm__(".text\n"
        ".globl unwind_odd_trampoline\n"
        "unwind_odd_trampoline:\n"
        ".byte 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05\n"
        ".globl unwind_odd_without_tables\n"
        "unwind_odd_without_tables:\n"
        "nop\nnop\n");

#else
extern int unwind_odd_none;
#endif
