/* What is known of each return address, for the walk that must be quick: its frame index, and in two words how to get
 * from there to the next frame. Rules are read from the unwinding tables once an address; the table of them is shared
 * by all threads, read without a lock, and emptied when a module was unloaded. */
#ifndef ALLOC_SRC_TRACE_RULES_H
#define ALLOC_SRC_TRACE_RULES_H

#include "alloc/src/trace_store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the frame address (the stack pointer before the call) is: at a base plus `frame` words. */
enum { CUPEL__RULE_FROM_SP, CUPEL__RULE_FROM_FP, CUPEL__RULE_LOADED_FROM_FP, CUPEL__RULE_ODD };
/* The caller's frame pointer: unchanged, or at the frame address or at the frame pointer plus `fp` words. */
enum { CUPEL__RULE_FP_SAME, CUPEL__RULE_FP_AT_FRAME, CUPEL__RULE_FP_AT_FP };
/* Of odd rules: nothing is known (the trace ends), there is no caller, or all registers are needed. */
enum { CUPEL__RULE_UNKNOWN, CUPEL__RULE_END, CUPEL__RULE_SLOW };

/* The return address is always the word below the frame address. */
struct cupel__rule {
    uint64_t ip_and_kind; /* 48 bits of address; 2 of base; 2 of fp; 2 of odd */
    uint32_t index;       /* the frame's; 0 is no rule */
    int16_t frame;        /* words */
    int16_t fp;           /* words */
};

#define CUPEL__RULE_IP_MASK         (((uint64_t)1 << 48) - 1)
#define CUPEL__RULE_BASE(rule)      ((unsigned)((rule).ip_and_kind >> 48) & 3)
#define CUPEL__RULE_FP(rule)        ((unsigned)((rule).ip_and_kind >> 50) & 3)
#define CUPEL__RULE_ODD_KIND(rule)  ((unsigned)((rule).ip_and_kind >> 52) & 3)
#define CUPEL__RULE_KIND(a, b, odd) ((uint64_t)(a) << 48 | (uint64_t)(b) << 50 | (uint64_t)(odd) << 52)

/* Whether two rules lead to the same place on any stack. */
static inline bool cupel__rule_is_same_step(struct cupel__rule a, struct cupel__rule b) {
    return a.ip_and_kind >> 48 == b.ip_and_kind >> 48 && a.frame == b.frame && a.fp == b.fp;
}

struct cupel__rules {
    struct cupel__rules *older;
    size_t capacity; /* a power of two */
    unsigned shift;  /* 64 - log2(capacity) */
    atomic_size_t count;
    struct cupel__rule_slot {
        atomic_uint_least64_t ip_and_kind;
        atomic_uint_least64_t rest;
    } slots[];
};

extern _Atomic(struct cupel__rules *) cupel__rules_now;
/* Odd while rules are being forgotten; a walk during which it changed counts for nothing. */
extern atomic_uint cupel__rules_epoch;

static inline size_t cupel__rules_home(const struct cupel__rules *rules, uintptr_t ip) {
    return (size_t)(((uint64_t)ip * UINT64_C(0x9e3779b97f4a7c15)) >> rules->shift);
}

/* The rule of a return address in the table; index 0 where it is not there. */
static inline struct cupel__rule cupel__rules_find(struct cupel__rules *rules, uintptr_t ip) {
    struct cupel__rule rule = {0, 0, 0, 0};
    if (rules == NULL) {
        return rule;
    }
    for (size_t at = cupel__rules_home(rules, ip);; at++) {
        struct cupel__rule_slot *slot = &rules->slots[at & (rules->capacity - 1)];
        uint64_t ip_and_kind = atomic_load_explicit(&slot->ip_and_kind, memory_order_acquire);
        if ((ip_and_kind & CUPEL__RULE_IP_MASK) == ip) {
            uint64_t rest = atomic_load_explicit(&slot->rest, memory_order_relaxed);
            rule.ip_and_kind = ip_and_kind;
            rule.index = (uint32_t)rest;
            rule.frame = (int16_t)(uint16_t)(rest >> 32);
            rule.fp = (int16_t)(uint16_t)(rest >> 48);
            return rule;
        }
        if (ip_and_kind == 0) {
            return rule;
        }
    }
}

/* Reads the rule of a return address from the tables and adds it; index 0 where the store is full, and with is_trusted
 * false where no module holds the address: what looked like a frame was none. 1 to 15 us. */
struct cupel__rule cupel__rules_learn(struct cupel__trace_store *store, uintptr_t ip, bool is_trusted);

/* Empties the table, because code may have changed. */
void cupel__rules_forget(void);

/* Rules in the table, and bytes of it. */
size_t cupel__rules_count(void);
size_t cupel__rules_bytes(void);

#endif
