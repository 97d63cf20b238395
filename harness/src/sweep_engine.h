/* The sweep over anything that can be run under a fault plan: see harness/sweep.h for what it does. Knows nothing of
 * tests. Parts: sweep_points.c is the loop in one process, sweep_watch.c the parent that watches it and goes on behind
 * a crash, sweep_findings.c what is told. */
#ifndef HARNESS_SRC_SWEEP_ENGINE_H
#define HARNESS_SRC_SWEEP_ENGINE_H

#include "alloc/failing.h"
#include "harness/sweep.h"

#include <sys/types.h>

enum { CUPEL__SWEEP_TEXT_MAX = 4096, CUPEL__SWEEP_KINDS_MAX = 64 };

/* One run of the subject. */
struct cupel__sweep_run {
    const struct cupel_fault_plan *plan; /* in: NULL for none */
    enum cupel_verdict verdict;          /* out, all below too */
    uint64_t calls;                      /* requests that could have failed */
    uint64_t injected;                   /* faults, benign ones too */
    uint64_t key;                        /* equal for what is one defect; 0: by the text without its numbers */
    char text[CUPEL__SWEEP_TEXT_MAX];    /* words; "" at first */
};

enum cupel__sweep_stage {
    CUPEL__SWEEP_BASELINE,
    CUPEL__SWEEP_ONCE,
    CUPEL__SWEEP_FROM,
    CUPEL__SWEEP_ENDED,
};

/* A distinct finding, kept to tell it once. */
struct cupel__sweep_kind {
    enum cupel_verdict verdict;
    uint64_t key;
    uint64_t count; /* of faults that showed it */
    char token[40];
};

/* What the running process notes, in memory shared with its parent. */
struct cupel__sweep_note {
    volatile uint64_t progress; /* grows with every run */
    enum cupel__sweep_stage stage;
    bool is_recovery;       /* the run is one without a fault, after point */
    bool is_spoiled;        /* that run failed: this process is of no further use */
    bool is_point_ok;       /* the verdict of point, before it */
    uint64_t point;         /* that runs or ran last; 0 before the first */
    uint64_t batch_start;   /* first point since a run without a fault went well */
    uint64_t careful_until; /* up to this point each is followed by a run without a fault */
    uint64_t culprits;      /* points that were found out by that */
    uint64_t calls;         /* of the unfailed run */
    int64_t baseline_ns;
    struct cupel__sweep_tally {
        uint64_t points;
        uint64_t verdicts[CUPEL_VERDICT_COUNT];
    } tally, batch_tally; /* now, and where the batch began */
    unsigned kind_count;
    struct cupel__sweep_kind kinds[CUPEL__SWEEP_KINDS_MAX];
};

struct cupel__sweep {
    void (*run)(void *user, struct cupel__sweep_run *run);
    void *user;
    struct cupel_sweep_options options;
    /* The engine's own. */
    struct cupel__sweep_note *note;
    int findings_file; /* in a child: the pipe to its parent; else -1 */
    bool is_baseline_bad;
    unsigned kind_count; /* of findings told so far: kept over several sweeps of one thing */
    struct cupel__sweep_kind kinds[CUPEL__SWEEP_KINDS_MAX];
    struct cupel__sweep_run current;
};

/* Sweeps run(user). `sweep` is zero but for run, user and options; used again, it does not tell again what it told. It
 * is large: not for small stacks. */
struct cupel_sweep_summary cupel__sweep_all(struct cupel__sweep *sweep);

/* sweep_points.c: from the note's stage and point on, until the end, a spoiled note, or the death of this process. */
void cupel__sweep_points(struct cupel__sweep *sweep);
/* A plan of one rule. */
void cupel__sweep_plan(struct cupel_fault_plan *plan, enum cupel__sweep_stage stage, uint64_t point);
/* Runs one point, or without a fault where point is 0, into sweep->current. */
void cupel__sweep_one(struct cupel__sweep *sweep, enum cupel__sweep_stage stage, uint64_t point);

/* sweep_watch.c: the same with a child that may die. */
void cupel__sweep_watch(struct cupel__sweep *sweep);

/* sweep_findings.c: a point came to `verdict`; counts it, and tells it where it is a new kind of finding. In the child,
 * hands it to the parent. Point 0 is the run without a fault. */
void cupel__sweep_found(struct cupel__sweep *sweep, enum cupel__sweep_stage stage, uint64_t point,
                        enum cupel_verdict verdict, uint64_t key, const char *text);
/* True where a finding like it was told already. */
bool cupel__sweep_is_known(const struct cupel__sweep *sweep, enum cupel_verdict verdict, uint64_t key,
                           const char *text);
/* Takes what a child handed over; false at the end of the pipe. */
bool cupel__sweep_take(struct cupel__sweep *sweep, int file);
/* The summary line, and how often each finding came up, to options.report. */
void cupel__sweep_tell(const struct cupel__sweep *sweep, const struct cupel_sweep_summary *summary);
/* "alloc:3" or "alloc:3+"; "" for point 0. */
void cupel__sweep_token(char *text, size_t size, enum cupel__sweep_stage stage, uint64_t point);

#endif
