/* Freed slots handed out again: see debug_reopen.h.
 *
 * Records of a few bytes have no room for the time at which a slot was freed, so that the order is kept in turns, as a
 * clock's hand keeps that of pages: the full spans of a class have their turn one after another, oldest first. A span
 * whose turn it is hands out those of its freed slots that are marked. Where none is, its freed slots are marked, and
 * it goes to the end of the list. So a slot stays freed while each other span of its class has a turn, and slots that
 * were freed a round before others are handed out before them. */
#include "alloc/src/debug_reopen.h"

#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_lists.h"
#include "alloc/src/debug_retire.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_trim.h"

static bool may_be_reused(const struct cupel__span *span, uint32_t index, uint32_t word) {
    return cupel__slot_state(word) == CUPEL__SLOT_FREED && !cupel__slot_is_gone(span, index);
}

/* True where a freed slot is marked; otherwise all are now. */
static bool is_due(struct cupel__span *span) {
    for (uint32_t i = 0; i < span->handed_out; i++) {
        uint32_t word = cupel__slot_load(&span->slots[i]);
        if ((word & CUPEL__SLOT_MARK) != 0 && may_be_reused(span, i, word)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < span->handed_out; i++) {
        struct cupel__block_record *slot = &span->slots[i];
        uint32_t word = cupel__slot_load(slot);
        if (may_be_reused(span, i, word)) { /* no one else changes the word of a freed slot of a full span */
            cupel__slot_store(slot, cupel__slot_with(slot, word | CUPEL__SLOT_MARK, CUPEL__SLOT_FREED));
        }
    }
    return false;
}

struct cupel__span *cupel__span_reopen(struct cupel__debug *debug, unsigned size_class, unsigned shard, size_t most) {
    struct cupel__span_list *full = &debug->full[size_class];
    struct cupel__span *next;
    for (struct cupel__span *span = full->first; span != NULL && most > 0; span = next, most--) {
        next = span->next;
        uint32_t freed = __atomic_load_n(&span->freed, __ATOMIC_ACQUIRE);
        if (freed <= span->gone_slots || freed >= span->handed_out) {
            continue;
        }
        bool is_its_turn = is_due(span);
        cupel__list_remove(full, span);
        if (is_its_turn) {
            cupel__span_set_state(span, CUPEL__SPAN_OPEN);
            span->cursor = 0;
            __atomic_store_n(&span->shard, (uint8_t)shard, __ATOMIC_RELEASE);
            cupel__list_append(&debug->open, span);
            return span;
        }
        cupel__list_append(full, span); /* where it is met again, after all others */
        next = next == NULL ? span : next;
    }
    return NULL;
}

bool cupel__span_take_freed(struct cupel__debug *debug, struct cupel__span *span, uint32_t *index,
                            struct cupel__pending *pending) {
    for (; span->cursor < span->capacity; span->cursor++) {
        struct cupel__block_record *slot = &span->slots[span->cursor];
        uint32_t word = cupel__slot_load(slot);
        if ((word & CUPEL__SLOT_MARK) == 0 || !may_be_reused(span, span->cursor, word)) {
            continue;
        }
        *index = span->cursor++;
        struct cupel_finding finding = {.kind = CUPEL_FINDING_WRITE_AFTER_FREE};
        if (!cupel__freed_is_whole(span, *index, cupel__slot_block(span, *index, cupel__slot_align_log(word)),
                                   &finding)) {
            cupel__finding_describe(span, *index, &finding);
            cupel__finding_pend(debug, pending, &finding);
        }
        cupel__slot_store(slot, cupel__slot_with(slot, word, CUPEL__SLOT_BUSY)); /* it is this shard's alone */
        (void)__atomic_fetch_sub(&span->freed, 1, __ATOMIC_RELEASE);
        return true;
    }
    return false;
}
