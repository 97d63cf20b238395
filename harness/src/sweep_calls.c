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
    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "short"},    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "EINTR"},
    {CUPEL_FAULT_READ, CUPEL_FAULT_NTH, "EIO"},      {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "short"},
    {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "EINTR"},   {CUPEL_FAULT_WRITE, CUPEL_FAULT_NTH, "EIO"},
    {CUPEL_FAULT_WRITE, CUPEL_FAULT_FROM, "ENOSPC"}, {CUPEL_FAULT_OPEN, CUPEL_FAULT_NTH, "EACCES"},
    {CUPEL_FAULT_OPEN, CUPEL_FAULT_FROM, "EMFILE"},  {CUPEL_FAULT_CLOCK, CUPEL_FAULT_NTH, "back"},
    {CUPEL_FAULT_CLOCK, CUPEL_FAULT_NTH, "forward"},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

uint64_t cupel__sweep_calls_of(const struct cupel__sweep *sweep, unsigned way) {
    const struct cupel__sweep_note *note = sweep->note;
    if (way >= WAYS || (sweep->calls & 1u << ways[way].call) == 0) {
        return 0;
    }
    return strcmp(ways[way].how, "short") == 0 ? note->asked_short[ways[way].call] : note->asked[ways[way].call];
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

bool cupel__sweep_calls_are_equal(const struct cupel__sweep *sweep, char *text, size_t size) {
    static const char *const names[CUPEL_FAULT_CALLS_MAX] = {[CUPEL_FAULT_READ] = "read",
                                                             [CUPEL_FAULT_WRITE] = "wrote",
                                                             [CUPEL_FAULT_OPEN] = "opened files",
                                                             [CUPEL_FAULT_CLOCK] = "asked the time"};
    const struct cupel__sweep_note *note = sweep->note;
    const struct cupel__sweep_run *run = &sweep->current;
    for (unsigned call = 0; call < CUPEL_FAULT_CALLS_MAX; call++) {
        if ((sweep->calls & 1u << call) != 0 && run->asked[call] != note->asked[call]) {
            (void)snprintf(text, size, "two runs without a fault %s %llu and %llu times: a fault has no fixed place\n",
                           names[call], (unsigned long long)note->asked[call], (unsigned long long)run->asked[call]);
            return false;
        }
    }
    return true;
}
