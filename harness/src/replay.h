/* --replay and --decode of a test program: inputs from files into one property, with no engine. */
#ifndef HARNESS_SRC_REPLAY_H
#define HARNESS_SRC_REPLAY_H

/* Runs or shows the files and directories that were named (cupel__settings.words). Returns the exit status: 0 all went
 * well, 1 some failed, 2 bad usage or a file that cannot be read, 4 no file at all. */
int cupel__replay_main(void);

#endif
