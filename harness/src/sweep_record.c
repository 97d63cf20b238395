/* What a run asks for: see sweep_engine.h. The runs without a fault give the requests that points are made of: those of
 * the last one, and what the first one asked for beyond it, by call stacks and how often each comes. The first fault of
 * each call stack is watched too: what is asked for only because of it is the second half of pairs. */
#include "harness/src/sites.h"
#include "harness/src/sweep_engine.h"

#include <stddef.h>
#include <unistd.h>

enum {
    STACK_FRAMES = 8,    /* at depth 4 faults of different effect fell together in trials, at depth 8 none did */
    CANDIDATES_MAX = 64, /* requests with stacks of their own behind one fault */
    LOOKED_AT_MAX = 512, /* requests behind one fault whose stacks are walked */
    PAIRS_PER_FAULT = 8,
};

/* A request that came after the first fault. */
struct candidate {
    uint64_t stack;
    uint64_t number;
};

static struct recorder {
    struct cupel__sweep *sweep;
    const void *outermost;                 /* return address at which the stacks of requests end */
    pid_t process;                         /* that runs the body; a child that it forks is beyond the reach of faults */
    struct cupel__sweep_request *requests; /* that take this run's */
    uint64_t *request_count;
    uint64_t number, grow_number; /* of requests in this run */
    bool has_grown;
    uint64_t live_peak;
    bool has_failed; /* the first fault fired */
    uint64_t first;  /* that fault; 0: not looked at */
    unsigned looked_at;
    unsigned count;
    struct candidate candidates[CANDIDATES_MAX];
} recorder, waiting;

void cupel__sweep_record_outermost(const void *address) {
    recorder.outermost = address;
}

void cupel__sweep_record_push(void) {
    waiting = recorder;
}

void cupel__sweep_record_pop(void) {
    recorder = waiting;
}

static bool is_alloc(const struct cupel_failing_event *event) {
    return (event->calls & 1u << CUPEL_FAULT_ALLOC) != 0;
}

/* The finalizer of SplitMix64 over both words. */
static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t value = a + UINT64_C(0x9E3779B97F4A7C15) * (b + 1);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static uint64_t stack_of(const struct cupel_failing_event *event) {
    const void *frames[STACK_FRAMES];
    unsigned count = cupel_failing_frames(event->site, frames, STACK_FRAMES);
    uint64_t hash = event->calls;
    for (unsigned i = 0; i < count && frames[i] != recorder.outermost; i++) {
        hash = mix(hash, (uintptr_t)frames[i]);
    }
    return hash | 1;
}

static void record_request(const struct cupel_failing *failing, const struct cupel_failing_event *event) {
    (void)failing;
    struct cupel__sweep_note *note = recorder.sweep->note;
    if (!event->is_armed || *recorder.request_count == CUPEL__SWEEP_REQUESTS_MAX || getpid() != recorder.process) {
        return;
    }
    struct cupel__sweep_request *request = &recorder.requests[(*recorder.request_count)++];
    bool grows = (event->calls & 1u << CUPEL_FAULT_GROW) != 0;
    *request = (struct cupel__sweep_request){.stack = stack_of(event),
                                             .site = event->site,
                                             .number = is_alloc(event) ? ++recorder.number : 0,
                                             .grow_number = grows ? ++recorder.grow_number : 0,
                                             .is_behind_growth = recorder.has_grown,
                                             .is_aligned = event->align > _Alignof(max_align_t)};
    recorder.has_grown = recorder.has_grown || grows;
    note->growths += grows;
    note->aligned += request->is_aligned;
    if (event->live_bytes > recorder.live_peak) {
        request->budget = request->number != 0 ? recorder.live_peak : 0;
        recorder.live_peak = event->live_bytes;
    }
}

static void record_after_fault(const struct cupel_failing *failing, const struct cupel_failing_event *event) {
    (void)failing;
    recorder.number += event->is_armed && is_alloc(event);
    if (event->is_refused || !recorder.has_failed || !event->is_armed || !is_alloc(event)) {
        recorder.has_failed = recorder.has_failed || event->is_refused;
        return;
    }
    if (recorder.count == CANDIDATES_MAX || recorder.looked_at++ == LOOKED_AT_MAX) {
        return;
    }
    cupel__sites_note(event->site, false);
    uint64_t stack = stack_of(event);
    for (unsigned i = 0; i < recorder.count; i++) {
        if (recorder.candidates[i].stack == stack) {
            return;
        }
    }
    recorder.candidates[recorder.count++] = (struct candidate){.stack = stack, .number = recorder.number};
}

/* Pairs of this fault are known where its batch is run again. */
static bool has_pairs(const struct cupel__sweep *sweep, uint64_t first) {
    for (uint64_t i = 0; i < sweep->note->pair_count; i++) {
        if (sweep->region->pairs[i].first == first) {
            return true;
        }
    }
    return false;
}

void (*cupel__sweep_record_begin(struct cupel__sweep *sweep, uint64_t point))(const struct cupel_failing *failing,
                                                                              const struct cupel_failing_event *event) {
    struct cupel__sweep_note *note = sweep->note;
    recorder.sweep = sweep;
    recorder.process = getpid();
    recorder.number = recorder.grow_number = recorder.live_peak = recorder.first = 0;
    recorder.has_grown = recorder.has_failed = false;
    recorder.looked_at = recorder.count = 0;
    if (note->stage == CUPEL__SWEEP_BASELINE) { /* the first of these runs may set things up that stay */
        recorder.requests = sweep->is_warm ? sweep->region->requests : sweep->region->first_run;
        recorder.request_count = sweep->is_warm ? &note->request_count : &note->first_count;
        *recorder.request_count = note->growths = note->aligned = 0;
        return record_request;
    }
    if (note->stage != CUPEL__SWEEP_ONCE && point != 0 && cupel__sites_are_on()) {
        return cupel__sites_refused_again;
    }
    if (note->stage != CUPEL__SWEEP_ONCE || point == 0 || (sweep->options.modes & CUPEL_SWEEP_PAIRS) == 0) {
        return NULL;
    }
    struct cupel__sweep_point one = cupel__sweep_point_at(sweep, point);
    if (!one.is_first || has_pairs(sweep, one.first)) {
        return NULL;
    }
    recorder.first = one.first;
    return record_after_fault;
}

static void add_pair(struct cupel__sweep *sweep, uint64_t second) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->pair_count < CUPEL__SWEEP_PAIRS_MAX) {
        sweep->region->pairs[note->pair_count++] = (struct cupel__sweep_pair){recorder.first, second};
    } else {
        note->left_out++;
    }
}

/* The place of a stack in a table, or a free one; NULL where the table is full. */
static struct cupel__sweep_stack *find_stack(struct cupel__sweep_stack *table, uint64_t hash) {
    for (uint64_t i = 0; i < CUPEL__SWEEP_STACKS_MAX / 2; i++) {
        struct cupel__sweep_stack *stack = &table[(hash + i) % CUPEL__SWEEP_STACKS_MAX];
        if (stack->hash == hash || stack->hash == 0) {
            return stack;
        }
    }
    return NULL;
}

static bool is_of_unfailed_run(const struct cupel__sweep *sweep, uint64_t hash) {
    const struct cupel__sweep_stack *stack = find_stack(sweep->stacks, hash);
    return stack != NULL && stack->hash == hash && stack->serial == sweep->serial;
}

void cupel__sweep_record_end(struct cupel__sweep *sweep) {
    if (recorder.first == 0 || !recorder.has_failed) {
        return;
    }
    unsigned taken = 0;
    for (unsigned pass = 0; pass < 2; pass++) { /* what only a fault brings about goes first */
        for (unsigned i = 0; i < recorder.count && taken < PAIRS_PER_FAULT; i++) {
            if (is_of_unfailed_run(sweep, recorder.candidates[i].stack) == (pass == 1)) {
                add_pair(sweep, recorder.candidates[i].number);
                taken++;
            }
        }
    }
}

static const uint32_t used_up_count = UINT32_MAX;

/* The place of a stack with its count in this sweep, used_up_count where only new ones count and it is of an earlier
 * one. NULL where the table is full: with more than 65536 of them the others are tried in their turn. */
static struct cupel__sweep_stack *count_of(struct cupel__sweep *sweep, uint64_t hash, bool new_only) {
    struct cupel__sweep_stack *stack = find_stack(sweep->stacks, hash);
    if (stack != NULL && (stack->hash == 0 || stack->serial != sweep->serial)) {
        bool is_used_up = stack->hash != 0 && new_only;
        *stack = (struct cupel__sweep_stack){.hash = hash, .serial = sweep->serial};
        stack->count = is_used_up ? used_up_count : 0;
    }
    return stack;
}

/* True for the first `most` requests of this stack in this sweep; where only new stacks count, and it is of an earlier
 * sweep, for none. */
static bool take_stack(struct cupel__sweep *sweep, uint64_t hash, uint64_t most) {
    struct cupel__sweep_stack *stack = count_of(sweep, hash, sweep->new_stacks_only);
    return stack != NULL && stack->count < most && ++stack->count != 0;
}

/* True where both runs made the same requests in the same order. */
static bool runs_are_equal(const struct cupel__sweep *sweep) {
    const struct cupel__sweep_note *note = sweep->note;
    bool are_equal = note->first_count == note->request_count;
    for (uint64_t i = 0; are_equal && i < note->first_count; i++) {
        are_equal = sweep->region->first_run[i].stack == sweep->region->requests[i].stack;
    }
    return are_equal;
}

enum { COLD = 3, COLD_CALL }; /* what a stack, or a way of sweep_calls.c, is used up for */

/* Calls that are no requests are counted only: a way is one for all inputs, as a lazy table is. */
static void mark_cold_calls(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    for (unsigned way = 0; way < cupel__sweep_ways(); way++) {
        uint64_t calls = cupel__sweep_cold_calls_of(sweep, way);
        struct cupel__sweep_stack *stack = calls == 0 ? NULL : count_of(sweep, mix(way, COLD_CALL) | 1, true);
        if (stack != NULL && stack->count != used_up_count) {
            note->cold_ways |= 1u << way;
            note->cold_count += calls;
        }
    }
    note->first_only += cupel__sweep_cold_calls(sweep);
}

/* Of the first run's requests those that come behind as many of the same call stack as the later run makes. */
static void mark_cold(struct cupel__sweep *sweep) {
    struct cupel__sweep_note *note = sweep->note;
    struct cupel__sweep_stack *counts = sweep->region->counts;
    uint64_t most = sweep->options.per_stack != 0 ? sweep->options.per_stack : 1;
    for (uint64_t i = 0; i < note->request_count; i++) {
        struct cupel__sweep_stack *stack = find_stack(counts, sweep->region->requests[i].stack);
        if (stack != NULL) {
            stack->hash = sweep->region->requests[i].stack;
            stack->count++;
        }
    }
    for (uint64_t i = 0; i < note->first_count; i++) {
        struct cupel__sweep_request *request = &sweep->region->first_run[i];
        struct cupel__sweep_stack *stack = find_stack(counts, request->stack);
        if (stack != NULL && stack->hash != 0 && stack->count != 0) {
            stack->count--;
            continue;
        }
        cupel__sites_note(request->site, false);
        stack = count_of(sweep, mix(request->stack, COLD) | 1, true); /* a lazy table is one for all inputs */
        request->is_cold = stack == NULL || stack->count != used_up_count;
        request->is_first = request->is_cold && stack != NULL && stack->count < most && ++stack->count != 0;
        note->cold_count += request->is_cold;
        note->first_only += request->is_cold;
    }
}

void cupel__sweep_record_mark(struct cupel__sweep *sweep) {
    enum { PEAK = 1, BEHIND }; /* what a stack is first of, beside itself */
    struct cupel__sweep_note *note = sweep->note;
    uint64_t most = sweep->options.per_stack != 0 ? sweep->options.per_stack : 1;
    for (uint64_t i = 0; i < note->request_count; i++) {
        struct cupel__sweep_request *request = &sweep->region->requests[i];
        const struct cupel__sweep_stack *stack = find_stack(sweep->stacks, request->stack);
        cupel__sites_note(request->site, false);
        note->stacks += stack != NULL && (stack->hash == 0 || stack->serial != sweep->serial);
        request->is_first = take_stack(sweep, request->stack, most);
        request->is_peak_first = request->budget != 0 && take_stack(sweep, mix(request->stack, PEAK) | 1, 1);
        request->is_first_behind =
            request->is_behind_growth && request->number != 0 && take_stack(sweep, mix(request->stack, BEHIND) | 1, 1);
    }
    if (!runs_are_equal(sweep)) {
        note->is_warmed = true;
        mark_cold(sweep);
    }
    if (!cupel__sweep_calls_are_equal(sweep, &note->first_asked, &note->asked)) {
        note->is_warmed = true;
        mark_cold_calls(sweep);
    }
}
