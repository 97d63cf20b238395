/* The fast evaluator with computed goto: one indirect jump an instruction, which gcc and clang have as an extension.
 * Made by any other compiler it is the one with a switch under another name. */
#if defined(__GNUC__)
#define VM__LOOP_GOTO 1
#else
#define VM__LOOP_GOTO 0
#endif
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wgnu-label-as-value"
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
#include "vm/src/loop.h"

enum vm__outcome vm__run_goto(struct vm__evaluator *evaluator) {
    return run(evaluator);
}
