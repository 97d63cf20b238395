/* The verbs of cupel fuzz. Each returns an exit status. */
#ifndef FUZZ_TOOL_VERBS_H
#define FUZZ_TOOL_VERBS_H

#include "fuzz/tool/campaign.h"

/* What the command line said. */
struct request {
    struct project *project;
    struct target *targets[TARGETS_MAX]; /* selected */
    size_t count;
    const char *file; /* the operand after the target; NULL: none */
    int64_t time_ms;
};

int verb_list(const struct request *request);
/* Replays stored corpora and regressions. */
int verb_regress(const struct request *request);
/* Makes a stored corpus smaller in place: the directory is exchanged as a whole. */
int verb_cmin(const struct request *request);
int verb_tmin(const struct request *request);
/* Shows an input as the values that it means. */
int verb_fmt(const struct request *request);

#endif
