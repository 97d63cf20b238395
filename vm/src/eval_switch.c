/* The fast evaluator with a switch, in plain C. */
#define VM__LOOP_GOTO 0
#define VM__LOOP_NAME vm__run_switch
#include "vm/src/loop.h"
