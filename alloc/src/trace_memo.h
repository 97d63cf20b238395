/* The memo: from the start of a trace to its id without a walk, where the walk would read the same words again.
 *
 * A walk is a pure function of the start's registers and of the words that it reads. An entry holds those words: where
 * all are equal, the trace is the same one, with certainty. Where a return address differs but its rule leads to the
 * same place, the layout still holds, and only that frame is replaced ("repair").
 *
 * Entries are found by the start's ip and sp, and for an ip where that fails often by up to three of the return
 * addresses above it too. Tables belong to one thread: no locks. What runs at every call is inline here. */
#ifndef ALLOC_SRC_TRACE_MEMO_H
#define ALLOC_SRC_TRACE_MEMO_H

#include "alloc/src/trace_walk.h"
#include "alloc/src/unsanitized.h"

enum {
    CUPEL__MEMO_ENTRIES_LOG = 10,
    CUPEL__MEMO_LEAVES_LOG = 10,
    CUPEL__MEMO_KEYS = 3,
    CUPEL__MEMO_WINDOW = 128, /* calls after which an ip's key is judged */
};

/* Words that are compared together, with their distances from the start's stack pointer in words. */
struct cupel__memo_group {
    uintptr_t words[4];
    uint16_t distances[4];
};

/* In the order in which a hit reads it. */
struct cupel__memo_entry {
    uintptr_t ip, sp, fp, site;
    uint32_t epoch; /* of the rules; 0: empty */
    uint32_t shape; /* cupel__memo_shape */
    uint32_t id;
    uint16_t reach;      /* the furthest word, in words from sp */
    uint8_t group_count; /* the last word is repeated where it has not four */
    bool uses_fp;
    struct cupel__memo_group groups[CUPEL__WALK_WORDS_MAX / 4];
    uint64_t hash;
    uint8_t places[CUPEL__WALK_WORDS_MAX];
    uint8_t count; /* of frames */
};

/* What is known of the starts at one ip: how many return addresses belong to the key, and where they were last. A
 * longer key tells stacks apart that would take each other's entry, and needs more entries: whether it pays is tried.
 */
struct cupel__memo_leaf {
    uint32_t ip;
    uint16_t cost, cost_before; /* of the calls of this window that were no hits, and of one with the shorter key */
    uint8_t tries;              /* calls of this window */
    uint8_t level;              /* return addresses in the key */
    uint8_t known;              /* how many of the distances */
    bool is_warm;               /* entries with this key are there: the window counts */
    bool is_settled;            /* it was tried, and this is best */
    uint16_t distances[CUPEL__MEMO_KEYS];
};

struct cupel__memo {
    uint32_t random;
    uint64_t hits, repairs;
    struct cupel__memo_leaf leaves[1 << CUPEL__MEMO_LEAVES_LOG];
    struct cupel__memo_entry entries[1 << CUPEL__MEMO_ENTRIES_LOG];
};

typedef uintptr_t __attribute__((may_alias)) cupel__stack_word;

static inline uint32_t cupel__memo_shape(const struct cupel__walk *walk) {
    return walk->max | (uint32_t)walk->mode << 8;
}

static inline struct cupel__memo_leaf *cupel__memo_leaf_of(struct cupel__memo *memo, uintptr_t ip) {
    return &memo->leaves[((uint64_t)ip * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - CUPEL__MEMO_LEAVES_LOG)];
}

/* Where an entry for this start would be: for cupel__memo_get, cupel__memo_mend and cupel__memo_put. */
CUPEL__UNSANITIZED static inline struct cupel__memo_entry *cupel__memo_place(struct cupel__memo *memo,
                                                                             struct cupel__memo_leaf *leaf,
                                                                             const struct cupel__walk *walk) {
    uint64_t hash = (uint64_t)walk->start.ip ^ (uint64_t)walk->start.sp << 20 ^ cupel__memo_shape(walk);
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    if (leaf->ip != (uint32_t)walk->start.ip) {
        *leaf = (struct cupel__memo_leaf){.ip = (uint32_t)walk->start.ip};
    }
    unsigned keys = leaf->level < leaf->known ? leaf->level : leaf->known;
    for (unsigned i = 0; i < keys; i++) {
        uintptr_t address = walk->start.sp + leaf->distances[i] * sizeof(uintptr_t);
        if (address < walk->stack.high) {
            hash = (hash ^ *(const cupel__stack_word *)address) * UINT64_C(0xff51afd7ed558ccd);
            hash ^= hash >> 32;
        }
    }
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return &memo->entries[hash >> (64 - CUPEL__MEMO_ENTRIES_LOG)];
}

/* Whether the entry is one of this start, whatever lies on the stack. */
static inline bool cupel__memo_is_for(const struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                                      uint32_t epoch) {
    return entry->ip == walk->start.ip && entry->sp == walk->start.sp && entry->epoch == epoch &&
           entry->site == walk->site && entry->shape == cupel__memo_shape(walk) &&
           (!entry->uses_fp || entry->fp == walk->start.fp) &&
           walk->start.sp + entry->reach * sizeof(uintptr_t) < walk->stack.high;
}

CUPEL__UNSANITIZED static inline uintptr_t cupel__memo_difference(const cupel__stack_word *stack,
                                                                  const struct cupel__memo_group *group, unsigned i) {
    return stack[group->distances[i]] ^ group->words[i];
}

/* The first group that differs; group_count where none does. */
CUPEL__UNSANITIZED static inline unsigned cupel__memo_compare(const struct cupel__memo_entry *entry) {
    const cupel__stack_word *stack = (const cupel__stack_word *)entry->sp;
    unsigned i = 0;
    for (; i < entry->group_count; i++) {
        const struct cupel__memo_group *group = &entry->groups[i];
        if ((cupel__memo_difference(stack, group, 0) | cupel__memo_difference(stack, group, 1) |
             cupel__memo_difference(stack, group, 2) | cupel__memo_difference(stack, group, 3)) != 0) {
            break;
        }
    }
    return i;
}

/* Judges the key's length after a window of calls. */
void cupel__memo_judge(struct cupel__memo_leaf *leaf);

static inline void cupel__memo_tally(struct cupel__memo_leaf *leaf, unsigned cost) {
    leaf->cost = (uint16_t)(leaf->cost + cost);
    if (++leaf->tries == CUPEL__MEMO_WINDOW) {
        cupel__memo_judge(leaf);
    }
}

/* The id where the stack is as it was, else 0. */
static inline uint32_t cupel__memo_get(struct cupel__memo *memo, struct cupel__memo_leaf *leaf,
                                       const struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                                       uint32_t epoch) {
    if (!cupel__memo_is_for(entry, walk, epoch) || cupel__memo_compare(entry) < entry->group_count) {
        return 0;
    }
    memo->hits++;
    cupel__memo_tally(leaf, 0);
    return entry->id;
}

/* After cupel__memo_get gave 0: the id after frames were replaced, or 0 where there must be a walk. */
uint32_t cupel__memo_mend(struct cupel__memo *memo, struct cupel__memo_leaf *leaf, struct cupel__memo_entry *entry,
                          const struct cupel__walk *walk, uint32_t epoch, struct cupel__trace_store *store);
/* Enters the result of an exact walk that began and ended in `epoch`. */
void cupel__memo_put(struct cupel__memo *memo, struct cupel__memo_leaf *leaf, struct cupel__memo_entry *entry,
                     const struct cupel__walk *walk, uint32_t epoch, uint32_t id);

#endif
