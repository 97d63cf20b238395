/* The pass of a sweep over calls that are no requests for memory: which faults it tries of each. See sweep_engine.h.
 * Each call of the unfailed run fails in each of the ways below, one after another. */
#include "harness/src/sweep_engine.h"

#include <stdio.h>
#include <string.h>

/* Ways in which the calls of real programs fail; the last of a call stays until the end, as a full disk does. */
static const struct {
    enum cupel_fault_call call;
    enum cupel_fault_when when;
    const char *how;
} ways[] = {
    {CUPEL_FAULT_VM, CUPEL_FAULT_NTH, ""},           {CUPEL_FAULT_VM, CUPEL_FAULT_FROM, ""},
    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "short"},    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "EINTR"},
    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "EIO"},      {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "short"},
    {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "EINTR"},   {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "EIO"},
    {CUPEL_FAULT_WRITE, CUPEL_FAULT_FROM, "ENOSPC"}, {CUPEL_FAULT_OPEN, CUPEL_FAULT_NTH, "EACCES"},
    {CUPEL_FAULT_OPEN, CUPEL_FAULT_FROM, "EMFILE"},  {CUPEL_FAULT_CLOCK, CUPEL_FAULT_NTH, "back"},
    {CUPEL_FAULT_CLOCK, CUPEL_FAULT_NTH, "forward"},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static uint64_t calls_of(const struct cupel__sweep *sweep, unsigned way, const struct cupel__sweep_asked *asked) {
    if (way >= WAYS || (sweep->calls & 1u << ways[way].call) == 0) {
        return 0;
    }
    return strcmp(ways[way].how, "short") == 0 ? asked->can_be_short[ways[way].call] : asked->all[ways[way].call];
}

uint64_t cupel__sweep_calls_of(const struct cupel__sweep *sweep, unsigned way) {
    return calls_of(sweep, way, &sweep->note->asked);
}

uint64_t cupel__sweep_cold_calls_of(const struct cupel__sweep *sweep, unsigned way) {
    uint64_t first = calls_of(sweep, way, &sweep->note->first_asked);
    return first > cupel__sweep_calls_of(sweep, way) ? first : 0;
}

unsigned cupel__sweep_ways(void) {
    return WAYS;
}

void cupel__sweep_call_plan(struct cupel_fault_plan *plan, const struct cupel__sweep_point *point) {
    plan->count = 1;
    plan->rules[0] =
        (struct cupel_fault_rule){.call = ways[point->way].call, .when = ways[point->way].when, .first = point->first};
    (void)snprintf(plan->rules[0].how, sizeof plan->rules[0].how, "%s", ways[point->way].how);
}

uint64_t cupel__sweep_cold_calls(const struct cupel__sweep *sweep) {
    const struct cupel__sweep_note *note = sweep->note;
    uint64_t count = 0;
    for (unsigned call = 0; call < CUPEL_FAULT_CALLS_MAX; call++) {
        bool is_more = note->first_asked.all[call] > note->asked.all[call] && (sweep->calls & 1u << call) != 0;
        count += is_more ? note->first_asked.all[call] - note->asked.all[call] : 0;
    }
    return count;
}

bool cupel__sweep_calls_are_equal(const struct cupel__sweep *sweep, const struct cupel__sweep_asked *before,
                                  const struct cupel__sweep_asked *now) {
    for (unsigned way = 0; way < WAYS; way++) {
        if (calls_of(sweep, way, before) != calls_of(sweep, way, now)) {
            return false;
        }
    }
    return true;
}
