/* A finding of an engine: an input on which the target fails. It is replayed, made small, stored under
 * fuzz/regressions/<target>/ and told with the values that it means and the line that reproduces it. */
#ifndef FUZZ_TOOL_FINDING_H
#define FUZZ_TOOL_FINDING_H

#include "alloc/base/status.h"
#include "fuzz/tool/project.h"

#include <stdio.h>

enum { FINDINGS_MAX = 256, SIGNATURE_MAX = 240 };

struct finding {
    const struct target *target;
    char path[CUPEL__PATH_MAX];    /* where it is stored */
    char signature[SIGNATURE_MAX]; /* the same words for the same failure */
    const char *variant;           /* whose executable fails: "fuzz" or "afl"; NULL: it did not fail again */
    size_t length;
    bool is_known; /* it was stored already before the campaign */
};

struct findings {
    struct finding list[FINDINGS_MAX];
    size_t count;
    uint64_t doubles; /* inputs that fail as another one does */
};

/* Replays one input; the status of the executable, 0 where all is well. Fills the signature of a failure. */
int finding_replay(const struct project *project, const struct target *target, const char *variant, const char *input,
                   char signature[SIGNATURE_MAX], struct cupel_error *error);
/* Takes all failing inputs that the engines left in the target's work directory, for at most minimise_ms each. */
void findings_collect(struct findings *findings, const struct project *project, const struct target *target,
                      int64_t minimise_ms);
/* Replays what is stored under fuzz/regressions/<target>/; those that fail are findings, known ones. Returns the number
 * of inputs. */
int64_t findings_replay_stored(struct findings *findings, const struct project *project, const struct target *target);
/* Makes an input smaller, as long as it fails with the same signature: the result goes to `smaller`. False where it
 * could not be made smaller. */
bool finding_minimise(const struct project *project, const struct target *target, const char *input,
                      const char *signature, const char *smaller, int64_t milliseconds);
void finding_print(const struct finding *finding, const struct project *project, FILE *out);
/* Prints an input as the values that it means. CUPEL_LACKING where no test program knows the target, CUPEL_OUTPUT
 * where the work folder cannot be written to, both with a text. */
enum cupel_status finding_decode(const struct project *project, const struct target *target, const char *input,
                                 FILE *out, struct cupel_error *error);

#endif
