/* The table of rules: see trace_rules.h. */
#include "alloc/src/trace_rules.h"

#include "alloc/src/cfi.h"
#include "alloc/src/cfi_bytes.h"
#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_modules.h"

enum { FIRST_CAPACITY = 1 << 11, FIRST_SHIFT = 64 - 11 };

_Atomic(struct cupel__rules *) cupel__rules_now;
atomic_uint cupel__rules_epoch;
static struct cupel__trace_lock lock;
static atomic_size_t table_bytes;

static void put(struct cupel__rules *rules, uint64_t ip_and_kind, uint64_t rest) {
    size_t at = cupel__rules_home(rules, (uintptr_t)(ip_and_kind & CUPEL__RULE_IP_MASK));
    struct cupel__rule_slot *slot = &rules->slots[at & (rules->capacity - 1)];
    while (atomic_load_explicit(&slot->ip_and_kind, memory_order_relaxed) != 0) {
        slot = &rules->slots[++at & (rules->capacity - 1)];
    }
    atomic_store_explicit(&slot->rest, rest, memory_order_relaxed);
    atomic_store_explicit(&slot->ip_and_kind, ip_and_kind, memory_order_release);
    atomic_fetch_add_explicit(&rules->count, 1, memory_order_relaxed);
}

/* A table of twice the size, or the first. The one before stays mapped: readers may be in it. */
static struct cupel__rules *grow(struct cupel__rules *old) {
    size_t capacity = old == NULL ? (size_t)FIRST_CAPACITY : old->capacity * 2;
    size_t size_bytes = sizeof *old + capacity * sizeof old->slots[0];
    struct cupel__rules *rules = cupel__trace_pages(size_bytes);
    if (rules == NULL) {
        return old;
    }
    rules->older = old;
    rules->capacity = capacity;
    rules->shift = old == NULL ? (unsigned)FIRST_SHIFT : old->shift - 1;
    for (size_t i = 0; old != NULL && i < old->capacity; i++) {
        uint64_t ip_and_kind = atomic_load_explicit(&old->slots[i].ip_and_kind, memory_order_relaxed);
        if (ip_and_kind != 0) {
            put(rules, ip_and_kind, atomic_load_explicit(&old->slots[i].rest, memory_order_relaxed));
        }
    }
    atomic_fetch_add_explicit(&table_bytes, size_bytes, memory_order_relaxed);
    atomic_store_explicit(&cupel__rules_now, rules, memory_order_release);
    return rules;
}

/* Adds a rule that was read in `epoch`; where that is over, or memory lacks, it is read again another time. */
static void add(struct cupel__rule rule, unsigned epoch) {
    cupel__trace_lock(&lock);
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_relaxed);
    if (rules == NULL || atomic_load_explicit(&rules->count, memory_order_relaxed) >= rules->capacity / 2) {
        rules = grow(rules);
    }
    bool has_room =
        rules != NULL && atomic_load_explicit(&rules->count, memory_order_relaxed) < rules->capacity / 4 * 3;
    uintptr_t ip = (uintptr_t)(rule.ip_and_kind & CUPEL__RULE_IP_MASK);
    /* LCOV_EXCL_BR_START(the epoch changes under a walk in other threads alone) */
    if (has_room && epoch == atomic_load_explicit(&cupel__rules_epoch, memory_order_relaxed) &&
        cupel__rules_find(rules, ip).index == 0) {
        put(rules, rule.ip_and_kind,
            rule.index | (uint64_t)(uint16_t)rule.frame << 32 | (uint64_t)(uint16_t)rule.fp << 48);
    }
    /* LCOV_EXCL_BR_STOP */
    cupel__trace_unlock(&lock);
}

#if defined(__x86_64__)

/* A distance in words that a rule has room for. */
static bool is_in_words(int64_t distance) {
    return distance % 8 == 0 && distance / 8 >= INT16_MIN && distance / 8 <= INT16_MAX;
}

/* Whether an expression is "the frame pointer plus a number", or with is_loaded the word there. */
static bool is_from_fp(const struct cupel__cfi_module *module, int64_t expression, bool is_loaded, int64_t *distance) {
    enum { BASE_RBP = 0x70 + CUPEL__CFI_RBP, DEREF = 0x06 };
    struct cupel__cfi_bytes all = {(const uint8_t *)(intptr_t)expression, module->end, false};
    struct cupel__cfi_bytes bytes = cupel__cfi_block(&all);
    if (cupel__cfi_byte(&bytes) != BASE_RBP) {
        return false;
    }
    *distance = cupel__cfi_signed(&bytes);
    return (!is_loaded || cupel__cfi_byte(&bytes) == DEREF) && !bytes.has_failed && bytes.at == bytes.end &&
           is_in_words(*distance);
}

static bool pack_frame(const struct cupel__cfi_module *module, const struct cupel__cfi_row *row,
                       struct cupel__rule *rule) {
    int64_t distance = row->frame_value;
    unsigned base;
    if (row->has_frame_address) {
        base = CUPEL__RULE_LOADED_FROM_FP;
        if (!is_from_fp(module, row->frame_value, true, &distance)) {
            return false;
        }
    } else if (row->frame_register == CUPEL__CFI_RSP || row->frame_register == CUPEL__CFI_RBP) {
        base = row->frame_register == CUPEL__CFI_RSP ? CUPEL__RULE_FROM_SP : CUPEL__RULE_FROM_FP;
    } else {
        return false;
    }
    rule->frame = (int16_t)(distance / 8);
    rule->ip_and_kind |= CUPEL__RULE_KIND(base, 0, 0);
    return is_in_words(distance);
}

static bool pack_fp(const struct cupel__cfi_module *module, const struct cupel__cfi_row *row,
                    struct cupel__rule *rule) {
    int64_t distance = row->value[CUPEL__CFI_RBP];
    switch (row->how[CUPEL__CFI_RBP]) {
    case CUPEL__CFI_SAME:
    case CUPEL__CFI_UNDEFINED:
        return true;
    case CUPEL__CFI_OFFSET:
        rule->ip_and_kind |= CUPEL__RULE_KIND(0, CUPEL__RULE_FP_AT_FRAME, 0);
        break;
    case CUPEL__CFI_EXPRESSION:
        rule->ip_and_kind |= CUPEL__RULE_KIND(0, CUPEL__RULE_FP_AT_FP, 0);
        if (!is_from_fp(module, row->value[CUPEL__CFI_RBP], false, &distance)) {
            return false;
        }
        break;
    default:
        return false;
    }
    rule->fp = (int16_t)(distance / 8);
    return is_in_words(distance);
}

/* Whether the row fits into a rule; otherwise every walk reads it again, with all registers. */
static bool pack(const struct cupel__cfi_module *module, const struct cupel__cfi_row *row, struct cupel__rule *rule) {
    return !row->is_signal && row->how[CUPEL__CFI_RIP] == CUPEL__CFI_OFFSET && row->value[CUPEL__CFI_RIP] == -8 &&
           row->how[CUPEL__CFI_RSP] == CUPEL__CFI_SAME && pack_frame(module, row, rule) && pack_fp(module, row, rule);
}

static struct cupel__rule read_rule(uintptr_t ip, const struct cupel__trace_module *known) {
    struct cupel__cfi_row row;
    struct cupel__rule rule = {ip, 0, 0, 0};
    unsigned odd = CUPEL__RULE_SLOW;
    struct cupel__cfi_module module = {NULL, NULL, NULL};
    if (known != NULL) {
        module =
            (struct cupel__cfi_module){known->eh_frame_hdr, (const uint8_t *)known->start, (const uint8_t *)known->end};
    }
    if (module.header == NULL || !cupel__cfi_find(&module, ip - 1, &row)) {
        /* The trampoline out of a signal handler may have no tables: the slow walk knows it. */
        odd = cupel__cfi_is_trampoline(ip) ? CUPEL__RULE_SLOW : CUPEL__RULE_UNKNOWN;
    } else if (row.how[CUPEL__CFI_RIP] == CUPEL__CFI_UNDEFINED) {
        odd = CUPEL__RULE_END;
    } else if (pack(&module, &row, &rule)) {
        return rule;
    }
    return (struct cupel__rule){ip | CUPEL__RULE_KIND(CUPEL__RULE_ODD, 0, odd), 0, 0, 0};
}

#else

static struct cupel__rule read_rule(uintptr_t ip, const struct cupel__trace_module *known) {
    (void)known;
    return (struct cupel__rule){ip | CUPEL__RULE_KIND(CUPEL__RULE_ODD, 0, CUPEL__RULE_UNKNOWN), 0, 0, 0};
}

#endif

/* The module of a call. Many calls in a row are in one: it is remembered, until something was unloaded. */
static uint32_t module_of(uintptr_t address, unsigned epoch, const struct cupel__trace_module **module) {
    static _Thread_local uint32_t last __attribute__((tls_model("initial-exec")));
    static _Thread_local unsigned last_epoch __attribute__((tls_model("initial-exec")));
    *module = last_epoch == epoch ? cupel__trace_module_at(last) : NULL;
    if (*module == NULL || address - (*module)->start >= (*module)->end - (*module)->start) {
        *module = NULL;
        last = cupel__trace_module_of(address, module);
        last_epoch = epoch;
    }
    return last;
}

struct cupel__rule cupel__rules_learn(struct cupel__trace_store *store, uintptr_t ip, bool is_trusted) {
    unsigned epoch = atomic_load_explicit(&cupel__rules_epoch, memory_order_acquire);
    struct cupel__rule rule = {0, 0, 0, 0};
    if (ip == 0 || (uint64_t)ip > CUPEL__RULE_IP_MASK / 2) {
        return rule;
    }
    const struct cupel__trace_module *module;
    uint32_t number = module_of(ip - 1, epoch, &module);
    if (number == 0 && !is_trusted) {
        return rule;
    }
    rule = read_rule(ip, module);
    rule.index = cupel__trace_frame_add(store, ip, number);
    if (rule.index != 0) {
        add(rule, epoch);
    }
    return rule;
}

void cupel__rules_forget(void) {
    cupel__trace_lock(&lock);
    atomic_fetch_add(&cupel__rules_epoch, 1);
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_relaxed);
    for (size_t i = 0; rules != NULL && i < rules->capacity; i++) {
        atomic_store_explicit(&rules->slots[i].ip_and_kind, 0, memory_order_relaxed);
        atomic_store_explicit(&rules->slots[i].rest, 0, memory_order_relaxed);
    }
    if (rules != NULL) {
        atomic_store_explicit(&rules->count, 0, memory_order_relaxed);
    }
    atomic_fetch_add(&cupel__rules_epoch, 1);
    cupel__trace_unlock(&lock);
}

size_t cupel__rules_count(void) {
    struct cupel__rules *rules = atomic_load_explicit(&cupel__rules_now, memory_order_acquire);
    return rules == NULL ? 0 : atomic_load_explicit(&rules->count, memory_order_relaxed);
}

size_t cupel__rules_bytes(void) {
    return atomic_load_explicit(&table_bytes, memory_order_relaxed);
}
