/* Goal: traces by tables are what libgcc's unwinder sees, in whatever code. Method: calls of many kinds, compiled by
 * every compiler at every level of optimisation without frame pointers, end in a hook that compares both. */
#include "alloc/tests/unwind_calls.h"
#include "alloc/tests/unwind_reference.h"
#include "harness/harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NOT_HERE NULL
#else
#define NOT_HERE "stacks are walked by tables on x86-64 only"
#endif

static const struct {
    const char *name;
    const struct unwind_kind *kinds;
} objects[] = {
    {"gcc -O0", unwind_kinds_gcc_o0},     {"gcc -O1", unwind_kinds_gcc_o1},     {"gcc -O2", unwind_kinds_gcc_o2},
    {"gcc -O3", unwind_kinds_gcc_o3},     {"clang -O0", unwind_kinds_clang_o0}, {"clang -O1", unwind_kinds_clang_o1},
    {"clang -O2", unwind_kinds_clang_o2}, {"clang -O3", unwind_kinds_clang_o3},
};

static char what[128];

static void hook(void) {
    unwind_check_here(what);
}

static void on_trap(int number) {
    (void)number;
    unwind_check_here(what);
}

/* Goes on behind the instruction, which is two bytes long. */
static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    unwind_check_here(what);
#if defined(__x86_64__)
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
#else
    (void)context;
#endif
}

static struct sigaction old_trap, old_fault;

static void take_traps(void) {
    struct sigaction trap = {.sa_handler = on_trap, .sa_flags = SA_ONSTACK};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    (void)sigaction(SIGTRAP, &trap, &old_trap);
    (void)sigaction(SIGILL, &fault, &old_fault);
}

static void leave_traps(void) {
    (void)sigaction(SIGTRAP, &old_trap, NULL);
    (void)sigaction(SIGILL, &old_fault, NULL);
}

/* Runs all kinds of calls of one object; `each` is called before and after. */
static void run_object(const struct unwind_kind *kinds, const char *name) {
    for (const struct unwind_kind *kind = kinds; kind->name != NULL; kind++) {
        (void)snprintf(what, sizeof what, "%s, %s", name, kind->name);
        unsigned before = unwind_checks;
        kind->run(hook);
        CHECK_UINT_GT(unwind_checks, before);
    }
}

TEST(unwind, sees_what_libgcc_sees, .skip = NOT_HERE, .setup = take_traps, .teardown = leave_traps, .tags = "slow",
     CUPEL_TABLE(objects)) {
    const struct unwind_kind *kinds = objects[test_row_index()].kinds;
    if (kinds == NULL) {
        cupel_test_skip("this compiler was not there when the tests were built");
    }
    unwind_frames = 0;
    run_object(kinds, objects[test_row_index()].name);
    CHECK_UINT_GT(unwind_frames, 500);
}

static void *run_thread(void *user) {
    run_object(user, "in a thread");
    return NULL;
}

TEST(unwind, sees_it_in_threads_too, .skip = NOT_HERE, .setup = take_traps, .teardown = leave_traps, .tags = "slow") {
    const struct unwind_kind *kinds = unwind_kinds_gcc_o2 != NULL ? unwind_kinds_gcc_o2 : unwind_kinds_clang_o2;
    if (kinds == NULL) {
        cupel_test_skip("no compiler was there when the tests were built");
    }
    for (unsigned i = 0; i < 3; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, run_thread, (void *)(uintptr_t)kinds) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
    }
}

/* A handler on a stack of its own, above frames on the usual one. */
TEST(unwind, sees_through_a_stack_of_signals, .skip = NOT_HERE, .setup = take_traps, .teardown = leave_traps,
     .tags = "slow") {
    enum { SIZE = 256 * 1024 };
    static char memory[SIZE];
    stack_t stack = {.ss_sp = memory, .ss_size = SIZE};
    stack_t old;
    REQUIRE(sigaltstack(&stack, &old) == 0);
    (void)snprintf(what, sizeof what, "on a stack of signals");
    unsigned before = unwind_checks;
    for (unsigned i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        for (const struct unwind_kind *kind = objects[i].kinds; kind != NULL && kind->name != NULL; kind++) {
            if (strcmp(kind->name, "leaf") == 0) {
                kind->run(hook);
            }
        }
    }
    (void)raise(SIGTRAP);
    CHECK_UINT_GT(unwind_checks, before);
    REQUIRE(sigaltstack(&old, NULL) == 0);
}

#if defined(__x86_64__)
/* The way out of a handler, as C libraries have it that give it no unwinding tables. */
__asm__(".text\n"
        ".balign 16\n"
        "nop\n" /* what lies before the way out is no function with tables either */
        "unwind_restorer: mov $15, %rax\n"
        "syscall\n");
extern void unwind_restorer(void) __attribute__((visibility("hidden")));

TEST(unwind, sees_through_a_handler_without_tables, .tags = "slow") {
    /* The kernel's own record: the C library would put its own way out in. */
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } action = {on_trap, 0x04000000, unwind_restorer, 0}, old;
    (void)snprintf(what, sizeof what, "without tables");
    unsigned before = unwind_checks;
    unwind_frames = 0;
    REQUIRE(syscall(SYS_rt_sigaction, SIGTRAP, &action, &old, sizeof action.mask) == 0);
    (void)syscall(SYS_tgkill, getpid(), gettid(), SIGTRAP);
    REQUIRE(syscall(SYS_rt_sigaction, SIGTRAP, &old, NULL, sizeof action.mask) == 0);
    CHECK_UINT_EQ(unwind_checks, before + 1);
    CHECK_UINT_GT(unwind_frames, 10); /* libgcc's unwinder came through, and so did ours */
}
#endif

__attribute__((noinline)) static unsigned recurse(unsigned depth) {
    volatile unsigned kept = depth;
    if (depth == 0) {
        unwind_check_here("deep");
        return 1;
    }
    return recurse(depth - 1) + kept;
}

TEST(unwind, sees_the_end_of_deep_recursion, .skip = NOT_HERE) {
    CHECK_UINT_GT(recurse(5000), 5000);
}

/* The same place of the same function is reached along different ways: what the memo has of one must not be given for
 * another. */
static void hook_of_ways(void) {
    unwind_check_here("many ways");
}

static int order_of_ways(const void *a, const void *b) {
    hook_of_ways();
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

__attribute__((noinline)) static unsigned way(unsigned path, unsigned depth) {
    volatile unsigned kept = path;
    if (depth == 0) {
        int numbers[] = {2, 1};
        qsort(numbers, 2, sizeof numbers[0], order_of_ways);
        return kept;
    }
    unsigned result;
    /* Two calls, which a compiler would make one without what stands around them. */
    if (path % 2 != 0) {
        __asm__ volatile("# odd");
        result = way(path / 2, depth - 1);
        __asm__ volatile("# odd");
    } else {
        __asm__ volatile("# even");
        result = way(path / 2, depth - 1);
        __asm__ volatile("# even");
    }
    return result + kept;
}

TEST(unwind, tells_many_ways_to_one_place_apart, .skip = NOT_HERE, .tags = "slow") {
    struct cupel_trace_counters before;
    struct cupel_trace_counters after;
    cupel_trace_count(&before);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned path = 0; path < 64; path++) {
            (void)way(path, 6);
        }
    }
    cupel_trace_count(&after);
    if (!after.has_no_memo) {
        CHECK_UINT_GT(after.hits, before.hits);
        CHECK_UINT_GT(after.repairs, before.repairs);
    }
}
