/* A campaign: engines on targets, one target after another on each lane, until TIME is used; then what they found. */
#ifndef FUZZ_TOOL_CAMPAIGN_H
#define FUZZ_TOOL_CAMPAIGN_H

#include "fuzz/tool/engine.h"
#include "fuzz/tool/finding.h"
#include "fuzz/tool/project.h"

#include <signal.h>

enum { SLOT_SECONDS_MIN = 10, LANES_MAX = 64 };

struct campaign_options {
    int64_t time_ms;            /* of the engines, for the whole campaign */
    unsigned jobs;              /* engine processes at once */
    bool engines[ENGINE_KINDS]; /* which take part */
    int64_t minimise_ms;        /* for each finding */
};

/* What came of one target. */
struct outcome {
    struct target *target;
    struct engine_figures figures[ENGINE_KINDS];
    bool has_run[ENGINE_KINDS];
    uint64_t added;  /* inputs new in the stored corpus */
    uint64_t stored; /* inputs in it */
    bool has_failed; /* an engine did not work; told already */
};

/* Set by SIGINT and SIGTERM: end in order. */
extern volatile sig_atomic_t campaign_is_interrupted;

/* Runs the campaign over the selected targets; returns an exit status. */
int campaign_run(struct project *project, struct target *const *targets, size_t count,
                 const struct campaign_options *options);

/* The order of targets when not all have their turn: see state.h. Returns how many take part, and puts them first. */
size_t campaign_choose(struct project *project, struct target **targets, size_t count, size_t slots);
/* Writes down that these ran, with their figures. False and a text on error. */
bool campaign_remember(const struct project *project, const struct outcome *outcomes, size_t count,
                       struct cupel_error *error);
/* Prints the last campaign's table from what was written down; CUPEL_NOTHING where there was none. */
int campaign_status(const struct project *project);
void campaign_table(const struct outcome *outcomes, size_t count, FILE *out);

#endif
