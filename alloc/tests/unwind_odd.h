/* Code whose unwinding tables say what compilers seldom say: unwind_odd.def lists it. */
#ifndef ALLOC_TESTS_UNWIND_ODD_H
#define ALLOC_TESTS_UNWIND_ODD_H

#define ODD(name, directives) extern const char unwind_odd_##name[];
#include "alloc/tests/unwind_odd.def"
#undef ODD
extern const char unwind_odd_trampoline[], unwind_odd_without_tables[];

#endif
