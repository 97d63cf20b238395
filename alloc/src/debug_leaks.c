/* Leaks: live blocks grouped by the trace that allocated them, the groups with most bytes first. Reachable and
 * unreachable blocks of one trace are two groups. The table is had for that moment alone; where there is no memory for
 * it a small one serves, and sites that find no place in it are counted and not told. */
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"
#include "alloc/src/wrappers.h"

struct group {
    uint64_t blocks; /* 0: unused */
    uint64_t bytes;
    uint64_t key; /* the trace, or who calls the wrappers on it */
    cupel_trace_id trace;
    unsigned wrapper_frames;
    bool is_reachable;
    struct cupel__span *span; /* of the first block */
    uint32_t index;
};

struct groups {
    struct group *all;
    size_t capacity; /* a power of two; live blocks are at most half of it, unless it is the small one */
    uint64_t leaked; /* blocks */
    bool wants_reachable;
    struct cupel__wrappers *wrappers; /* NULL: none are known */
};

/* NULL where there is no place left. */
static struct group *group_of(const struct groups *groups, uint64_t key, bool is_reachable) {
    size_t at = (size_t)(((key << 1 | is_reachable) * UINT64_C(0x9E3779B97F4A7C15)) >> 20);
    for (size_t i = 0; i < groups->capacity; i++) {
        struct group *group = &groups->all[(at + i) & (groups->capacity - 1)];
        if (group->blocks == 0 || (group->key == key && group->is_reachable == is_reachable)) {
            return group;
        }
    }
    return NULL;
}

static void count_block(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    (void)span, (void)index;
    size_t *count = user;
    *count += cupel__slot_state(word) == CUPEL__SLOT_LIVE;
}

/* Blocks of one key are one group. */
static uint64_t key_of(const struct groups *groups, cupel_trace_id trace, unsigned *wrapper_frames) {
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    *wrapper_frames = groups->wrappers == NULL ? 0 : cupel__wrappers_count(groups->wrappers, trace);
    if (*wrapper_frames == 0) {
        return trace;
    }
    (void)cupel_trace_frames(trace, frames, *wrapper_frames + 1);
    return (uint64_t)(uintptr_t)frames[*wrapper_frames] | UINT64_C(1) << 62; /* traces are small numbers */
}

static void add_block(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    struct groups *groups = user;
    bool is_reachable = (word & CUPEL__SLOT_MARK) != 0;
    if (cupel__slot_state(word) != CUPEL__SLOT_LIVE || (is_reachable && !groups->wants_reachable)) {
        return;
    }
    groups->leaked++;
    cupel_trace_id trace = cupel__slot_allocated(&span->slots[index]);
    unsigned wrapper_frames = 0;
    uint64_t key = key_of(groups, trace, &wrapper_frames);
    struct group *group = group_of(groups, key, is_reachable);
    if (group == NULL) {
        return;
    }
    if (group->blocks == 0) {
        *group = (struct group){.key = key,
                                .trace = trace,
                                .wrapper_frames = wrapper_frames,
                                .is_reachable = is_reachable,
                                .span = span,
                                .index = index};
    }
    group->blocks++;
    group->bytes += cupel__slot_size(span, word);
}

static void unmark(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    (void)user;
    struct cupel__block_record *slot = &span->slots[index];
    /* LCOV_EXCL_START(threads rarely meet here) */
    while (
        (word & CUPEL__SLOT_MARK) != 0 && cupel__slot_state(word) == CUPEL__SLOT_LIVE &&
        !cupel__slot_claim(slot, word, cupel__slot_with(slot, word & ~(uint32_t)CUPEL__SLOT_MARK, CUPEL__SLOT_LIVE))) {
        word = cupel__slot_load(slot); /* somebody frees it just now */
    }
    /* LCOV_EXCL_STOP */
}

/* Unreachable ones first, then most bytes; equal ones in the order of their traces, so that reports are the same. */
static int compare(const void *a, const void *b) {
    const struct group *left = a;
    const struct group *right = b;
    if (left->is_reachable != right->is_reachable) {
        return left->is_reachable ? 1 : -1;
    }
    if (left->bytes != right->bytes) {
        return left->bytes < right->bytes ? 1 : -1;
    }
    return left->blocks != right->blocks ? (left->blocks < right->blocks ? 1 : -1)
                                         : (left->trace > right->trace) - (left->trace < right->trace);
}

/* The used groups to the front, sorted; returns how many. By insertion into the first `most`: no memory is needed. */
static size_t gather(struct groups *groups, size_t most) {
    size_t count = 0;
    for (size_t i = 0; i < groups->capacity; i++) {
        struct group group = groups->all[i];
        if (group.blocks == 0) {
            continue;
        }
        size_t at = count < most ? count++ : most;
        if (at == most && (most == 0 || compare(&groups->all[most - 1], &group) <= 0)) {
            continue;
        }
        at = at == most ? most - 1 : at;
        for (; at > 0 && compare(&groups->all[at - 1], &group) > 0; at--) {
            groups->all[at] = groups->all[at - 1];
        }
        groups->all[at] = group;
    }
    return count;
}

static enum cupel_finding_kind kind_of(const struct group *group, bool has_marks) {
    return has_marks && group->is_reachable ? CUPEL_FINDING_REACHABLE : CUPEL_FINDING_LEAK;
}

static void tell_group(struct cupel__debug *debug, const struct group *group, bool has_marks) {
    struct cupel_finding finding = {.kind = kind_of(group, has_marks),
                                    .blocks = group->blocks,
                                    .bytes = group->bytes,
                                    .wrapper_frames = group->wrapper_frames};
    cupel__finding_describe(group->span, group->index, &finding);
    cupel__finding_tell(debug, &finding);
}

/* Takes the groups out that rules meet, so that others are among the largest. */
static void drop_suppressed(struct cupel__debug *debug, struct groups *groups, bool has_marks) {
    for (size_t i = 0; i < groups->capacity && debug->options.suppressions != NULL; i++) {
        struct group *group = &groups->all[i];
        struct cupel_finding finding = {.kind = kind_of(group, has_marks)};
        if (group->blocks == 0) {
            continue;
        }
        cupel__finding_describe(group->span, group->index, &finding);
        if (cupel__finding_is_suppressed(debug, &finding)) {
            (void)__atomic_fetch_add(&debug->silenced, 1, __ATOMIC_RELAXED);
            groups->leaked -= group->blocks;
            group->blocks = 0; /* nobody looks for groups any more */
        }
    }
}

/* Tells the groups of `count` live blocks; returns how many of these are leaked. */
static uint64_t tell_groups(struct cupel__debug *debug, size_t count) {
    bool has_marks = cupel__debug_mark_reachable(debug, count);
    enum { FEW = 16 };
    struct group few[FEW] = {{0}};
    struct groups groups = {.capacity = 64, .wants_reachable = debug->options.leaks == CUPEL_DEBUG_LEAKS_ALL};
    while (groups.capacity < count * 2) {
        groups.capacity *= 2;
    }
    size_t bytes = groups.capacity * sizeof *groups.all;
    void *table = cupel__scratch_take(debug, bytes);
    groups.all = table != NULL ? table : few;
    groups.capacity = table != NULL ? groups.capacity : FEW;
    groups.wrappers = cupel__wrappers_open(debug->options.wrappers);
    cupel__debug_walk(debug, add_block, &groups);
    cupel__wrappers_close(groups.wrappers);
    drop_suppressed(debug, &groups, has_marks);
    size_t told = gather(&groups, debug->options.leak_groups_max);
    for (size_t i = 0; i < told; i++) {
        tell_group(debug, &groups.all[i], has_marks);
    }
    if (table != NULL) {
        cupel__scratch_give_back(debug, table, bytes);
    }
    return groups.leaked;
}

uint64_t cupel__debug_tell_leaks(struct cupel__debug *debug) {
    bool was_sweeping = cupel__debug_thread.is_sweeping;
    cupel__debug_lock(debug, &debug->lock);
    cupel__debug_thread.is_sweeping = true;
    size_t count = 0;
    cupel__debug_walk(debug, count_block, &count);
    uint64_t leaked = 0;
    if (count != 0 && debug->options.leaks != CUPEL_DEBUG_LEAKS_NONE) {
        leaked = tell_groups(debug, count);
        cupel__debug_walk(debug, unmark, NULL);
    }
    cupel__debug_thread.is_sweeping = was_sweeping;
    cupel__debug_unlock(debug, &debug->lock);
    return leaked;
}
