/* The fast evaluator with a switch, in plain C. */
#define VM__LOOP_GOTO 0
#include "vm/src/loop.h"

enum vm__outcome vm__run_switch(struct vm__evaluator *evaluator) {
    return run(evaluator);
}
