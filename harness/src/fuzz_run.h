/* --fuzz: the fuzzing engine that is linked into a test program, at work on one of its properties. */
#ifndef HARNESS_SRC_FUZZ_RUN_H
#define HARNESS_SRC_FUZZ_RUN_H

/* The property that this process is to fuzz because an engine began it: libFuzzer starts its own program again for
 * -jobs, -fork, -merge and -minimize_crash, with its own words alone. NULL where that is not so. Called before the
 * command line is parsed. */
const char *cupel__fuzz_inherited(int argc, char **argv);

/* Hands the process over to the engine: `words` are its corpus directories and files, `rest` its own arguments, which
 * stand behind ours and so override them. Returns what the program is to end with (CUPEL_LACKING where no engine is
 * linked, CUPEL_USAGE where there is no such property); where something is found, libFuzzer ends the process itself
 * with 1, AFL++'s forkserver sees an abort. Reads cupel__settings.program. */
int cupel__fuzz_main(const char *title, const char **words, int word_count, const char **rest, int rest_count);

#endif
