/* What plain malloc leaves at the end of a run, and whether it grows: see route.h. */
#include "harness/src/route_state.h"

struct cupel_counts cupel__routed_apart(const struct cupel_counts *all, const struct cupel__routed *routed) {
    struct cupel_counts counts = *all;
    counts.acquired -= routed->acquired;
    counts.released -= routed->acquired - routed->live_blocks;
    counts.live_blocks -= routed->live_blocks;
    counts.live_bytes -= routed->live_bytes;
    counts.address_sum -= routed->address_sum;
    return counts;
}

static bool take_oldest(void *user, const void *record) {
    const struct cupel_block *block = record;
    struct cupel__routed_block *oldest = user;
    if (block->serial == cupel__route_state.run->number && oldest->base == NULL) {
        *oldest = (struct cupel__routed_block){block->base, block->size, block->frames[0]};
    }
    return oldest->base == NULL;
}

struct cupel__routed_block cupel__route_oldest(void) {
    struct cupel__routed_block oldest = {.base = NULL};
    cupel__route_enter();
    cupel_index_walk(&cupel__route_state.blocks, take_oldest, &oldest);
    cupel__route_leave();
    return oldest;
}

struct cupel__route_mark *cupel__route_mark_of(const void *site) {
    struct cupel__route_run *run = cupel__route_state.run;
    unsigned i = 0;
    while (i < run->mark_count && i < CUPEL__MARKS_MAX - 1 && run->marks[i].site != site) {
        i++;
    }
    return i < run->mark_count ? &run->marks[i] : NULL;
}

static bool add_mark(void *user, const void *record) {
    const struct cupel_block *block = record;
    struct cupel__route_run *run = cupel__route_state.run;
    (void)user;
    if (block->serial == cupel__route_state.run->number && cupel__route_mark_of(block->frames[0]) == NULL) {
        run->marks[run->mark_count++] = (struct cupel__route_mark){.site = block->frames[0]};
    }
    return true;
}

void cupel__route_mark_left(void) {
    struct cupel__route_run *run = cupel__route_state.run;
    cupel__route_enter();
    run->mark_count = 0;
    cupel_index_walk(&cupel__route_state.blocks, add_mark, NULL);
    cupel__route_leave();
}

static bool count_left(void *user, const void *record) {
    const struct cupel_block *block = record;
    (void)user;
    struct cupel__route_mark *mark =
        block->serial == cupel__route_state.run->number ? cupel__route_mark_of(block->frames[0]) : NULL;
    if (mark != NULL) {
        mark->left++;
    }
    return true;
}

bool cupel__route_left_grew(void) {
    struct cupel__route_run *run = cupel__route_state.run;
    bool has_grown = false;
    cupel__route_enter();
    cupel_index_walk(&cupel__route_state.blocks, count_left, NULL);
    for (unsigned i = 0; i < run->mark_count; i++) {
        has_grown = has_grown || run->marks[i].left > run->marks[i].freed;
    }
    run->mark_count = 0;
    cupel__route_leave();
    return has_grown;
}
