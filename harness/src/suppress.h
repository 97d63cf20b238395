/* Findings of a sweep that are known, and why: a file of rows, `TEST VERDICTS FUNCTION WHY`. A finding is known where
 * its title and verdict fit, and a function of that name stands on a stack that it tells: of the request that was
 * refused, of where it ended, of a block that was lost. FUNCTION may be several, `inner<its caller<that one's`. Known
 * findings fail nothing; they are told as skipped, with the reason. */
#ifndef HARNESS_SRC_SUPPRESS_H
#define HARNESS_SRC_SUPPRESS_H

#include "alloc/base/message.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stdio.h>

/* Reads the file; `path` NULL: there are none. False and a text with the line on a row that is malformed. Once, before
 * workers are forked: what fits is noted in memory that they share. */
bool cupel__suppress_load(const char *path, struct cupel_error *error);
/* The reason where the finding is known, else NULL; borrowed. `text` is what it tells, with its stacks. */
const char *cupel__suppress_find(const char *title, enum cupel_verdict verdict, const char *text);
/* A test of this title was swept: rows for it that nothing fitted are stale. */
void cupel__suppress_swept(const char *title);
/* A line for each stale row; how many there are. */
unsigned cupel__suppress_tell_stale(FILE *out);

#endif
