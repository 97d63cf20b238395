/* The walk by rules: see trace_walk.h. Every step goes upwards within the bounds of the stack, or it is not taken. */
#include "alloc/src/trace_walk.h"

#include "alloc/src/cfi.h"
#include "alloc/src/trace_rules.h"
#include "alloc/src/unsanitized.h"

#include <string.h>

enum { STEPS_MAX = 96, WORD = sizeof(uintptr_t) };

typedef uintptr_t __attribute__((may_alias)) stack_word;

/* Where the walk stands. */
struct place {
    uintptr_t ip, sp, fp;
    uintptr_t fp_slot;  /* where fp was read; 0: it is the start's */
    bool fp_is_noted;   /* the words have it */
    bool is_after_site; /* frames count */
};

/* What a frame with a frame pointer looks like. */
static const struct cupel__rule chained = {CUPEL__RULE_KIND(CUPEL__RULE_FROM_FP, CUPEL__RULE_FP_AT_FRAME, 0), 1, 2, -2};

static inline __attribute__((always_inline)) void note(struct cupel__walk *walk, uintptr_t address, uintptr_t value,
                                                       uint8_t place) {
    uintptr_t distance = (address - walk->start.sp) / WORD;
    unsigned at = walk->word_count;
    if (at == CUPEL__WALK_WORDS_MAX || distance > UINT16_MAX) {
        walk->is_exact = false;
        return;
    }
    walk->words[at] = value;
    walk->distances[at] = (uint16_t)distance;
    walk->places[at] = place;
    walk->word_count = at + 1;
}

/* The frame pointer decides what comes next: its word is part of what the walk depends on. */
static void note_fp(struct cupel__walk *walk, struct place *place) {
    if (!place->fp_is_noted) {
        place->fp_is_noted = true;
        if (place->fp_slot == 0) {
            walk->uses_fp = true;
        } else {
            note(walk, place->fp_slot, place->fp, CUPEL__WORD_NO_RETURN);
        }
    }
}

/* Whether a word may be read: on this stack, not below the start. */
static bool is_readable(const struct cupel__walk *walk, uintptr_t address) {
    return address >= walk->start.sp && address <= walk->stack.high - WORD && address % WORD == 0;
}

/* The frame address by the rule; 0 where it cannot be had. */
CUPEL__UNSANITIZED static uintptr_t frame_address(struct cupel__walk *walk, struct place *place,
                                                  struct cupel__rule rule) {
    uintptr_t distance = (uintptr_t)(intptr_t)rule.frame * WORD;
    if (CUPEL__RULE_BASE(rule) == CUPEL__RULE_FROM_SP) {
        return place->sp + distance;
    }
    note_fp(walk, place);
    if (CUPEL__RULE_BASE(rule) == CUPEL__RULE_FROM_FP) {
        return place->fp + distance;
    }
    uintptr_t slot = place->fp + distance;
    if (!is_readable(walk, slot)) {
        return 0;
    }
    uintptr_t address = *(const stack_word *)slot;
    note(walk, slot, address, CUPEL__WORD_NO_RETURN);
    return address;
}

/* To the caller's frame; false where the stack does not allow it. */
CUPEL__UNSANITIZED static bool step(struct cupel__walk *walk, struct place *place, struct cupel__rule rule) {
    uintptr_t frame = frame_address(walk, place, rule);
    if (frame <= place->sp || frame > walk->stack.high || frame % WORD != 0) {
        return false;
    }
    uintptr_t ip = *(const stack_word *)(frame - WORD);
    note(walk, frame - WORD, ip, place->is_after_site ? (uint8_t)walk->count : (uint8_t)CUPEL__WORD_BEFORE_SITE);
    unsigned how = CUPEL__RULE_FP(rule);
    if (how != CUPEL__RULE_FP_SAME) {
        if (how == CUPEL__RULE_FP_AT_FP) {
            note_fp(walk, place);
        }
        uintptr_t slot = (how == CUPEL__RULE_FP_AT_FP ? place->fp : frame) + (uintptr_t)(intptr_t)rule.fp * WORD;
        if (!is_readable(walk, slot)) {
            return false;
        }
        place->fp = *(const stack_word *)slot;
        place->fp_slot = slot;
        place->fp_is_noted = false;
    }
    place->sp = frame;
    place->ip = ip;
    return true;
}

/* Counts the frame in; false where the trace is long enough. */
static bool count_in(struct cupel__walk *walk, struct place *place, struct cupel__rule rule) {
    place->is_after_site = place->is_after_site || place->ip == walk->site;
    if (place->is_after_site) {
        walk->hash = cupel__trace_hash_swap(walk->hash, walk->count, 0, rule.index);
        walk->frames[walk->count++] = rule.index;
    }
    return walk->count < walk->max;
}

void cupel__walk_clear(struct cupel__walk *walk) {
    walk->count = 0;
    walk->hash = 0;
    walk->is_exact = true;
    walk->uses_fp = false;
    walk->word_count = 0;
    memset(walk->frames, 0, sizeof walk->frames);
}

enum cupel__walk_end cupel__walk(struct cupel__walk *walk, struct cupel__trace_store *store) {
    struct place place = {walk->start.ip, walk->start.sp, walk->start.fp, 0, false, walk->site == 0};
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
    bool is_by_tables = walk->mode == CUPEL_TRACE_TABLES;
    for (unsigned i = 0; i < STEPS_MAX && place.ip != 0; i++) {
        struct cupel__rule rule = cupel__rules_find(rules, place.ip);
        if (rule.index == 0) {
            rule = cupel__rules_learn(store, place.ip, is_by_tables);
            rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
        }
        if (rule.index == 0 || !count_in(walk, &place, rule)) {
            return CUPEL__WALK_DONE;
        }
        if (!is_by_tables) {
            rule = chained;
        } else if (CUPEL__RULE_BASE(rule) == CUPEL__RULE_ODD) {
            return CUPEL__RULE_ODD_KIND(rule) == CUPEL__RULE_SLOW ? CUPEL__WALK_NEEDS_REGISTERS : CUPEL__WALK_DONE;
        }
        if (!step(walk, &place, rule)) {
            return is_by_tables ? CUPEL__WALK_NEEDS_REGISTERS : CUPEL__WALK_DONE;
        }
    }
    return CUPEL__WALK_DONE;
}

#if defined(__x86_64__)

struct slow {
    struct cupel__walk *walk;
    struct cupel__trace_store *store;
    struct place place;
    bool has_started;
};

static bool take(void *user, const struct cupel__cfi_frame *caller) {
    struct slow *slow = user;
    uintptr_t ip = caller->registers[CUPEL__CFI_RIP];
    uintptr_t sp = caller->registers[CUPEL__CFI_RSP];
    slow->has_started = slow->has_started || (ip == slow->walk->start.ip && sp == slow->walk->start.sp);
    if (!slow->has_started) {
        return true;
    }
    slow->place.ip = ip;
    struct cupel__rule rule = cupel__rules_find(atomic_load_explicit(&cupel__rules_now, memory_order_acquire), ip);
    if (rule.index == 0) {
        rule = cupel__rules_learn(slow->store, ip, true);
    }
    return rule.index != 0 && count_in(slow->walk, &slow->place, rule);
}

void cupel__walk_slow(struct cupel__walk *walk, struct cupel__trace_store *store) {
    struct cupel__walk whole = *walk;
    cupel__walk_clear(&whole);
    struct slow slow = {&whole, store, {.is_after_site = walk->site == 0}, false};
    cupel__cfi_walk(take, &slow);
    /* Where it did not come so far, what the rules gave is as much as can be known. */
    if (whole.count > walk->count) {
        *walk = whole;
    }
    walk->is_exact = false;
}

#else

void cupel__walk_slow(struct cupel__walk *walk, struct cupel__trace_store *store) {
    (void)store;
    walk->is_exact = false;
}

#endif
