/* Failing every allocation of some code in turn: once (`alloc:N`), from there on (`alloc:N+`), in pairs, and more (enum
 * cupel_sweep_mode). What came of each fault is one of the verdicts of harness/result.h, and each finding has a token
 * that replays exactly that fault. Requests with a call stack of their own come first, then the others.
 *
 * Test programs do this with --sweep, for every test and property. cupel_sweep does it in any program, with nothing
 * registered and no runner:
 *
 *     static enum cupel_sweep_end load(struct cupel_allocator *a, void *user) {
 *         struct config *config = config_load(a, user);
 *         if (config == NULL) {
 *             return CUPEL_SWEEP_STARVED;      it said that it could not
 *         }
 *         config_free(a, config);
 *         return CUPEL_SWEEP_DONE;
 *     }
 *     struct cupel_sweep_summary summary = cupel_sweep(load, "a.conf", &(struct cupel_sweep_options){.report =
 * stderr});
 */
#ifndef HARNESS_SWEEP_H
#define HARNESS_SWEEP_H

#include "alloc/alloc.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a swept function ended. */
enum cupel_sweep_end {
    CUPEL_SWEEP_DONE,    /* it came to its end as if nothing had happened */
    CUPEL_SWEEP_STARVED, /* the code under test reported a failure */
    CUPEL_SWEEP_WRONG,   /* something that must hold did not */
};

/* What is tried, one pass each. */
enum cupel_sweep_mode {
    CUPEL_SWEEP_ONCE = 1,     /* `alloc:N`: each request fails once */
    CUPEL_SWEEP_FROM = 2,     /* `alloc:N+`: all from there on */
    CUPEL_SWEEP_GROW = 4,     /* `grow:N`: each growth in place is refused, for which nobody need say a word */
    CUPEL_SWEEP_MOVES = 8,    /* `grow:1+=move`: each block that grows moves, alone and with one failure behind it */
    CUPEL_SWEEP_PAIRS = 16,   /* `alloc:N,M`: and one more that was only made because the first failed */
    CUPEL_SWEEP_BUDGETS = 32, /* `alloc:>BYTES`: all that would pass what was live when a new peak was reached */
    CUPEL_SWEEP_CALLS = 64,   /* `read:N=EINTR` and the like, of what a test declares in .faults; not for cupel_sweep */
    CUPEL_SWEEP_FIRST_RUN = 128, /* `alloc:N`, counted in the first run of a process: each request that no later run
                                    makes (of a lazy table, behind pthread_once) fails once. Not in one process */
    CUPEL_SWEEP_ALL = 255,
};

/* One way in which a fault was not borne. */
struct cupel_sweep_finding {
    enum cupel_verdict verdict;
    const char *token;        /* the first fault that shows it: "alloc:3", "alloc:3+" */
    const char *text;         /* what happened, lines; may be "" */
    bool is_known;            /* options.is_known said so */
    bool is_behind_first_run; /* the token counts from behind a run without a fault: options.warm_up replays it */
};

struct cupel_sweep_options {
    struct cupel_allocator *parent; /* below the counting and failing layers; NULL: cupel_libc() */
    bool plain_malloc;              /* what the function asks of malloc and its family is counted and starved with the
                                       rest: the program links cupel::interpose, else it is ended with a message */
    bool in_process;                /* no child: faster to begin, but a crash is the program's, and hangs hang */
    unsigned modes;                 /* of enum cupel_sweep_mode, ored; 0: all */
    int64_t timeout_ms;             /* without progress: a hang. 0: 200 unfailed runs, at least 2 s; those: 60 s */
    int64_t time_ms;                /* of the whole sweep, which then stops; 0: no limit */
    uint64_t per_stack;             /* faults of each call stack (of 8 frames) in a pass; 0: all */
    uint64_t points_max;            /* of each pass: one a call stack, then a sample of the rest; 0: all */
    uint64_t seed;                  /* of that sample */
    uint64_t shard_index;           /* only every shard_count-th point of each pass, counted from 0: the shards of */
    uint64_t shard_count;           /* equal options and seed are the whole together. 0: all */
    uint64_t (*strong)(void *user); /* a hash of state; must be the same before and after a call that starved. NULL:
                                       none. Called outside the function, in the process that ran it */
    FILE *report;                   /* findings and a summary as text; NULL: none */
    FILE *progress;                 /* a line while it goes on; NULL: none */
    const char *sites;              /* file that takes every place that asked for memory; NULL: none */
    const char *fault;              /* only this one, by its token, and in this process: replays a finding. NULL: that
                                       of CUPEL_FAULT, and where there is none, all */
    bool warm_up;                   /* where one fault alone is tried: one run without a fault comes before it. The
                                       variable CUPEL_WARM_UP says so too */
    /* Called once for each distinct finding, borrowed for the call. NULL: none. */
    void (*on_finding)(void *sink, const struct cupel_sweep_finding *finding);
    /* Called once for each distinct finding in the process that made it, before on_finding: true where it is known and
     * shall not count against the code. NULL: none is. */
    bool (*is_known)(void *sink, const struct cupel_sweep_finding *finding);
    /* Called at the end for each fault that was tried, with a text that is empty; borrowed for the call. NULL: none. */
    void (*on_point)(void *sink, const struct cupel_sweep_finding *point);
    void *sink;
};

struct cupel_sweep_summary {
    uint64_t allocations;                   /* requests of an unfailed run: the least that it needs */
    uint64_t growths;                       /* of these, and growths in place */
    uint64_t aligned;                       /* requests with an alignment beyond that of malloc */
    uint64_t stacks;                        /* distinct call stacks of all these */
    uint64_t first_run;                     /* requests that only the first run of a process made, on top of these */
    uint64_t first_run_untried;             /* faults not tried for want of a process each. In left_out too */
    uint64_t points;                        /* faults tried */
    uint64_t left_out;                      /* faults that the options leave out, shards apart */
    uint64_t verdicts[CUPEL_VERDICT_COUNT]; /* how many of them came to each verdict, known findings apart */
    uint64_t known;                         /* how many showed a known finding */
    enum cupel_verdict worst;               /* CUPEL_VERDICT_OK where all is well */
    bool is_baseline;                       /* `worst` is that of the run without a fault; nothing was swept */
    bool has_no_sites;                      /* the file of sites could not be written; a message says why */
    bool is_cut;                            /* the time was over, or it was interrupted: there is more to try */
};

/* Sweeps function(a, user). First it runs twice without a fault: it must come to CUPEL_SWEEP_DONE with nothing left
 * behind, and ask for memory equally often (where the first run asked for more, the second and a third). What is
 * starved are the requests to `a`. The function must begin from the same state each time. `options` NULL: all defaults.
 * Requests that only the first run makes are found where this process has not run the function before.
 *
 * The runs are in one forked child that survives until something kills it (then the next goes on behind it); its
 * standard output and error are thrown away, shown only in the finding of a crash. SIGINT, where nothing handles it,
 * ends the sweep with what was found so far, and then the process. Not thread-safe, one sweep at a time; the process
 * should have one thread, since it forks. Cost: about 2N runs of a body with N allocations, and some 100 MB of address
 * space, of which little is touched. */
struct cupel_sweep_summary cupel_sweep(enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user),
                                       void *user, const struct cupel_sweep_options *options);

/* In a test that is declared .strong: the call that must change nothing where it fails begins here. The hash is taken
 * now; it is also taken where the body begins and at each STARVED that was not true. */
void cupel_strong_begin(void);

#ifdef __cplusplus
}
#endif

#endif
