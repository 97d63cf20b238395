/* The calls of unwind_calls.h. UNWIND_KINDS is the name of this object's table. What comes after a call keeps it from
 * being a jump. */
#include "alloc/tests/unwind_calls.h"

#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#define APART __attribute__((noinline))

static volatile int sink;
static unwind_hook current; /* for functions whose type is fixed */

APART static int narrow(unwind_hook hook) {
    hook();
    return ++sink;
}

APART static int wide(unwind_hook hook) {
    volatile char bytes[3000];
    bytes[0] = bytes[2999] = 1;
    return narrow(hook) + bytes[0];
}

static void run_chain(unwind_hook hook) {
    sink += wide(hook) + narrow(hook);
}

APART static int recurse(unwind_hook hook, int depth) {
    volatile int kept = depth;
    if (depth == 0) {
        return narrow(hook);
    }
    return (depth % 3 == 0 ? recurse(hook, depth - 1) : 1 + recurse(hook, depth - 1)) + kept;
}

static void run_recursion(unwind_hook hook) {
    sink += recurse(hook, 40);
    sink += recurse(hook, 5);
}

APART static int with_array(unwind_hook hook, int length) {
    volatile char bytes[length];
    bytes[length - 1] = 1;
    return narrow(hook) + bytes[length - 1];
}

APART static int with_alloca(unwind_hook hook, int length) {
    volatile char *bytes = alloca((size_t)length);
    bytes[length - 1] = 1;
    return with_array(hook, length * 2) + bytes[length - 1];
}

static void run_variable(unwind_hook hook) {
    for (int length = 8; length < 4000; length *= 5) {
        sink += with_alloca(hook, length);
    }
}

APART static int with_alignment(unwind_hook hook, int length) {
    volatile char aligned[64] __attribute__((aligned(64)));
    aligned[0] = 1;
    sink += (int)((uintptr_t)aligned % 64);
    return with_array(hook, length) + aligned[0];
}

APART static int with_both(unwind_hook hook, int length) {
    volatile char aligned[128] __attribute__((aligned(128)));
    volatile char *bytes = alloca((size_t)length);
    aligned[0] = bytes[0] = 1;
    return with_alignment(hook, length) + aligned[0] + bytes[0];
}

static void run_aligned(unwind_hook hook) {
    sink += with_both(hook, 24) + with_alignment(hook, 100);
}

/* So many values live over a call that all preserved registers are in use. */
APART static int with_registers(unwind_hook hook, int a, int b, int c, int d, int e, int f, int g, int h) {
    int products[] = {a * b, b * c, c * d, d * e, e * f, f * g, g * h};
    int sum = narrow(hook);
    for (int i = 0; i < 7; i++) {
        sum += products[i] * (a + b * c - d + e * f - g * h);
        sum += i == 3 ? wide(hook) : 0;
    }
    return sum;
}

static void run_registers(unwind_hook hook) {
    int s = sink % 7;
    sink += with_registers(hook, s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7) % 5;
}

static int order(const void *a, const void *b) {
    current();
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void run_callbacks(unwind_hook hook) {
    int numbers[] = {5, 3, 9, 1};
    int wanted = 3;
    current = hook;
    qsort(numbers, 4, sizeof numbers[0], order);
    sink += bsearch(&wanted, numbers, 4, sizeof numbers[0], order) != NULL;
}

APART static int variadic(unwind_hook hook, int count, ...) {
    va_list arguments;
    double sum = 0;
    va_start(arguments, count);
    for (int i = 0; i < count; i++) {
        sum += va_arg(arguments, double);
    }
    va_end(arguments);
    return narrow(hook) + (sum > 0);
}

struct large {
    long words[40];
};

APART static int by_value(struct large large, unwind_hook hook, long a, long b, long c, long d, long e, long f) {
    return narrow(hook) + (int)((large.words[3] + a * b - c * d + e * f) % 3);
}

static void run_arguments(unwind_hook hook) {
    struct large large = {{sink}};
    sink += variadic(hook, 3, 1.0, 2.0, 3.0) + by_value(large, hook, 1, 2, 3, 4, 5, 6);
}

/* Leaf functions, interrupted in the middle: the test's handler of SIGTRAP calls the hook. */
APART static int leaf(int a, int b) {
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("int3");
#endif
    return a * b;
}

APART static long leaf_with_red_zone(long a) {
    volatile long kept[4] = {a, a + 1, a + 2, a + 3};
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("int3");
#endif
    return kept[0] + kept[3];
}

/* Functions that fault at an instruction where other rules begin to hold: at their first, and behind a push. The test's
 * handler of SIGILL calls the hook and goes on behind the instruction. */
#if defined(__x86_64__)
__asm__(".text\n"
        "leaf_at_start: .cfi_startproc\n"
        "ud2\n"
        "ret\n"
        ".cfi_endproc\n"
        "leaf_behind_push: .cfi_startproc\n"
        "push %rbx\n"
        ".cfi_adjust_cfa_offset 8\n"
        "ud2\n"
        "pop %rbx\n"
        ".cfi_adjust_cfa_offset -8\n"
        "ret\n"
        ".cfi_endproc\n"
        "leaf_with_return_in_register: .cfi_startproc\n"
        "pop %rcx\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register 16, 2\n"
        "ud2\n"
        "push %rcx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_offset 16, -8\n"
        "ret\n"
        ".cfi_endproc\n"
        "leaf_with_odd_rules: .cfi_startproc\n"
        "push %r12\n"
        ".cfi_adjust_cfa_offset 8\n"
        "lea 8(%rsp), %r12\n"
        ".cfi_def_cfa 12, 8\n"
        ".cfi_escape 0x14, 7, 0\n"           /* the stack pointer is the frame's address */
        ".cfi_escape 0x10, 12, 2, 0x77, 0\n" /* r12 is at the stack pointer */
        ".cfi_escape 0x16, 3, 2, 0x73, 0\n"  /* rbx is rbx */
        "ud2\n"
        "pop %r12\n"
        ".cfi_def_cfa 7, 8\n"
        ".cfi_restore 12\n"
        "ret\n"
        ".cfi_endproc\n");
extern void leaf_with_return_in_register(void) __attribute__((visibility("hidden")));
extern void leaf_with_odd_rules(void) __attribute__((visibility("hidden")));
extern void leaf_at_start(void) __attribute__((visibility("hidden")));
extern void leaf_behind_push(void) __attribute__((visibility("hidden")));
#endif

static void run_leaf(unwind_hook hook) {
#if defined(__x86_64__)
    leaf_at_start();
    leaf_behind_push();
    leaf_with_return_in_register();
    leaf_with_odd_rules();
#endif
    sink += leaf(sink, 3) + (int)leaf_with_red_zone(sink);
    hook();
    sink++;
}

static jmp_buf back;

/* Never returns: a compiler may put nothing behind a call of it, so that the return address lies in another function.
 */
__attribute__((noreturn)) APART static void leave(int value) {
    current();
    longjmp(back, value);
}

__attribute__((noreturn)) APART static void leave_soon(int value) {
    volatile char bytes[40];
    bytes[0] = (char)value;
    sink += bytes[0];
    leave(value);
}

static void run_without_return(unwind_hook hook) {
    current = hook;
    if (setjmp(back) == 0) {
        leave_soon(1);
    }
    hook(); /* after longjmp */
    sink++;
}

/* A jump to the hook, where the compiler makes one. */
APART static void jump(unwind_hook hook, int depth) {
    if (depth == 0) {
        hook();
    } else {
        jump(hook, depth - 1);
    }
}

static void run_jumps(unwind_hook hook) {
    jump(hook, 3);
    sink++;
}

/* Two functions with frames of different sizes that make the same call, at the same place of the stack where what lies
 * around them makes up for it: all words up to there are equal, and only the return address tells them apart. */
APART static int twin_small(unwind_hook hook) {
    volatile char bytes[24];
    bytes[0] = 1;
    return narrow(hook) + bytes[0];
}

APART static int twin_large(unwind_hook hook) {
    volatile char bytes[24 + 128];
    bytes[0] = 1;
    return narrow(hook) + bytes[0];
}

APART static int with_padding(unwind_hook hook, int length, int (*twin)(unwind_hook)) {
    volatile char *bytes = alloca((size_t)length);
    bytes[0] = 1;
    return twin(hook) + bytes[0];
}

static void run_twins(unwind_hook hook) {
    for (int length = 16; length < 64; length += 16) {
        sink += with_padding(hook, length + 128, twin_small);
        sink += with_padding(hook, length, twin_large);
    }
}

extern const struct unwind_kind UNWIND_KINDS[];
const struct unwind_kind UNWIND_KINDS[] = {
    {"chain", run_chain},         {"recursion", run_recursion}, {"variable", run_variable},
    {"aligned", run_aligned},     {"registers", run_registers}, {"callbacks", run_callbacks},
    {"arguments", run_arguments}, {"leaf", run_leaf},           {"without_return", run_without_return},
    {"jumps", run_jumps},         {"twins", run_twins},         {NULL, NULL},
};
