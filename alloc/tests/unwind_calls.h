/* Calls of all kinds, each of which ends in a hook; compiled by every compiler that is there, at each level of
 * optimisation, without frame pointers. */
#ifndef ALLOC_TESTS_UNWIND_CALLS_H
#define ALLOC_TESTS_UNWIND_CALLS_H

typedef void (*unwind_hook)(void);

struct unwind_kind {
    const char *name;              /* NULL: the end */
    void (*run)(unwind_hook hook); /* calls hook at least once */
};

/* One table an object; NULL where the object is not linked. */
extern const struct unwind_kind unwind_kinds_gcc_o0[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_gcc_o1[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_gcc_o2[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_gcc_o3[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_clang_o0[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_clang_o1[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_clang_o2[] __attribute__((weak));
extern const struct unwind_kind unwind_kinds_clang_o3[] __attribute__((weak));

#endif
