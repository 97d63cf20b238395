/* The memo: from the start of a trace to its id without a walk, where the walk would read the same words again.
 *
 * A walk is a pure function of the start's registers and of the words that it reads. An entry holds those words: where
 * all are equal, the trace is the same one, with certainty. Where a return address differs but its rule leads to the
 * same place, the layout still holds, and only that frame is replaced ("repair").
 *
 * Entries are found by the start's ip and sp, and for an ip where that fails often by up to three of the return
 * addresses above it too. Tables belong to one thread: no locks. */
#ifndef ALLOC_SRC_TRACE_MEMO_H
#define ALLOC_SRC_TRACE_MEMO_H

#include "alloc/src/trace_walk.h"

enum { CUPEL__MEMO_ENTRIES = 1 << 10, CUPEL__MEMO_LEAVES = 1 << 9, CUPEL__MEMO_KEYS = 3 };

struct cupel__memo_entry {
    uintptr_t ip, sp, fp, site;
    uint32_t epoch; /* of the rules; 0: empty */
    uint32_t id;
    uint8_t max, mode, count, word_count; /* words are a multiple of four: the last is repeated */
    uint16_t reach;                       /* the furthest word, in words from sp */
    bool uses_fp;
    uint64_t hash;
    uint64_t words[CUPEL__WALK_WORDS_MAX];
    uint8_t places[CUPEL__WALK_WORDS_MAX];
};

/* What is known of the starts at one ip: how many return addresses belong to the key, and where they were last. */
struct cupel__memo_leaf {
    uint32_t ip;
    uint8_t level;
    uint8_t tries, misses; /* of late */
    uint8_t known;         /* how many of the distances */
    uint16_t distances[CUPEL__MEMO_KEYS];
    uint16_t reserved;
};

struct cupel__memo {
    uint32_t random;
    uint64_t hits, repairs;
    struct cupel__memo_leaf leaves[CUPEL__MEMO_LEAVES];
    struct cupel__memo_entry entries[CUPEL__MEMO_ENTRIES];
};

/* Where an entry for this start would be; keeps the place for cupel__memo_put. */
struct cupel__memo_entry *cupel__memo_place(struct cupel__memo *memo, const struct cupel__walk *walk);
/* The id, or 0 where there must be a walk. */
uint32_t cupel__memo_get(struct cupel__memo *memo, struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                         uint32_t epoch, struct cupel__trace_store *store);
/* Enters the result of an exact walk that began and ended in `epoch`. */
void cupel__memo_put(struct cupel__memo *memo, struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                     uint32_t epoch, uint32_t id);

#endif
