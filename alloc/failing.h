/* Layer: makes chosen requests fail, by a fault plan. The grammar is one, for layers, tests, sweeps and CUPEL_FAULT:
 *
 *     plan  := rule { ';' rule }     rule := call ':' when [ '=' how ] [ '@' where ]
 *     call  := alloc | grow | vm | any | read | write | open | clock
 *     when  := N | N+ | N,M | * / N | P% | >BYTES     (the Nth; from the Nth on; a pair; every Nth; seeded by
 * CUPEL_SEED; budget) how   := null | short | EINTR | ENOSPC | EIO    where := function | file:line | size=A..B
 *
 * (`* / N` is written without the spaces.) `alloc` counts acquire and moving remap alike as they come; `grow` counts
 * resize and remap only. One thread at a time. */
#ifndef ALLOC_FAILING_H
#define ALLOC_FAILING_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

enum cupel_fault_call {
    CUPEL_FAULT_ALLOC,
    CUPEL_FAULT_GROW,
    CUPEL_FAULT_VM,
    CUPEL_FAULT_ANY,
    CUPEL_FAULT_READ,
    CUPEL_FAULT_WRITE,
    CUPEL_FAULT_OPEN,
    CUPEL_FAULT_CLOCK
};
enum cupel_fault_when {
    CUPEL_FAULT_NTH,
    CUPEL_FAULT_FROM,
    CUPEL_FAULT_PAIR,
    CUPEL_FAULT_EVERY,
    CUPEL_FAULT_PERCENT,
    CUPEL_FAULT_BUDGET
};

enum { CUPEL_FAULT_RULES_MAX = 8, CUPEL_FAULT_FRAMES_MAX = 16 };

struct cupel_fault_rule {
    enum cupel_fault_call call;
    enum cupel_fault_when when;
    uint64_t first, second; /* N and M; bytes; percent */
    char how[16];
    char where[64]; /* function or file:line; empty: anywhere */
    size_t size_min, size_max;
    uint64_t seen; /* requests that the rule looked at */
};

struct cupel_fault_plan {
    struct cupel_fault_rule rules[CUPEL_FAULT_RULES_MAX];
    unsigned count;
    uint64_t seed;
};

/* Parses; false and a text with the column on a malformed plan. "" and NULL are the empty plan. OpenSSL's
 * `count@percent;...` is understood. */
bool cupel_fault_plan_parse(struct cupel_fault_plan *plan, const char *text, struct cupel_error *error);
/* Writes the plan back as text (the replay token); returns the length, as snprintf. */
int cupel_fault_plan_format(const struct cupel_fault_plan *plan, char *text, size_t size);

struct cupel_failing {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_fault_plan plan;
    uint64_t calls; /* requests that could have failed (acquire, remap; resize apart) */
    uint64_t grow_calls;
    uint64_t injected; /* faults injected outside benign windows */
    uint64_t injected_benign;
    uint64_t ok_before; /* requests that succeeded before the first fault, and after it */
    uint64_t ok_after;
    uint64_t live_bytes; /* for budgets */
    unsigned benign_depth;
    bool is_armed;                              /* false: counts, injects nothing */
    const void *frames[CUPEL_FAULT_FRAMES_MAX]; /* stack of the first induced failure */
    unsigned frame_count;
};

/* The layer with a plan in text; a malformed plan gives NULL and fills `error` (may be NULL). Armed from the start. */
struct cupel_allocator *cupel_failing_init(struct cupel_failing *failing, struct cupel_allocator *parent,
                                           const char *plan, struct cupel_error *error);
/* A new plan, counters back to zero. */
void cupel_failing_set(struct cupel_failing *failing, const struct cupel_fault_plan *plan);
/* Between these, an injected failure may be absorbed without a word: it does not count as swallowed. Nests. */
void cupel_failing_benign_begin(struct cupel_failing *failing);
void cupel_failing_benign_end(struct cupel_failing *failing);

/* Called once for every injected fault, and empty: the place for a breakpoint. */
void cupel_fault_break(const void *site);

#endif
