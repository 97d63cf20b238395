/* What of a campaign stays: inputs that add coverage go to fuzz/corpora/<target>/, the rest stays under build/ as the
 * next campaign's beginning. Nothing is removed from a stored corpus, and a campaign that was killed leaves its work
 * where the next one finds it. */
#ifndef FUZZ_TOOL_KEEP_H
#define FUZZ_TOOL_KEEP_H

#include "fuzz/tool/project.h"

/* Makes the target's work directory ready: inputs/ holds what earlier campaigns left (killed ones too), seeds/ what
 * AFL++ starts from, afl.dict its dictionary. False and a text on error. */
bool keep_prepare(const struct project *project, const struct target *target, struct cupel_error *error);
/* Merges what the engines found into the stored corpus: an input stays when it reaches an edge that the corpus does
 * not. `added` is the number of files that are new. False and a text on error; the work stays then. */
bool keep_inputs(const struct project *project, const struct target *target, uint64_t *added,
                 struct cupel_error *error);
/* Copies each input of a directory into another, by its SHA-1, at most `max`; empty ones are left out. Returns how many
 * are new there, -1 and a text on error. */
int64_t keep_copy(const char *from, const char *to, int64_t max, struct cupel_error *error);
/* True where the directory is there. */
bool keep_is_directory(const char *path);

#endif
