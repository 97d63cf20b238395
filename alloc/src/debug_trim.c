/* Giving back pages of spans that are not empty: see debug_trim.h. */
#include "alloc/src/debug_trim.h"

#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_retire.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"

/* The pages of a span that a slot touches. */
struct pages {
    unsigned first, last;
};

static struct pages pages_of(const struct cupel__span *span, uint32_t index) {
    size_t page = span->home->page_bytes;
    size_t start = (size_t)index * span->slot_bytes;
    return (struct pages){(unsigned)(start / page), (unsigned)((start + span->slot_bytes - 1) / page)};
}

static bool has_any(const uint64_t bits[], struct pages pages) {
    for (unsigned i = pages.first; i <= pages.last; i++) {
        if ((bits[i / 64] >> i % 64 & 1) != 0) {
            return true;
        }
    }
    return false;
}

bool cupel__slot_is_gone(const struct cupel__span *span, uint32_t index) {
    return span->gone_slots > 0 && has_any(span->gone, pages_of(span, index));
}

/* The pages on which some slot is not freed. */
static void find_busy(const struct cupel__span *span, uint64_t busy[]) {
    for (uint32_t i = 0; i < span->capacity; i++) {
        if (cupel__slot_state(cupel__slot_load(&span->slots[i])) != CUPEL__SLOT_FREED) {
            struct pages pages = pages_of(span, i);
            for (unsigned j = pages.first; j <= pages.last; j++) {
                busy[j / 64] |= UINT64_C(1) << j % 64;
            }
        }
    }
}

/* Looks at the fill of the slots on pages that go now; returns how many slots go with them. */
static uint32_t look_at_slots(struct cupel__debug *debug, const struct cupel__span *span, const uint64_t going[],
                              struct cupel__pending *pending) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < span->capacity; i++) {
        if (!has_any(going, pages_of(span, i)) || cupel__slot_is_gone(span, i)) {
            continue;
        }
        count++;
        struct cupel_finding finding = {.kind = CUPEL_FINDING_WRITE_AFTER_FREE};
        uint32_t word = cupel__slot_load(&span->slots[i]);
        if (!cupel__freed_is_whole(span, i, cupel__slot_block(span, i, cupel__slot_align_log(word)), &finding)) {
            cupel__finding_describe(span, i, &finding);
            cupel__finding_pend(debug, pending, &finding);
        }
    }
    return count;
}

static unsigned find_end(const uint64_t bits[], unsigned from, unsigned count) {
    while (from < count && (bits[from / 64] >> from % 64 & 1) != 0) {
        from++;
    }
    return from;
}

/* How many runs of pages these are. */
static unsigned count_runs(const uint64_t bits[], unsigned count) {
    unsigned runs = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned end = find_end(bits, i, count);
        runs += end > i;
        i = end;
    }
    return runs;
}

/* The pages that can go: their bits in `going`; returns how many bytes. */
static size_t find_going(const struct cupel__debug *debug, const struct cupel__span *span, uint64_t going[]) {
    unsigned count = (unsigned)(span->length_bytes / debug->page_bytes);
    uint64_t busy[CUPEL__PAGES_MAX / 64] = {0};
    if (count > CUPEL__PAGES_MAX || debug->backing != NULL || debug->options.never_unmaps) {
        return 0;
    }
    find_busy(span, busy);
    size_t pages = 0;
    for (unsigned i = 0; i < CUPEL__PAGES_MAX / 64; i++) {
        uint64_t there = count <= i * 64        ? 0
                         : count >= i * 64 + 64 ? UINT64_MAX
                                                : (UINT64_C(1) << (count - i * 64)) - 1;
        going[i] = ~busy[i] & ~span->gone[i] & there;
        pages += (size_t)__builtin_popcountll(going[i]);
    }
    return pages * debug->page_bytes;
}

/* Gives these pages back. */
static void let_go(struct cupel__debug *debug, struct cupel__span *span, const uint64_t going[], size_t bytes,
                   struct cupel__pending *pending) {
    size_t page = debug->page_bytes;
    unsigned count = (unsigned)(span->length_bytes / page);
    uint32_t slots = look_at_slots(debug, span, going, pending);
    for (unsigned i = 0; i < count; i++) {
        unsigned end = find_end(going, i, count);
        if (end > i) {
            (void)debug->pages->guard(span->base + i * page, (end - i) * page);
        }
        i = end;
    }
    for (unsigned i = 0; i < CUPEL__PAGES_MAX / 64; i++) {
        span->gone[i] |= going[i];
    }
    span->gone_slots += slots;
    debug->mapped_bytes -= bytes;
    debug->trims++;
    (void)__atomic_fetch_sub(&debug->shards[span->shard].freed_bytes, (uint64_t)slots * span->slot_bytes,
                             __ATOMIC_RELAXED);
}

size_t cupel__span_trim(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    uint64_t going[CUPEL__PAGES_MAX / 64];
    size_t bytes = find_going(debug, span, going);
    if (bytes > 0) {
        let_go(debug, span, going, bytes, pending);
    }
    return bytes;
}

/* The same where enough pages go for what it costs. */
static void trim_on_credit(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    enum { PART = 16 };
    uint64_t going[CUPEL__PAGES_MAX / 64];
    size_t bytes = find_going(debug, span, going);
    if (bytes >= span->length_bytes / PART && bytes > 0) {
        uint32_t runs = count_runs(going, (unsigned)(span->length_bytes / debug->page_bytes));
        if (runs <= debug->runs_left) {
            debug->runs_left -= runs;
            let_go(debug, span, going, bytes, pending);
        }
    }
}

void cupel__span_trim_waiting(struct cupel__debug *debug, unsigned most, struct cupel__pending *pending) {
    for (; debug->waiting_count > most; debug->waiting_count--) {
        struct cupel__span *span = debug->waiting[debug->waiting_first++ % CUPEL__WAITING];
        if (span->is_waiting && span->state == CUPEL__SPAN_FULL) {
            span->is_waiting = false;
            trim_on_credit(debug, span, pending);
        }
    }
}

void cupel__span_wait_for_trim(struct cupel__debug *debug, struct cupel__span *span, uint32_t freed,
                               struct cupel__pending *pending) {
    enum { STEPS = 16, AT_ONCE = 128 };
    if (freed >= span->trim_at && freed > 0) {
        __atomic_store_n(&span->trim_at, freed + span->capacity / STEPS + 1, __ATOMIC_RELAXED);
        if (!span->is_waiting) {
            cupel__span_trim_waiting(debug, CUPEL__WAITING - 1, pending);
            span->is_waiting = true;
            debug->waiting[(debug->waiting_first + debug->waiting_count++) % CUPEL__WAITING] = span;
        }
        if (debug->trims < AT_ONCE) {
            cupel__span_trim_waiting(debug, 0, pending);
        }
    }
}

void cupel__span_consider_trim(struct cupel__debug *debug, struct cupel__span *span, uint32_t freed,
                               struct cupel__pending *pending) {
    if (freed < __atomic_load_n(&span->trim_at, __ATOMIC_RELAXED) ||
        __atomic_load_n(&span->state, __ATOMIC_RELAXED) != CUPEL__SPAN_FULL) {
        return;
    }
    cupel__debug_lock(debug, &debug->lock);
    if (span->state == CUPEL__SPAN_FULL) {
        cupel__span_wait_for_trim(debug, span, freed, pending);
    }
    cupel__debug_unlock(debug, &debug->lock);
}
