/* The two sides of isolation. A supervisor forks workers; a worker takes one item of the plan after another from a
 * counter that all share, runs it, and sends its record through a pipe. Where it stands is in shared memory, and so is
 * the record it is filling: when it dies, the supervisor knows what it ran and what had failed by then.
 *
 *     shared:  next item | slot 0: state, item, start, record | slot 1 ...
 *     worker:  IDLE --take--> RUNNING --record complete--> DONE --sent--> IDLE ... --> _exit
 *
 * A test that wants a process of its own makes a worker that has run others leave, with that item as `pending` for the
 * next; a test that wants the runner's own process is handed up by an item in `handed`. */
#ifndef HARNESS_SRC_WORKER_H
#define HARNESS_SRC_WORKER_H

#include "harness/result.h"
#include "harness/src/fault_note.h"
#include "harness/src/last_words.h"
#include "harness/src/limits.h"
#include "harness/src/meddler.h"
#include "harness/src/plan.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__JOBS_MAX = 64 };
#define CUPEL__NO_ITEM UINT64_MAX

enum cupel__slot_state { CUPEL__SLOT_IDLE, CUPEL__SLOT_RUNNING, CUPEL__SLOT_DONE };

struct cupel__slot {
    _Atomic int state;
    _Atomic uint64_t item;      /* index into the plan */
    _Atomic int64_t start_ms;   /* of the running item */
    _Atomic int64_t timeout_ms; /* of the running item; 0: none */
    _Atomic uint64_t pending;   /* the next worker in this slot begins with it */
    _Atomic uint64_t unsettled; /* the last item behind which not all was looked at; CUPEL__NO_ITEM: none */
    _Atomic uint64_t handed;    /* for the supervisor to run itself; it sets CUPEL__NO_ITEM when done */
    _Atomic bool is_foreign;    /* the worker executed itself: pointers in its record mean nothing here */
    _Atomic bool
        has_lost_memory; /* a test of this worker failed, or might leak: a checker's word at its end is stale */
    /* Of a sweep that goes on: words of its pass (NULL: none does), its fault, how many there are, findings so far. */
    const char *_Atomic sweep_pass;
    _Atomic uint64_t sweep_point, sweep_total, sweep_findings;
    struct cupel__meddling meddling;     /* of the worker */
    struct cupel__fault_note fault_note; /* of the running item */
    struct cupel__last_words last_words; /* of the running item */
    struct cupel__limits limits;         /* of the running item */
    struct cupel_result result;          /* of the running item */
};

struct cupel__shared {
    _Atomic uint64_t next;
    _Atomic bool is_stopping;
    char directory[CUPEL_TEST_PATH_MAX]; /* of the run: see directory.h */
    uint64_t pick_count;                 /* of a plan that is a list; its picks stand behind the slots */
    struct cupel__slot slots[];
};

/* What is shared, and the descriptor of the memory it is in: out of the way of the tests, closed on exec. -1: there is
 * none, and a worker that executes the program anew could not find it. */
struct cupel__sharing {
    struct cupel__shared *shared;
    unsigned slots;
    int file;
};

/* Shared with all processes forked from now on, and with those that a worker executes; false when out of memory. */
bool cupel__shared_create(struct cupel__sharing *sharing, unsigned slots, const struct cupel__plan *plan);
void cupel__shared_destroy(struct cupel__sharing *sharing);

/* What a worker is given. */
struct cupel__worker {
    struct cupel__sharing sharing;
    unsigned slot;
    int pipe;   /* takes records */
    int output; /* its capture file, or -1 */
};

/* The life of a worker, in the forked child: never returns. Where its first item wants another process than a fork can
 * give, it executes itself first. */
_Noreturn void cupel__worker_main(struct cupel__plan *plan, const struct cupel__worker *worker);
/* The word in front of the arguments of a program that was executed as a worker. */
#define CUPEL__WORKER_WORD "--cupel-worker="
/* The rest of that life: with the plan that the arguments give, once the word was taken from them. */
_Noreturn void cupel__worker_entered(struct cupel__plan *plan, const char *word);
/* The seed of the run from that word. */
bool cupel__worker_seed(const char *word, uint64_t *seed);

/* The time limit of an item in milliseconds; 0: none. */
int64_t cupel__timeout_ms(const struct cupel__plan_item *item);

/* In a worker: sends an extra record. False elsewhere. */
bool cupel__worker_emit(const struct cupel_result *result);
/* The running item sweeps, and is there: see struct cupel__slot. */
void cupel__worker_sweeps(const char *pass, uint64_t point, uint64_t total, unsigned findings);
/* The running item showed a sign of life: its time limit begins anew. */
void cupel__worker_is_alive(void);

#endif
