/* The memo of walks, what is not inline: see trace_memo.h. */
#include "alloc/src/trace_memo.h"

#include "alloc/src/trace_rules.h"

#include <string.h>

enum {
    COST_OF_WALK = 4, /* against a repair's 1 */
    COST_MAX = 32,    /* of a window, beyond which a longer key is tried */
};

/* Whether the layout holds with another return address for this frame. */
static bool is_alike(const struct cupel__memo_entry *entry, unsigned place, struct cupel__rule old_rule,
                     struct cupel__rule new_rule) {
    bool is_last = place + 1U == entry->count && entry->count == (entry->shape & 0xff);
    return old_rule.index != 0 && new_rule.index != 0 &&
           (is_last || entry->shape >> 8 != CUPEL_TRACE_TABLES || cupel__rule_is_same_step(old_rule, new_rule));
}

/* Replaces frames from a group on; false where the layout is another, and then the entry is of no use. */
CUPEL__UNSANITIZED static bool repair(struct cupel__memo_entry *entry, unsigned group,
                                      struct cupel__trace_store *store) {
    const cupel__stack_word *stack = (const cupel__stack_word *)entry->sp;
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {0};
    (void)cupel__trace_store_read(store, entry->id, frames);
    for (unsigned i = 4 * group; i < 4U * entry->group_count; i++) {
        uintptr_t *old_word = &entry->groups[i / 4].words[i % 4];
        uintptr_t word = stack[entry->groups[i / 4].distances[i % 4]];
        unsigned place = entry->places[i];
        if (word == *old_word) {
            continue;
        }
        if (place >= entry->count) {
            return false;
        }
        struct cupel__rule old_rule = cupel__rules_find(rules, *old_word);
        struct cupel__rule new_rule = cupel__rules_find(rules, word);
        if (!is_alike(entry, place, old_rule, new_rule)) {
            return false;
        }
        *old_word = word;
        entry->hash = cupel__trace_hash_swap(entry->hash, place, frames[place], new_rule.index);
        frames[place] = new_rule.index;
    }
    entry->id = cupel__trace_store_add(store, frames, entry->count, entry->hash);
    return entry->id != 0;
}

static void set_level(struct cupel__memo_leaf *leaf, unsigned level) {
    leaf->level = (uint8_t)level;
    leaf->known = 0;
    leaf->is_warm = false;
}

void cupel__memo_judge(struct cupel__memo_leaf *leaf) {
    unsigned cost = leaf->cost;
    leaf->tries = 0;
    leaf->cost = 0;
    if (leaf->is_settled) {
        return;
    }
    if (!leaf->is_warm) {
        leaf->is_warm = true;
    } else if (leaf->level > 0 && cost + cost / 4 >= leaf->cost_before) {
        set_level(leaf, leaf->level - 1U);
        leaf->is_settled = true;
    } else if (cost > COST_MAX && leaf->level < CUPEL__MEMO_KEYS) {
        leaf->cost_before = (uint16_t)cost;
        set_level(leaf, leaf->level + 1U);
    }
}

uint32_t cupel__memo_mend(struct cupel__memo *memo, struct cupel__memo_leaf *leaf, struct cupel__memo_entry *entry,
                          const struct cupel__walk *walk, uint32_t epoch, struct cupel__trace_store *store) {
    if (!cupel__memo_is_for(entry, walk, epoch)) {
        cupel__memo_tally(leaf, COST_OF_WALK);
        return 0;
    }
    bool is_mended = repair(entry, cupel__memo_compare(entry), store);
    cupel__memo_tally(leaf, is_mended ? 1 : COST_OF_WALK);
    if (!is_mended) {
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

/* Copies the words; the last is repeated until its group is full. */
static void fill(struct cupel__memo_entry *entry, const struct cupel__walk *walk) {
    unsigned last = walk->word_count - 1;
    uint16_t reach = 0;
    for (unsigned i = 0; i / 4 <= last / 4; i++) {
        unsigned from = i < last ? i : last;
        entry->groups[i / 4].words[i % 4] = walk->words[from];
        entry->groups[i / 4].distances[i % 4] = walk->distances[from];
        entry->places[i] = walk->places[from];
        reach = walk->distances[from] > reach ? walk->distances[from] : reach;
    }
    entry->reach = reach;
    entry->group_count = (uint8_t)(last / 4 + 1);
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
