/* Prints the refused requests of a tracking layer, and its live blocks by the stack that acquired them. The groups
 * stand in a hash table, so that a million blocks take one pass; its memory comes from the pages root. */
#include "alloc/tracking.h"

#include "alloc/pages.h"
#include "alloc/src/frames_print.h"

#include <inttypes.h>
#include <string.h>

struct group {
    const struct cupel_block *first; /* the one with the lowest serial */
    uint64_t blocks;
    uint64_t bytes;
};

struct groups {
    struct group *table; /* capacity of them, a power of two over twice the blocks */
    size_t capacity;
};

static uint64_t hash_frames(const struct cupel_block *block) {
    uint64_t hash = block->frame_count;
    for (unsigned i = 0; i < block->frame_count; i++) {
        hash = (hash ^ (uintptr_t)block->frames[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

static bool have_same_frames(const struct cupel_block *a, const struct cupel_block *b) {
    return a->frame_count == b->frame_count && memcmp(a->frames, b->frames, a->frame_count * sizeof a->frames[0]) == 0;
}

static bool add_to_group(void *user, const void *record) {
    const struct cupel_block *block = record;
    struct groups *groups = user;
    size_t i = (size_t)hash_frames(block) & (groups->capacity - 1);
    while (groups->table[i].first != NULL && !have_same_frames(groups->table[i].first, block)) {
        i = (i + 1) & (groups->capacity - 1);
    }
    struct group *group = &groups->table[i];
    if (group->first == NULL || block->serial < group->first->serial) {
        group->first = block;
    }
    group->blocks++;
    group->bytes += block->size;
    return true;
}

/* Most bytes first, then most blocks, then the oldest: one order, whatever the addresses are. */
static bool comes_before(const struct group *a, const struct group *b) {
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    return a->blocks != b->blocks ? a->blocks > b->blocks : a->first->serial < b->first->serial;
}

static void sift_down(struct group *groups, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && comes_before(&groups[child], &groups[child + 1])) {
            child++;
        }
        if (!comes_before(&groups[root], &groups[child])) {
            return;
        }
        struct group swapped = groups[root];
        groups[root] = groups[child];
        groups[child] = swapped;
    }
}

/* Heapsort: in place, where qsort may call malloc. */
static void sort_groups(struct group *groups, size_t count) {
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(groups, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        struct group last = groups[0];
        groups[0] = groups[end];
        groups[end] = last;
        sift_down(groups, 0, end);
    }
}

static void print_group(const struct group *group, FILE *out) {
    fprintf(out, "%" PRIu64 " byte%s in %" PRIu64 " block%s, the first is number %" PRIu64 ", acquired at\n",
            group->bytes, group->bytes == 1 ? "" : "s", group->blocks, group->blocks == 1 ? "" : "s",
            group->first->serial);
    cupel__frames_print(out, group->first->frames, group->first->frame_count);
}

uint64_t cupel_tracking_print(const struct cupel_tracking *tracking, FILE *out) {
    uint64_t live = cupel_tracking_live_blocks(tracking);
    fprintf(out, "%" PRIu64 " live block%s, %" PRIu64 " byte%s\n", live, live == 1 ? "" : "s", tracking->live_bytes,
            tracking->live_bytes == 1 ? "" : "s");
    if (live == 0) {
        return 0;
    }
    struct groups groups = {NULL, 64};
    while (groups.capacity < live * 2) {
        groups.capacity *= 2;
    }
    size_t size = groups.capacity * sizeof *groups.table;
    groups.table = cupel_alloc_zeroed(tracking->index.memory, size, _Alignof(struct group));
    if (groups.table == NULL) {
        fprintf(out, "(no memory to group them)\n");
        return live;
    }
    cupel_index_walk(&tracking->index, add_to_group, &groups);
    size_t count = 0;
    for (size_t i = 0; i < groups.capacity; i++) {
        if (groups.table[i].first != NULL) {
            groups.table[count++] = groups.table[i];
        }
    }
    sort_groups(groups.table, count);
    for (size_t i = 0; i < count; i++) {
        print_group(&groups.table[i], out);
    }
    cupel_free(tracking->index.memory, groups.table, size, _Alignof(struct group));
    return live;
}

static void print_refusal(const struct cupel_tracking_refusal *refusal, FILE *out) {
    const struct cupel_block *block = &refusal->block;
    switch (refusal->finding) {
    case CUPEL_TRACKING_WRONG_SIZE:
        fprintf(out, "%s with %zu byte%s, acquired with %zu\n", refusal->verb, refusal->size,
                refusal->size == 1 ? "" : "s", block->size);
        break;
    case CUPEL_TRACKING_WRONG_ALIGN:
        fprintf(out, "%s with an alignment of %zu, acquired with %zu\n", refusal->verb, refusal->align, block->align);
        break;
    default:
        fprintf(out, "%s at %p with %zu byte%s, where no live block begins\n", refusal->verb, refusal->base,
                refusal->size, refusal->size == 1 ? "" : "s");
        break;
    }
    fprintf(out, "%s at\n", refusal->verb);
    cupel__frames_print(out, refusal->frames, refusal->frame_count);
    if (block->base != NULL) {
        fprintf(out, "acquired at, as block number %" PRIu64 "\n", block->serial);
        cupel__frames_print(out, block->frames, block->frame_count);
    }
}

uint64_t cupel_tracking_print_findings(const struct cupel_tracking *tracking, FILE *out) {
    for (unsigned i = 0; i < tracking->findings && i < CUPEL_TRACKING_REFUSALS; i++) {
        print_refusal(&tracking->refusals[i], out);
    }
    if (tracking->findings > CUPEL_TRACKING_REFUSALS) {
        fprintf(out, "and %" PRIu64 " refused requests more\n", tracking->findings - CUPEL_TRACKING_REFUSALS);
    }
    return tracking->findings;
}
