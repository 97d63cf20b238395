/* The sweep over anything that can be run under a fault plan: see harness/sweep.h for what it does. Knows nothing of
 * tests. A sweep is a row of passes (enum cupel__sweep_stage), each of which is a list of points, faults to try:
 *
 *     runs without a fault ------> requests (sweep_record.c) --> points of a pass (sweep_order.c)
 *                                          ^                          |
 *                                          |                          v
 *     what one fault makes the code ask for, for pairs <---- the loop over them in one process (sweep_points.c)
 *                                                                     |
 *     a parent that watches it and goes on behind a crash (sweep_watch.c) --> what is told (sweep_findings.c)
 *
 * A process that ran the subject is warm: what it sets up once is there. Requests that only a first run makes are
 * points of a pass of their own, CUPEL__SWEEP_COLD, each in a fresh child of the parent, which never runs the subject.
 */
#ifndef HARNESS_SRC_SWEEP_ENGINE_H
#define HARNESS_SRC_SWEEP_ENGINE_H

#include "alloc/failing.h"
#include "harness/src/fault_note.h"
#include "harness/sweep.h"

#include <signal.h>
#include <sys/types.h>

enum {
    CUPEL__SWEEP_TEXT_MAX = 4096,
    CUPEL__SWEEP_TOKEN_MAX = 80,
    CUPEL__SWEEP_SITE_MAX = 256,
    CUPEL__SWEEP_KINDS_MAX = 64,
    CUPEL__SWEEP_ASKED_MAX = 256,
    CUPEL__SWEEP_REQUESTS_MAX = 1 << 18,
    CUPEL__SWEEP_POINTS_MAX = 1 << 21,
    CUPEL__SWEEP_PAIRS_MAX = 1 << 12,
    CUPEL__SWEEP_STACKS_MAX = 1 << 16,
};

/* How often a run made calls that are no requests, as in struct cupel_failing. */
struct cupel__sweep_asked {
    uint64_t all[CUPEL_FAULT_CALLS_MAX];
    uint64_t can_be_short[CUPEL_FAULT_CALLS_MAX];
};

/* One run of the subject. */
struct cupel__sweep_run {
    const struct cupel_fault_plan *plan; /* in: NULL for none */
    /* In: for the failing layer, NULL for none. */
    void (*on_request)(const struct cupel_failing *failing, const struct cupel_failing_event *event);
    struct cupel__fault_note *refused; /* in: takes the first fault */
    bool looks_closely;                /* in: also at what it may leave behind that is dear to look at */
    bool has_left;                     /* out: it left something behind, so that this process is another now */
    enum cupel_verdict verdict;        /* out, all below too */
    uint64_t calls;                    /* requests that could have failed */
    uint64_t injected;                 /* faults, benign ones and moves too */
    struct cupel__sweep_asked asked;
    uint64_t key;                     /* of the place where it was noticed; 0: unknown */
    char text[CUPEL__SWEEP_TEXT_MAX]; /* words; "" at first */
};

enum cupel__sweep_stage {
    CUPEL__SWEEP_BASELINE,
    CUPEL__SWEEP_COLD,
    CUPEL__SWEEP_ONCE,
    CUPEL__SWEEP_FROM,
    CUPEL__SWEEP_GROW,
    CUPEL__SWEEP_MOVES,
    CUPEL__SWEEP_PAIRS,
    CUPEL__SWEEP_BUDGETS,
    CUPEL__SWEEP_CALLS,
    CUPEL__SWEEP_ENDED,
};

/* A request of an unfailed run. */
struct cupel__sweep_request {
    uint64_t stack; /* hash of its call stack and its kind */
    const void *site;
    uint64_t number; /* among those that `alloc` looks at; 0: it looks past this one */
    uint64_t grow_number;
    uint64_t budget;       /* the most that was live before it, where it passes that; else 0 */
    bool is_first;         /* of its stack, or among the first per_stack ones */
    bool is_peak_first;    /* the first of its stack to have a budget */
    bool is_behind_growth; /* something grew before it */
    bool is_first_behind;  /* and it is the first such of its stack */
    bool is_aligned;       /* to more than malloc gives by itself */
    bool is_cold;          /* of the first run: no later run makes it, nor was it tried with an earlier subject */
};

/* What fails in a first run: a request, growth in place, or a call in one of the ways of sweep_calls.c. */
enum cupel__sweep_cold { CUPEL__COLD_ALLOC, CUPEL__COLD_GROWTH, CUPEL__COLD_CALL };

/* A fault to try. */
struct cupel__sweep_point {
    uint64_t first, second;
    uint8_t stage;
    uint8_t way;   /* of CUPEL__SWEEP_CALLS: see sweep_calls.c; of CUPEL__SWEEP_COLD: enum cupel__sweep_cold */
    bool is_first; /* of its stack: what it makes the code ask for is looked at for pairs */
};

struct cupel__sweep_pair {
    uint64_t first, second;
};

/* A call stack that was seen, in this or an earlier sweep of the same thing. */
struct cupel__sweep_stack {
    uint64_t hash;   /* 0: free */
    uint32_t serial; /* of the sweep that `count` is of */
    uint32_t count;
};

/* A distinct finding, kept to tell it once. */
struct cupel__sweep_kind {
    enum cupel_verdict verdict;
    uint64_t key;
    uint64_t count; /* of faults that showed it */
    bool is_known;
    uint64_t known_as; /* by which row of those that are known; 0: none */
    bool is_cold;      /* shown by a first run */
    char token[CUPEL__SWEEP_TOKEN_MAX];
    const void *refused;              /* where the request was, or NULL */
    char died[CUPEL__SWEEP_SITE_MAX]; /* where it died, as a line of a stack, or words; "" for other verdicts */
};

/* What the running process notes, in memory shared with its parent. */
struct cupel__sweep_note {
    volatile uint64_t progress; /* grows with every run */
    enum cupel__sweep_stage stage;
    bool has_schedule;  /* of this stage */
    bool is_open;       /* the pass goes on behind its schedule, to a point that is not reached */
    bool is_cut;        /* the time was over */
    bool is_warmed;     /* the first run asks for other things than later ones: each process makes one before */
    bool is_recovery;   /* the run is one without a fault, after point */
    bool is_spoiled;    /* that run failed: this process is of no further use */
    bool is_used_up;    /* this process came to its end in good order: the next child begins after the point */
    bool has_lost_pipe; /* the point closed what its findings go through */
    int sent_signal;    /* to its parent, by the point; 0: none */
    volatile bool has_old_output; /* what the child printed so far is to be forgotten before its next run */
    bool is_point_ok;             /* the verdict of point, before it */
    uint64_t base;                /* where the points of this pass begin */
    uint64_t scheduled;           /* how many it has */
    uint64_t left_out;            /* of all passes: points that the options leave out */
    uint64_t point;               /* that runs or ran last, counted from 1 in its pass; 0 before the first */
    uint64_t batch_start;         /* first point since a run without a fault went well */
    uint64_t careful_until;       /* up to this point each is followed by a run without a fault */
    uint64_t culprits;            /* points that were found out by that */
    uint64_t calls;               /* of the unfailed run */
    uint64_t growths;             /* of it: resizes and remaps */
    struct cupel__sweep_asked asked, first_asked; /* of it, and of the first run */
    uint64_t aligned;                             /* of it: requests with an alignment of their own */
    uint64_t stacks;                              /* of it: distinct */
    uint64_t request_count;                       /* recorded */
    uint64_t first_count;                         /* recorded of the first run */
    uint64_t cold_count;                          /* faults that only it can show */
    unsigned cold_ways;                           /* 1u << way, of calls that it makes more often than later ones */
    uint64_t cold_untried;                        /* of these: there was no process for them */
    uint64_t first_only;                          /* requests and calls that only it makes */
    uint64_t pair_count;
    int64_t first_ns, baseline_ns;        /* what the first run took, and the last of those without a fault */
    struct cupel__fault_note fault;       /* of the run that goes on */
    struct cupel__fault_note point_fault; /* of the point, while a run without a fault follows it */
    struct cupel__sweep_tally {
        uint64_t points;
        uint64_t verdicts[CUPEL_VERDICT_COUNT]; /* of findings that are not known */
        uint64_t known;
    } tally, batch_tally; /* now, and where the batch began */
    unsigned kind_count;
    struct cupel__sweep_kind kinds[CUPEL__SWEEP_KINDS_MAX];
    unsigned asked_count;
    struct {
        uint64_t stack; /* a hash of it all */
        uint64_t known_as;
    } asked_for[CUPEL__SWEEP_ASKED_MAX]; /* what fell into known kinds */
};

/* All of it: address space, of which little is ever touched. */
struct cupel__sweep_region {
    struct cupel__sweep_note note;
    struct cupel__sweep_request requests[CUPEL__SWEEP_REQUESTS_MAX];
    struct cupel__sweep_request first_run[CUPEL__SWEEP_REQUESTS_MAX];
    struct cupel__sweep_stack counts[CUPEL__SWEEP_STACKS_MAX]; /* how often a later run asks from a call stack */
    struct cupel__sweep_point points[CUPEL__SWEEP_POINTS_MAX];
    uint8_t verdicts[CUPEL__SWEEP_POINTS_MAX]; /* 0: not tried; else one more than the verdict */
    struct cupel__sweep_pair pairs[CUPEL__SWEEP_PAIRS_MAX];
};

struct cupel__sweep {
    void (*run)(void *user, struct cupel__sweep_run *run);
    void *user;
    struct cupel_sweep_options options;
    unsigned calls;             /* that are no requests and are tried too: 1u << CUPEL_FAULT_READ and so on */
    bool new_stacks_only;       /* leave out what earlier sweeps of this thing tried by their call stacks */
    int64_t output_limit_bytes; /* of a run; 0: as many as the runner allows by default */
    bool is_apart;              /* its children lead groups of their own, which end with them */
    /* The engine's own. */
    struct cupel__sweep_region *region;
    struct cupel__sweep_note *note;
    struct cupel__sweep_stack *stacks; /* kept over several sweeps of one thing */
    uint32_t serial;                   /* of this sweep among those */
    int64_t deadline_ns;               /* 0: none */
    int findings_file;                 /* in a child: the pipe to its parent; else -1 */
    int output_file;                   /* memory file that takes what children print, or -1 */
    uint64_t known_as;                 /* options.is_known may say here which one it is, in a number that is not 0 */
    bool is_baseline_bad;
    bool is_warm;        /* this process has run the subject */
    int interrupt;       /* the signal that ended it early, or 0 */
    unsigned kind_count; /* of findings told so far: kept over several sweeps of one thing */
    struct cupel__sweep_kind kinds[CUPEL__SWEEP_KINDS_MAX];
    struct cupel__sweep_run current;
};

/* sweep_all.c: sweeps run(user). `sweep` is zero but for run, user and options; used again, it does not tell again what
 * it told. It is large: not for small stacks. cupel__sweep_end gives back what it keeps in between. */
struct cupel_sweep_summary cupel__sweep_all(struct cupel__sweep *sweep);
void cupel__sweep_end(struct cupel__sweep *sweep);
/* Of so many points by their verdicts, the worst one; CUPEL_VERDICT_OK where all are ok. */
enum cupel_verdict cupel__sweep_worst(const uint64_t counts[CUPEL_VERDICT_COUNT]);

/* sweep_points.c: from the note's stage and point on, until the end, a spoiled note, or the death of this process. */
void cupel__sweep_points(struct cupel__sweep *sweep);
/* Runs a point of the pass, or without a fault where it is 0, into sweep->current. */
void cupel__sweep_one(struct cupel__sweep *sweep, uint64_t point);
/* In a process that is to run points of a later run: what the first one keeps is taken, where it matters. */
void cupel__sweep_warm_up(struct cupel__sweep *sweep);

/* sweep_record.c: the hook that notes the requests of a run of this point; NULL where none of them is of interest. */
void (*cupel__sweep_record_begin(struct cupel__sweep *sweep, uint64_t point))(const struct cupel_failing *failing,
                                                                              const struct cupel_failing_event *event);
/* The stacks of this run's requests end before the frame that returns to this address. */
void cupel__sweep_record_outermost(const void *address);
/* The run came to its end: what it asked for after its fault becomes pairs. */
void cupel__sweep_record_end(struct cupel__sweep *sweep);
/* Around a sweep within a run of another sweep: the outer one's record waits. One may wait. */
void cupel__sweep_record_push(void);
void cupel__sweep_record_pop(void);
/* Which of the recorded requests are first of their kind, and which only the first run made. After the runs without a
 * fault, once. */
void cupel__sweep_record_mark(struct cupel__sweep *sweep);

/* sweep_order.c: the points of the note's stage, behind those of the passes before. */
void cupel__sweep_schedule(struct cupel__sweep *sweep);
/* A point of the pass, also behind its schedule. */
struct cupel__sweep_point cupel__sweep_point_at(const struct cupel__sweep *sweep, uint64_t point);
/* The plan that tries it. */
void cupel__sweep_plan(struct cupel_fault_plan *plan, const struct cupel__sweep_point *point);
/* The text of that plan. */
void cupel__sweep_token(char *text, size_t size, const struct cupel__sweep_point *point);

/* sweep_calls.c: the ways in which calls fail that are no requests; how many of the unfailed run can fail in this one;
 * of the first run, where it makes more of them than later ones, which cannot be told apart, all, else 0; how many
 * calls only it makes; the plan of a point of theirs; whether two runs made as many. */
unsigned cupel__sweep_ways(void);
uint64_t cupel__sweep_calls_of(const struct cupel__sweep *sweep, unsigned way);
uint64_t cupel__sweep_cold_calls_of(const struct cupel__sweep *sweep, unsigned way);
uint64_t cupel__sweep_cold_calls(const struct cupel__sweep *sweep);
void cupel__sweep_call_plan(struct cupel_fault_plan *plan, const struct cupel__sweep_point *point);
bool cupel__sweep_calls_are_equal(const struct cupel__sweep *sweep, const struct cupel__sweep_asked *before,
                                  const struct cupel__sweep_asked *now);

/* sweep_watch.c: the points with a child that may die. */
void cupel__sweep_watch(struct cupel__sweep *sweep);
/* Called now and then while it goes on: the words of the pass, its fault and how many there are. NULL: none. (A
 * variable, so that cupel_sweep does not bring the whole runner into programs that have no tests.) */
extern void (*cupel__sweep_on_progress)(const char *pass, uint64_t point, uint64_t total, unsigned findings);

/* sweep_findings.c: a point of the pass came to `verdict`; counts it, and tells it where it is a new kind of finding.
 * In the child, hands it to the parent. Point 0 is the run without a fault. The fault note is of that point's run.
 * `key` 0: by the text. `died`: see struct cupel__sweep_kind. */
struct cupel__sweep_word {
    enum cupel_verdict verdict;
    uint64_t key;
    const char *text;
    const char *died; /* or NULL */
};
void cupel__sweep_found(struct cupel__sweep *sweep, uint64_t point, const struct cupel__sweep_word *word);
/* True where the token of a point of that stage counts from behind a first run. */
bool cupel__sweep_is_behind_first_run(const struct cupel__sweep *sweep, enum cupel__sweep_stage stage);
/* True where a finding like it was told already. */
bool cupel__sweep_is_known(const struct cupel__sweep *sweep, enum cupel_verdict verdict, uint64_t key,
                           const char *text);
/* The key of a finding: what failed, where the request was, and `place`, where that was noticed. */
uint64_t cupel__sweep_key(enum cupel_verdict verdict, const struct cupel__fault_note *note, uint64_t place);
/* Notes the verdict of a point, which may be changed later. */
void cupel__sweep_log(struct cupel__sweep *sweep, uint64_t point, enum cupel_verdict verdict);
/* Takes what a child handed over; false at the end of the pipe. */
bool cupel__sweep_take(struct cupel__sweep *sweep, int file);

/* sweep_report.c: a finding as it comes, to options.report. */
void cupel__sweep_tell_finding(const struct cupel__sweep *sweep, const struct cupel_sweep_finding *finding);
/* One line a finding, under the place of the request that failed and that of the death, as lines of stacks. */
void cupel__sweep_groups(const struct cupel__sweep_kind *kinds, unsigned count, FILE *out);
/* The summary line, and the groups, to options.report. */
void cupel__sweep_tell(const struct cupel__sweep *sweep, const struct cupel_sweep_summary *summary);
/* "6 faults: 4 ok 2 leak; at least 3 allocations": as snprintf. */
int cupel__sweep_summary_text(const struct cupel_sweep_summary *summary, char *text, size_t size);

#endif
