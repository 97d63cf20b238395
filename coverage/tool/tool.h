/* What the verbs of `cupel cover` share. */
#ifndef COVERAGE_TOOL_TOOL_H
#define COVERAGE_TOOL_TOOL_H

#include "alloc/base/options.h"
#include "alloc/base/status.h"
#include "coverage/coverage.h"

#include <stdio.h>

/* Each verb gets the words from its own name on. */
int cupel__cover_capture(int argc, char **argv);
int cupel__cover_merge(int argc, char **argv);
int cupel__cover_report(int argc, char **argv);
int cupel__cover_show(int argc, char **argv);
int cupel__cover_gate(int argc, char **argv);
int cupel__cover_doctor(int argc, char **argv);

#define CUPEL__COVER_DEFAULT_DATA "build/coverage/cupel.json"

/* cupel_options_begin of a verb that takes at most `most` words beside its options; CUPEL_USAGE, with a message, for
 * more. */
int cupel__cover_begin(const struct cupel_program *program, int most, int argc, char **argv,
                       struct cupel_arguments *arguments);
/* Reads cupel.json or a tracefile; says what is wrong. `root`, where not NULL, is what relative paths start from. */
enum cupel_status cupel__cover_load(struct cupel_coverage *coverage, const char *path, const char *root);
/* Writes a file whole through `write`; says what is wrong. */
enum cupel_status cupel__cover_save(const char *path, void (*write)(const void *user, FILE *stream), const void *user);
/* Flushes standard output; CUPEL_OUTPUT, with a message, where that failed and `status` is CUPEL_OK or CUPEL_GATE. */
int cupel__cover_end(int status);

#endif
