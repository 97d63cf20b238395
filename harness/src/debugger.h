/* --debugger: this program again, under a debugger that stops where a check fails or a fault strikes. */
#ifndef HARNESS_SRC_DEBUGGER_H
#define HARNESS_SRC_DEBUGGER_H

/* Executes the debugger on this program and these arguments, with the tests in the process that it watches. The
 * debugger is --debugger's value, else CUPEL_DEBUGGER, else gdb; words behind its name are arguments of its own. Comes
 * back only where it cannot be executed: CUPEL_LACKING, CUPEL_USAGE, with a message. */
int cupel__debugger_main(int argc, char **argv);

#endif
