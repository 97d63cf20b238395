/* The memo of walks: see trace_memo.h. */
#include "alloc/src/trace_memo.h"

#include "alloc/src/trace_rules.h"
#include "alloc/src/unsanitized.h"

#include <string.h>

enum {
    WINDOW = 64,           /* calls after which an ip's misses are judged */
    MISSES_MAX = 12,       /* of those, before the key gets longer */
    ENTRY_SHIFT = 64 - 10, /* log2(CUPEL__MEMO_ENTRIES) */
    LEAF_SHIFT = 64 - 9,
};

typedef uintptr_t __attribute__((may_alias)) stack_word;

static struct cupel__memo_leaf *leaf_of(struct cupel__memo *memo, uintptr_t ip) {
    return &memo->leaves[((uint64_t)ip * UINT64_C(0x9e3779b97f4a7c15)) >> LEAF_SHIFT];
}

CUPEL__UNSANITIZED struct cupel__memo_entry *cupel__memo_place(struct cupel__memo *memo,
                                                               const struct cupel__walk *walk) {
    struct cupel__memo_leaf *leaf = leaf_of(memo, walk->start.ip);
    uint64_t hash = ((uint64_t)walk->start.ip ^ (uint64_t)walk->start.sp << 20) * UINT64_C(0x9e3779b97f4a7c15);
    if (leaf->ip != (uint32_t)walk->start.ip) {
        *leaf = (struct cupel__memo_leaf){.ip = (uint32_t)walk->start.ip};
    }
    unsigned keys = leaf->level < leaf->known ? leaf->level : leaf->known;
    for (unsigned i = 0; i < keys; i++) {
        uintptr_t address = walk->start.sp + leaf->distances[i] * sizeof(uintptr_t);
        if (address < walk->stack.high) {
            hash = (hash ^ *(const stack_word *)address) * UINT64_C(0xff51afd7ed558ccd);
            hash ^= hash >> 32;
        }
    }
    return &memo->entries[(hash * UINT64_C(0x9e3779b97f4a7c15)) >> ENTRY_SHIFT];
}

static bool is_for(const struct cupel__memo_entry *entry, const struct cupel__walk *walk, uint32_t epoch) {
    return entry->ip == walk->start.ip && entry->sp == walk->start.sp && entry->epoch == epoch &&
           entry->site == walk->site && entry->max == walk->max && entry->mode == walk->mode &&
           (!entry->uses_fp || entry->fp == walk->start.fp) &&
           (walk->stack.high - walk->start.sp) / sizeof(uintptr_t) > entry->reach;
}

CUPEL__UNSANITIZED static inline uint64_t difference(const stack_word *stack, uint64_t word) {
    return stack[CUPEL__WORD_DISTANCE(word)] ^ (word & CUPEL__WORD_VALUE_MASK);
}

/* The first word that differs, to a multiple of four; word_count where none does. */
CUPEL__UNSANITIZED static unsigned compare(const struct cupel__memo_entry *entry) {
    const stack_word *stack = (const stack_word *)entry->sp;
    unsigned i = 0;
    for (; i < entry->word_count; i += 4) {
        const uint64_t *words = &entry->words[i];
        if ((difference(stack, words[0]) | difference(stack, words[1]) | difference(stack, words[2]) |
             difference(stack, words[3])) != 0) {
            break;
        }
    }
    return i;
}

/* Whether the layout holds with another return address for this word. */
static bool is_alike(const struct cupel__memo_entry *entry, unsigned place, struct cupel__rule old_rule,
                     struct cupel__rule new_rule) {
    bool is_last = place + 1U == entry->count && entry->count == entry->max;
    return old_rule.index != 0 && new_rule.index != 0 &&
           (is_last || entry->mode != CUPEL_TRACE_TABLES || cupel__rule_is_same_step(old_rule, new_rule));
}

/* Replaces frames from word `i` on; false where the layout is another, and then the entry is of no use. */
CUPEL__UNSANITIZED static bool repair(struct cupel__memo_entry *entry, unsigned i, struct cupel__trace_store *store) {
    const stack_word *stack = (const stack_word *)entry->sp;
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {0};
    (void)cupel__trace_store_read(store, entry->id, frames);
    for (; i < entry->word_count; i++) {
        uint64_t word = entry->words[i];
        if (difference(stack, word) == 0) {
            continue;
        }
        unsigned place = entry->places[i];
        uint64_t value = stack[CUPEL__WORD_DISTANCE(word)];
        if ((word & CUPEL__WORD_IS_RETURN) == 0 || place >= entry->count || value > CUPEL__WORD_VALUE_MASK) {
            return false;
        }
        struct cupel__rule old_rule = cupel__rules_find(rules, (uintptr_t)(word & CUPEL__WORD_VALUE_MASK));
        struct cupel__rule new_rule = cupel__rules_find(rules, (uintptr_t)value);
        if (!is_alike(entry, place, old_rule, new_rule)) {
            return false;
        }
        entry->words[i] = (word & ~CUPEL__WORD_VALUE_MASK) | value;
        entry->hash = cupel__trace_hash_swap(entry->hash, place, frames[place], new_rule.index);
        frames[place] = new_rule.index;
    }
    entry->id = cupel__trace_store_add(store, frames, entry->count, entry->hash);
    return entry->id != 0;
}

static void judge(struct cupel__memo_leaf *leaf, unsigned misses) {
    leaf->misses = (uint8_t)(leaf->misses + misses);
    if (++leaf->tries == WINDOW) {
        if (leaf->misses > MISSES_MAX && leaf->level < CUPEL__MEMO_KEYS) {
            leaf->level++;
            leaf->known = 0;
        }
        leaf->tries = 0;
        leaf->misses = 0;
    }
}

uint32_t cupel__memo_get(struct cupel__memo *memo, struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                         uint32_t epoch, struct cupel__trace_store *store) {
    struct cupel__memo_leaf *leaf = leaf_of(memo, walk->start.ip);
    if (!is_for(entry, walk, epoch)) {
        judge(leaf, 1);
        return 0;
    }
    unsigned i = compare(entry);
    if (i >= entry->word_count) {
        memo->hits++;
        judge(leaf, 0);
        return entry->id;
    }
    judge(leaf, 1);
    if (!repair(entry, i, store)) {
        entry->epoch = 0;
        return 0;
    }
    memo->repairs++;
    return entry->id;
}

/* Where the next return addresses are, for the key. They stay as they are while the key is as long as it is: with
 * others the entries that are there would not be found. */
static void learn_distances(struct cupel__memo_leaf *leaf, const struct cupel__walk *walk) {
    unsigned known = 0;
    if (leaf->known >= leaf->level && leaf->known != 0) {
        return;
    }
    for (unsigned i = 0; i < walk->word_count && known < CUPEL__MEMO_KEYS; i++) {
        if ((walk->words[i] & CUPEL__WORD_IS_RETURN) != 0) {
            leaf->distances[known++] = (uint16_t)CUPEL__WORD_DISTANCE(walk->words[i]);
        }
    }
    leaf->known = (uint8_t)known;
}

void cupel__memo_put(struct cupel__memo *memo, struct cupel__memo_entry *entry, const struct cupel__walk *walk,
                     uint32_t epoch, uint32_t id) {
    bool is_taken = entry->epoch == epoch && (entry->ip != walk->start.ip || entry->sp != walk->start.sp);
    memo->random = memo->random * 1664525U + 1013904223U; /* Numerical Recipes' quick generator */
    if (is_taken && memo->random >> 31 != 0) {
        return; /* half of those that come in the way of another wait */
    }
    unsigned count = walk->word_count;
    uint64_t reach = 0;
    memcpy(entry->words, walk->words, count * sizeof walk->words[0]);
    memcpy(entry->places, walk->places, count * sizeof walk->places[0]);
    for (unsigned i = 0; i < count; i++) {
        uint64_t distance = CUPEL__WORD_DISTANCE(walk->words[i]);
        reach = distance > reach ? distance : reach;
    }
    for (; count % 4 != 0; count++) {
        entry->words[count] = entry->words[walk->word_count - 1];
        entry->places[count] = entry->places[walk->word_count - 1];
    }
    entry->ip = walk->start.ip;
    entry->sp = walk->start.sp;
    entry->fp = walk->start.fp;
    entry->site = walk->site;
    entry->epoch = epoch;
    entry->id = id;
    entry->max = (uint8_t)walk->max;
    entry->mode = (uint8_t)walk->mode;
    entry->count = (uint8_t)walk->count;
    entry->word_count = (uint8_t)count;
    entry->reach = (uint16_t)reach;
    entry->uses_fp = walk->uses_fp;
    entry->hash = walk->hash;
    learn_distances(leaf_of(memo, walk->start.ip), walk);
}
