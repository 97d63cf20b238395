/* Layer: makes chosen requests fail, by a fault plan. The grammar is one, for layers, tests, sweeps and CUPEL_FAULT:
 *
 *     plan  := rule { ';' rule }
 *     rule  := call ':' when [ '#' T ] [ '=' how ] [ '@' where ]
 *     call  := alloc | grow | vm | any | read | write | open | clock
 *     when  := N        the Nth request that the rule looks at (the first is 1)
 *            | N+       from the Nth on
 *            | N,M      the Nth and the Mth
 *            | * / N    every Nth (written without the spaces)
 *            | P%       P percent of them, chosen by the seed
 *            | P%N..M   the same, of the Nth to the Mth only; M may be left out
 *            | >BYTES   those after which more than BYTES would be live
 *     T     := only requests of the Tth thread, in the order of their first requests to the layer
 *     how   := null | short | move | back | forward | the name of an errno value
 *     where := function | file:line | size=A..B
 *
 * `alloc` looks at acquire and remap, `grow` at resize and remap, `any` at all three. A rule counts only the requests
 * that it looks at: `alloc:3@size=1..8` is the third small one. Every rule looks at every request, so that each counts
 * the same whatever the others do.
 *
 * `move`, for `grow` only, refuses nothing: a remap gives the block a new address, a resize in place does not succeed.
 * It finds those who keep the old address. A refused resize in place counts as benign: its caller goes on by other
 * means, and need not say a word.
 *
 * `vm` (an allocation in the heap of a virtual machine), `read`, `write`, `open` and `clock` are calls of other kinds:
 * whoever stands in their way asks cupel_failing_ask what shall become of each. `short` transfers half, and looks only
 * at requests of which a part can be transferred; `back` and `forward`, for `clock` only, set the clock from there on.
 * Those, and EINTR, count as benign: who goes on by calling again, or without a word, is right.
 *
 * `function` is matched against the call stack through symbol tables, so an inlined function is never met, and modules
 * loaded later are not known.
 *
 * A failed request changes nothing: the parent is not asked. Locking: one thread at a time. Cost: some 5 ns a request
 * and rule; with a function in the plan a walk over the stack as well. */
#ifndef ALLOC_FAILING_H
#define ALLOC_FAILING_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

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

enum {
    CUPEL_FAULT_CALLS_MAX = 8,
    CUPEL_FAULT_RULES_MAX = 8,
    CUPEL_FAULT_FRAMES_MAX = 16,
    CUPEL_FAULT_RANGES_MAX = 8,
    CUPEL_FAULT_THREADS_MAX = 64 /* those beyond have one number together */
};

struct cupel_fault_rule {
    enum cupel_fault_call call;
    enum cupel_fault_when when;
    uint64_t first, second;          /* N and M; bytes; percent (0 to 100) */
    uint64_t window_min, window_max; /* percent: requests it is drawn for; 0 and 0: all; window_max 0: no end */
    unsigned thread;                 /* 1 for the first thread; 0: any */
    char how[16];                    /* empty: the call's usual failure */
    char where[64];                  /* function or file:line; empty: anywhere */
    size_t size_min, size_max;       /* of requests looked at, in bytes; 0 and 0: any size */
    uint64_t seen;                   /* requests that the rule looked at */
    unsigned range_count;            /* code that `where` stands for, once resolved */
    struct cupel_fault_range {
        uintptr_t low, high;
    } ranges[CUPEL_FAULT_RANGES_MAX];
};

struct cupel_fault_plan {
    struct cupel_fault_rule rules[CUPEL_FAULT_RULES_MAX];
    unsigned count;
    uint64_t seed; /* for percentages */
};

/* Parses a plan in text. "" and NULL are the empty plan. OpenSSL's `count@percent;...` (OPENSSL_MALLOC_FAILURES) is
 * understood: a text that begins with a digit or '@'; percentages must be whole there. The seed is the environment's
 * CUPEL_SEED, else 0. False and a text with the word and its column on a malformed plan; `plan` is then the empty one.
 * `error` may be NULL. Never allocates. */
bool cupel_fault_plan_parse(struct cupel_fault_plan *plan, const char *text, struct cupel_error *error);
/* The plan of the environment: CUPEL_FAULT, else OPENSSL_MALLOC_FAILURES, else MALLOC_NUMBER_TO_FAIL (one number, 0 for
 * the first), else the empty one. As cupel_fault_plan_parse; the error names the variable. */
bool cupel_fault_plan_from_environment(struct cupel_fault_plan *plan, struct cupel_error *error);
/* Writes the plan back as text, which parses to the same plan: the replay token. At most `size` bytes with the final
 * NUL; returns the length that the whole text has, as snprintf does. */
int cupel_fault_plan_format(const struct cupel_fault_plan *plan, char *text, size_t size);
/* Looks the plan's functions up in the loaded modules (reads their files; takes the loader's lock). False and a text on
 * the first one that is nowhere: its rule will never fire. `file:line` needs a reader of debug information, which this
 * build has not: an error too. */
bool cupel_fault_plan_resolve(struct cupel_fault_plan *plan, struct cupel_error *error);
/* The errno value that a rule's `how` names; 0 for none, `null` and `short`. */
int cupel_fault_errno(const struct cupel_fault_rule *rule);

/* One request, as a plan sees it: for those who inject faults elsewhere than in this layer. */
struct cupel_fault_request {
    unsigned calls;            /* 1u << CUPEL_FAULT_ALLOC and so on: what it counts as (never ANY) */
    size_t size;               /* bytes asked for */
    uint64_t live_bytes;       /* bytes live if it were granted */
    unsigned thread;           /* 1 for the first */
    bool can_be_short;         /* a read or write of which a part can be transferred */
    const void *const *frames; /* its call stack, innermost first; needed where cupel_fault_plan_wants_frames */
    unsigned frame_count;
};
/* Counts the request in every rule that looks at it; the first rule that makes it fail, or NULL. */
const struct cupel_fault_rule *cupel_fault_plan_next(struct cupel_fault_plan *plan,
                                                     const struct cupel_fault_request *request);
/* True where a rule asks for a function. */
bool cupel_fault_plan_wants_frames(const struct cupel_fault_plan *plan);

/* A request on its way through the layer, for on_request; borrowed for the call. */
struct cupel_failing_event {
    unsigned calls;        /* as in struct cupel_fault_request: ALLOC an acquire, GROW a resize, both a remap */
    size_t size, new_size; /* bytes of the block now (0 for an acquire), and bytes asked for */
    size_t align;          /* bytes */
    uint64_t live_bytes;   /* of the layer, if the request is granted */
    bool is_refused;       /* by the plan */
    bool is_armed;         /* the plan saw it */
    const void *site;      /* of the caller */
};

struct cupel_failing {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    struct cupel_fault_plan plan;
    uint64_t calls;                              /* requests that `alloc` looks at: acquire and remap */
    uint64_t grow_calls;                         /* requests that `grow` looks at: resize and remap */
    uint64_t asked[CUPEL_FAULT_CALLS_MAX];       /* by cupel_failing_ask, by enum cupel_fault_call */
    uint64_t asked_short[CUPEL_FAULT_CALLS_MAX]; /* of these, that can be short */
    uint64_t injected;                           /* faults injected outside benign windows */
    uint64_t injected_benign;                    /* and inside, and what need not be told: see above */
    uint64_t moved;                              /* remaps that a rule with `move` gave a new address */
    uint64_t ok_before; /* acquires and remaps that succeeded before the first fault, and after it */
    uint64_t ok_after;
    uint64_t live_bytes; /* bytes of this layer's live blocks */
    unsigned benign_depth;
    bool is_armed; /* false: requests are counted above, the plan sees none of them; may be changed at any time */
    bool wants_frames;
    uint64_t sure_until; /* requests before this one are granted by the plan whatever they are */
    unsigned thread_count;
    unsigned threads[CUPEL_FAULT_THREADS_MAX];  /* that came to the layer since its plan was set, and were asked for */
    const void *frames[CUPEL_FAULT_FRAMES_MAX]; /* call stack of the first induced failure, innermost first */
    unsigned frame_count;
    struct cupel_failing_event first; /* that failure itself */
    /* NULL, or called with the layer when the first failure is induced, once its stack is in `frames`: for those who
     * want it where it outlives the process. Must not allocate from the layer. Kept by cupel_failing_set. */
    void (*on_first)(const struct cupel_failing *failing);
    /* NULL, or called with each request when it is decided what comes of it, before the parent is asked. Must not
     * allocate from the layer; may call cupel_failing_frames. Kept by cupel_failing_set. */
    void (*on_request)(const struct cupel_failing *failing, const struct cupel_failing_event *event);
};

/* The layer over `parent` (borrowed) with a plan in text, armed. A malformed plan, and one whose function is nowhere,
 * give NULL and fill `error` (may be NULL). Nothing to give back. */
struct cupel_allocator *cupel_failing_init(struct cupel_failing *failing, struct cupel_allocator *parent,
                                           const char *plan, struct cupel_error *error);
/* A new plan (copied; NULL: the empty one), armed; the counters and the stack go back to zero, but for live_bytes and
 * the depth of benign windows. Functions that are nowhere never match: see cupel_fault_plan_resolve. */
void cupel_failing_set(struct cupel_failing *failing, const struct cupel_fault_plan *plan);
/* A call of another kind, VM or READ to CLOCK, that the code under test makes: counts it, and tells whether the plan
 * makes it fail. The rule says how (borrowed, good until the plan is another); NULL: it shall go on. `size` in bytes, 0
 * where it has none; `site` is where the caller stands. Locking as the layer's. */
const struct cupel_fault_rule *cupel_failing_ask(struct cupel_failing *failing, enum cupel_fault_call call, size_t size,
                                                 bool can_be_short, const void *site);
/* Between these, an injected failure may be absorbed without a word: it counts as injected_benign. They nest. */
void cupel_failing_benign_begin(struct cupel_failing *failing);
void cupel_failing_benign_end(struct cupel_failing *failing);

/* Prints the call stack of the first induced failure, one line a frame; nothing where none was injected. Takes the
 * loader's lock. */
void cupel_failing_print(const struct cupel_failing *failing, FILE *out);

/* The call stack of a request, for on_request: up to `max` (at least 1) return addresses, innermost first; returns how
 * many. About 1 us and 100 ns a frame. */
unsigned cupel_failing_frames(const void *site, const void *frames[], unsigned max);

/* Called for every injected fault with the place of the request, and empty: the place for a breakpoint. */
void cupel_fault_break(const void *site);

#ifdef __cplusplus
}
#endif

#endif
