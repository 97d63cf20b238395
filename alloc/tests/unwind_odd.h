/* Code whose unwinding tables say what compilers seldom say: unwind_odd.def lists it. It is in a module of its own, for
 * valgrind gives up on programs with such tables. */
#ifndef ALLOC_TESTS_UNWIND_ODD_H
#define ALLOC_TESTS_UNWIND_ODD_H

/* The first byte of the function of that name in unwind_odd.def, or of "trampoline" or "without_tables". The module is
 * loaded with the first, and stays. */
const char *unwind_odd(const char *name);

#endif
