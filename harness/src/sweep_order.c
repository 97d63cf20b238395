/* Which faults a pass tries, and in which order: one of each call stack first, then the others or a sample of them; of
 * that, a shard. See sweep_engine.h. */
#include "harness/src/sweep_engine.h"

#include <string.h>

enum { BUDGETS_MAX = 64 };

/* A pass that is being filled. */
struct list {
    struct cupel__sweep_point *points;
    uint64_t count, room;
};

static void add(struct list *list, struct cupel__sweep_point point) {
    if (list->count < list->room) {
        list->points[list->count++] = point;
    }
}

/* Every pseudorandom number of a sample from the one before it (splitmix64). */
static uint64_t next_random(uint64_t *state) {
    uint64_t value = *state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* Moves `count` of the points, drawn by the seed, to the front of the list. */
static void sample(struct cupel__sweep_point *points, uint64_t length, uint64_t count, uint64_t seed) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t j = i + next_random(&seed) % (length - i);
        struct cupel__sweep_point drawn = points[j];
        points[j] = points[i];
        points[i] = drawn;
    }
}

/* Leaves at most `most` points: those of the first `firsts` first. */
static void bound(struct list *list, uint64_t firsts, uint64_t most, uint64_t seed) {
    if (list->count <= most) {
        return;
    }
    if (firsts >= most) {
        sample(list->points, firsts, most, seed);
    } else {
        sample(list->points + firsts, list->count - firsts, most - firsts, seed);
    }
    list->count = most;
}

/* Leaves every n-th point. */
static void take_shard(struct list *list, const struct cupel_sweep_options *options) {
    uint64_t kept = 0;
    for (uint64_t i = 0; i < list->count; i++) {
        if (i % options->shard_count == options->shard_index) {
            list->points[kept++] = list->points[i];
        }
    }
    list->count = kept;
}

/* Requests that `alloc` looks at, those of new stacks first; returns how many these are. */
static uint64_t list_requests(const struct cupel__sweep *sweep, struct list *list) {
    const struct cupel__sweep_note *note = sweep->note;
    bool has_others = sweep->options.per_stack == 0 && !sweep->new_stacks_only;
    uint64_t firsts = 0;
    uint64_t recorded = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < note->request_count; i++) {
            const struct cupel__sweep_request *request = &sweep->region->requests[i];
            if (request->number != 0 && request->is_first == (round == 0)) {
                recorded++;
                if (round == 0 || has_others) {
                    add(list, (struct cupel__sweep_point){.first = request->number, .is_first = request->is_first});
                }
            }
        }
        firsts = round == 0 ? list->count : firsts;
    }
    for (uint64_t number = recorded + 1; has_others && number <= note->calls; number++) {
        add(list, (struct cupel__sweep_point){.first = number}); /* more than were recorded */
    }
    return firsts;
}

/* Those that only a first run makes. */
static uint64_t list_cold(const struct cupel__sweep *sweep, struct list *list) {
    uint64_t firsts = 0;
    for (unsigned round = 0; round < (sweep->options.per_stack == 0 ? 2 : 1); round++) {
        for (uint64_t i = 0; i < sweep->note->first_count; i++) {
            const struct cupel__sweep_request *request = &sweep->region->first_run[i];
            bool is_growth = request->number == 0;
            if (request->is_cold && request->is_first == (round == 0)) {
                add(list, (struct cupel__sweep_point){.first = is_growth ? request->grow_number : request->number,
                                                      .way = is_growth ? CUPEL__COLD_GROWTH : CUPEL__COLD_ALLOC});
            }
        }
        firsts = round == 0 ? list->count : firsts;
    }
    for (unsigned way = 0; way < cupel__sweep_ways(); way++) {
        for (uint64_t call = 1;
             (sweep->note->cold_ways & 1u << way) != 0 && call <= cupel__sweep_cold_calls_of(sweep, way); call++) {
            add(list, (struct cupel__sweep_point){.first = call, .way = (uint8_t)(CUPEL__COLD_CALL + way)});
        }
    }
    return firsts;
}

static uint64_t list_growths(const struct cupel__sweep *sweep, struct list *list) {
    bool has_others = sweep->options.per_stack == 0 && !sweep->new_stacks_only;
    uint64_t firsts = 0;
    for (unsigned round = 0; round < (has_others ? 2 : 1); round++) {
        for (uint64_t i = 0; i < sweep->note->request_count; i++) {
            const struct cupel__sweep_request *request = &sweep->region->requests[i];
            if (request->number == 0 && request->is_first == (round == 0)) {
                add(list, (struct cupel__sweep_point){.first = request->grow_number, .is_first = round == 0});
            }
        }
        firsts = round == 0 ? list->count : firsts;
    }
    return firsts;
}

/* All growth moves; then that and, of each call stack behind the first growth, one failure: who cleans up by an old
 * address is found there. */
static void list_moves(const struct cupel__sweep *sweep, struct list *list) {
    if (sweep->note->growths == 0) {
        return;
    }
    add(list, (struct cupel__sweep_point){.first = 0});
    for (uint64_t i = 0; i < sweep->note->request_count; i++) {
        const struct cupel__sweep_request *request = &sweep->region->requests[i];
        if (request->is_first_behind) {
            add(list, (struct cupel__sweep_point){.first = request->number});
        }
    }
}

static void list_pairs(const struct cupel__sweep *sweep, struct list *list) {
    for (uint64_t i = 0; i < sweep->note->pair_count; i++) {
        const struct cupel__sweep_pair *pair = &sweep->region->pairs[i];
        add(list, (struct cupel__sweep_point){.first = pair->first, .second = pair->second});
    }
}

/* What was live before a new peak, where it was reached by a call stack of its own. Nothing live at all is what
 * `alloc:1+` says. */
static void list_budgets(const struct cupel__sweep *sweep, struct list *list) {
    for (uint64_t i = 0; i < sweep->note->request_count; i++) {
        const struct cupel__sweep_request *request = &sweep->region->requests[i];
        if (request->is_peak_first) {
            add(list, (struct cupel__sweep_point){.first = request->budget});
        }
    }
    bound(list, list->count, BUDGETS_MAX, sweep->options.seed);
}

/* Each call in each way. */
static void list_calls(const struct cupel__sweep *sweep, struct list *list) {
    for (unsigned way = 0; way < cupel__sweep_ways(); way++) {
        for (uint64_t call = 1; call <= cupel__sweep_calls_of(sweep, way); call++) {
            add(list, (struct cupel__sweep_point){.first = call, .way = (uint8_t)way});
        }
    }
}

/* The points of the stage, all of them; returns how many stand for a call stack of their own. */
static uint64_t fill(const struct cupel__sweep *sweep, struct list *list) {
    switch (sweep->note->stage) {
    case CUPEL__SWEEP_COLD:
        return list_cold(sweep, list);
    case CUPEL__SWEEP_ONCE:
    case CUPEL__SWEEP_FROM:
        return list_requests(sweep, list);
    case CUPEL__SWEEP_GROW:
        return list_growths(sweep, list);
    case CUPEL__SWEEP_MOVES:
        list_moves(sweep, list);
        break;
    case CUPEL__SWEEP_PAIRS:
        list_pairs(sweep, list);
        break;
    case CUPEL__SWEEP_BUDGETS:
        list_budgets(sweep, list);
        break;
    case CUPEL__SWEEP_CALLS:
        list_calls(sweep, list);
        break;
    case CUPEL__SWEEP_BASELINE:
    case CUPEL__SWEEP_ENDED:
        break;
    }
    return list->count;
}

/* How many points the pass would have if nothing bounded it. */
static uint64_t total_of(const struct cupel__sweep *sweep, uint64_t listed) {
    uint64_t in_place = 0;
    if (sweep->note->stage == CUPEL__SWEEP_ONCE || sweep->note->stage == CUPEL__SWEEP_FROM) {
        return sweep->note->calls;
    }
    if (sweep->note->stage == CUPEL__SWEEP_COLD) {
        return sweep->note->cold_count;
    }
    for (uint64_t i = 0; sweep->note->stage == CUPEL__SWEEP_GROW && i < sweep->note->request_count; i++) {
        in_place += sweep->region->requests[i].number == 0;
    }
    return sweep->note->stage == CUPEL__SWEEP_GROW ? in_place : listed;
}

void cupel__sweep_schedule(struct cupel__sweep *sweep) {
    static const enum cupel_sweep_mode modes[] = {
        [CUPEL__SWEEP_COLD] = CUPEL_SWEEP_FIRST_RUN,  [CUPEL__SWEEP_ONCE] = CUPEL_SWEEP_ONCE,
        [CUPEL__SWEEP_FROM] = CUPEL_SWEEP_FROM,       [CUPEL__SWEEP_GROW] = CUPEL_SWEEP_GROW,
        [CUPEL__SWEEP_MOVES] = CUPEL_SWEEP_MOVES,     [CUPEL__SWEEP_PAIRS] = CUPEL_SWEEP_PAIRS,
        [CUPEL__SWEEP_BUDGETS] = CUPEL_SWEEP_BUDGETS, [CUPEL__SWEEP_CALLS] = CUPEL_SWEEP_CALLS};
    struct cupel__sweep_note *note = sweep->note;
    const struct cupel_sweep_options *options = &sweep->options;
    struct list list = {.points = sweep->region->points + note->base};
    list.room = (CUPEL__SWEEP_POINTS_MAX - note->base) / 2;
    note->is_open = false;
    bool is_wanted = (options->modes & modes[note->stage]) != 0;
    if (is_wanted) {
        uint64_t firsts = fill(sweep, &list);
        uint64_t total = total_of(sweep, list.count);
        if (options->points_max != 0) {
            bound(&list, firsts, options->points_max, options->seed + note->stage);
        }
        bool is_whole = options->per_stack == 0 && options->points_max == 0 && !sweep->new_stacks_only;
        bool is_by_request = note->stage == CUPEL__SWEEP_ONCE || note->stage == CUPEL__SWEEP_FROM;
        note->is_open = is_whole && is_by_request && options->shard_count == 0;
        note->left_out += is_whole || list.count >= total ? 0 : total - list.count;
    }
    if (options->shard_count != 0 && note->stage != CUPEL__SWEEP_PAIRS) { /* pairs are of this shard's faults already */
        take_shard(&list, options);
    }
    for (uint64_t i = 0; i < list.count; i++) {
        list.points[i].stage = (uint8_t)note->stage;
    }
    note->scheduled = list.count;
    note->point = 0;
    note->careful_until = 0;
    note->has_schedule = true;
}

struct cupel__sweep_point cupel__sweep_point_at(const struct cupel__sweep *sweep, uint64_t point) {
    const struct cupel__sweep_note *note = sweep->note;
    if (point <= note->scheduled) {
        return sweep->region->points[note->base + point - 1];
    }
    return (struct cupel__sweep_point){.first = point, .stage = (uint8_t)note->stage};
}

void cupel__sweep_plan(struct cupel_fault_plan *plan, const struct cupel__sweep_point *point) {
    static const enum cupel_fault_when whens[] = {
        [CUPEL__SWEEP_BASELINE] = CUPEL_FAULT_NTH, [CUPEL__SWEEP_COLD] = CUPEL_FAULT_NTH,
        [CUPEL__SWEEP_ONCE] = CUPEL_FAULT_NTH,     [CUPEL__SWEEP_FROM] = CUPEL_FAULT_FROM,
        [CUPEL__SWEEP_GROW] = CUPEL_FAULT_NTH,     [CUPEL__SWEEP_MOVES] = CUPEL_FAULT_NTH,
        [CUPEL__SWEEP_PAIRS] = CUPEL_FAULT_PAIR,   [CUPEL__SWEEP_BUDGETS] = CUPEL_FAULT_BUDGET};
    bool is_cold = point->stage == CUPEL__SWEEP_COLD;
    bool is_growth = point->stage == CUPEL__SWEEP_GROW || (is_cold && point->way == CUPEL__COLD_GROWTH);
    plan->count = 0;
    plan->seed = 0;
    if (point->stage == CUPEL__SWEEP_CALLS || (is_cold && point->way >= CUPEL__COLD_CALL)) {
        struct cupel__sweep_point call = *point;
        call.way = (uint8_t)(point->way - (is_cold ? CUPEL__COLD_CALL : 0));
        cupel__sweep_call_plan(plan, &call);
        return;
    }
    if (point->first != 0) {
        plan->rules[plan->count++] = (struct cupel_fault_rule){.call = is_growth ? CUPEL_FAULT_GROW : CUPEL_FAULT_ALLOC,
                                                               .when = whens[point->stage],
                                                               .first = point->first,
                                                               .second = point->second};
    }
    if (point->stage == CUPEL__SWEEP_MOVES) {
        plan->rules[plan->count++] =
            (struct cupel_fault_rule){.call = CUPEL_FAULT_GROW, .when = CUPEL_FAULT_FROM, .first = 1, .how = "move"};
    }
}

void cupel__sweep_token(char *text, size_t size, const struct cupel__sweep_point *point) {
    static struct cupel_fault_plan plan; /* large, and only its first rules are ever used */
    cupel__sweep_plan(&plan, point);
    (void)cupel_fault_plan_format(&plan, text, size);
}
