/* A trace with calls that were inlined; the file is compiled with optimisation and debug info in every variant. */
#ifndef ALLOC_TESTS_UNWIND_INLINE_H
#define ALLOC_TESTS_UNWIND_INLINE_H

#include "alloc/trace.h"

cupel_trace_id unwind_inline_take(void);
/* The lines at which the innermost of them calls, and the next. */
extern const int unwind_inline_innermost, unwind_inline_next;

#endif
