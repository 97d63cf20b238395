/* What the parts of the router share: see route.h. route.c has the runs and the gate before the layers, route_blocks.c
 * the requests, route_left.c what is left of them. All of it under the lock. */
#ifndef HARNESS_SRC_ROUTE_STATE_H
#define HARNESS_SRC_ROUTE_STATE_H

#include "alloc/index.h"
#include "harness/src/route.h"

/* For functions that the interposition objects call, which are not instrumented: under MemorySanitizer nothing that
 * comes from there may be taken for uninitialised. */
#if defined(__clang__)
#define CUPEL__ROUTE_ENTRY __attribute__((no_sanitize("memory")))
#else
#define CUPEL__ROUTE_ENTRY
#endif

enum { CUPEL__PLACEMENTS = 8, CUPEL__MARKS_MAX = 128 };

/* A run; a sweep within a body has one of its own, and that body's waits below it. */
struct cupel__route_run {
    struct cupel_allocator *below;
    uint64_t number; /* times CUPEL__PLACEMENTS, plus how its blocks are placed */
    struct cupel__routed counts;
    int armed; /* while another run stands above */
    /* Requests that left blocks, by their addresses; the last entry is for all beyond. */
    unsigned mark_count;
    struct cupel__route_mark {
        const void *site;
        uint64_t freed; /* blocks of it and of earlier runs, since */
        uint64_t left;
    } marks[CUPEL__MARKS_MAX];
};

struct cupel__route_state {
    struct cupel_allocator gate;
    struct cupel_index blocks; /* serial: the number of the run */
    uint64_t last_number;
    struct cupel__route_run runs[CUPEL__ROUTE_RUNS_MAX];
    struct cupel__route_run *run; /* the one that goes on */
};
extern struct cupel__route_state cupel__route_state;

/* The entry that counts this request; NULL where nothing is marked. */
struct cupel__route_mark *cupel__route_mark_of(const void *site);

#endif
