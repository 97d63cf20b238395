/* The memo of walks, what is not inline: see trace_memo.h. */
#include "alloc/src/trace_memo.h"

#include "alloc/src/trace_rules.h"

#include <string.h>

enum { MISSES_MAX = 12 }; /* of CUPEL__MEMO_WINDOW calls, before the key gets longer */

/* Whether the layout holds with another return address for this frame. */
static bool is_alike(const struct cupel__memo_entry *entry, unsigned place, struct cupel__rule old_rule,
                     struct cupel__rule new_rule) {
    bool is_last = place + 1U == entry->count && entry->count == (entry->shape & 0xff);
    return old_rule.index != 0 && new_rule.index != 0 &&
           (is_last || entry->shape >> 8 != CUPEL_TRACE_TABLES || cupel__rule_is_same_step(old_rule, new_rule));
}

/* Replaces frames from word `i` on; false where the layout is another, and then the entry is of no use. */
CUPEL__UNSANITIZED static bool repair(struct cupel__memo_entry *entry, unsigned i, struct cupel__trace_store *store) {
    const cupel__stack_word *stack = (const cupel__stack_word *)entry->sp;
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {0};
    (void)cupel__trace_store_read(store, entry->id, frames);
    for (; i < entry->word_count; i++) {
        if (cupel__memo_difference(entry, i) == 0) {
            continue;
        }
        unsigned place = entry->places[i];
        uintptr_t word = stack[entry->distances[i]];
        if (place >= entry->count) {
            return false;
        }
        struct cupel__rule old_rule = cupel__rules_find(rules, entry->words[i]);
        struct cupel__rule new_rule = cupel__rules_find(rules, word);
        if (!is_alike(entry, place, old_rule, new_rule)) {
            return false;
        }
        entry->words[i] = word;
        entry->hash = cupel__trace_hash_swap(entry->hash, place, frames[place], new_rule.index);
        frames[place] = new_rule.index;
    }
    entry->id = cupel__trace_store_add(store, frames, entry->count, entry->hash);
    return entry->id != 0;
}

void cupel__memo_judge(struct cupel__memo_leaf *leaf) {
    if (leaf->misses > MISSES_MAX && leaf->level < CUPEL__MEMO_KEYS) {
        leaf->level++;
        leaf->known = 0;
    }
    leaf->tries = 0;
    leaf->misses = 0;
}

uint32_t cupel__memo_mend(struct cupel__memo *memo, struct cupel__memo_leaf *leaf, struct cupel__memo_entry *entry,
                          const struct cupel__walk *walk, uint32_t epoch, struct cupel__trace_store *store) {
    cupel__memo_tally(leaf, 1);
    if (!cupel__memo_is_for(entry, walk, epoch)) {
        return 0;
    }
    if (!repair(entry, cupel__memo_compare(entry), store)) {
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
        if (walk->places[i] != CUPEL__WORD_NO_RETURN) {
            leaf->distances[known++] = walk->distances[i];
        }
    }
    leaf->known = (uint8_t)known;
}

static void fill(struct cupel__memo_entry *entry, const struct cupel__walk *walk) {
    unsigned count = walk->word_count;
    memcpy(entry->words, walk->words, count * sizeof walk->words[0]);
    memcpy(entry->distances, walk->distances, count * sizeof walk->distances[0]);
    memcpy(entry->places, walk->places, count * sizeof walk->places[0]);
    uint16_t reach = 0;
    for (unsigned i = 0; i < count; i++) {
        reach = walk->distances[i] > reach ? walk->distances[i] : reach;
    }
    for (; count % 4 != 0; count++) {
        entry->words[count] = entry->words[count - 1];
        entry->distances[count] = entry->distances[count - 1];
        entry->places[count] = entry->places[count - 1];
    }
    entry->reach = reach;
    entry->word_count = (uint8_t)count;
}

void cupel__memo_put(struct cupel__memo *memo, struct cupel__memo_leaf *leaf, struct cupel__memo_entry *entry,
                     const struct cupel__walk *walk, uint32_t epoch, uint32_t id) {
    bool is_taken = entry->epoch == epoch && (entry->ip != walk->start.ip || entry->sp != walk->start.sp);
    memo->random = memo->random * 1664525U + 1013904223U; /* Numerical Recipes' quick generator */
    if (is_taken && memo->random >> 31 != 0) {
        return; /* half of those that come in the way of another wait */
    }
    fill(entry, walk);
    entry->ip = walk->start.ip;
    entry->sp = walk->start.sp;
    entry->fp = walk->start.fp;
    entry->site = walk->site;
    entry->epoch = epoch;
    entry->shape = cupel__memo_shape(walk);
    entry->id = id;
    entry->uses_fp = walk->uses_fp;
    entry->count = (uint8_t)walk->count;
    entry->hash = walk->hash;
    learn_distances(leaf, walk);
}
