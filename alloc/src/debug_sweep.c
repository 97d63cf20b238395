/* Looking at all blocks: see debug_sweep.h. Other threads may be at work meanwhile: what a word says is believed only
 * where it says the same after the bytes were looked at. */
#include "alloc/src/debug_sweep.h"

#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"
#include "alloc/src/debug_trim.h"

static void walk_list(const struct cupel__span_list *list,
                      void (*visit)(void *user, struct cupel__span *span, uint32_t index, uint32_t word), void *user) {
    for (struct cupel__span *span = list->first; span != NULL; span = span->next) {
        uint32_t handed_out = __atomic_load_n(&span->handed_out, __ATOMIC_ACQUIRE);
        for (uint32_t i = 0; i < handed_out; i++) {
            uint32_t word = cupel__slot_load(&span->slots[i]);
            if (word != 0) {
                visit(user, span, i, word);
            }
        }
    }
}

void cupel__debug_walk(struct cupel__debug *debug,
                       void (*visit)(void *user, struct cupel__span *span, uint32_t index, uint32_t word), void *user) {
    walk_list(&debug->open, visit, user);
    walk_list(&debug->large, visit, user);
    for (unsigned i = 0; i < CUPEL__CLASSES; i++) {
        walk_list(&debug->full[i], visit, user);
    }
}

static void check_slot(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    uint64_t *damaged = user;
    struct cupel__block_record *slot = &span->slots[index];
    enum cupel__record_state state = cupel__slot_state(word);
    struct cupel_finding finding = {.kind = CUPEL_FINDING_DAMAGED, .address = slot};
    if (!cupel__slot_is_sound(slot, word)) {
        cupel__finding_tell(span->home, &finding);
        *damaged += 1;
        return;
    }
    if (cupel__slot_is_gone(span, index)) {
        return;
    }
    unsigned char *block = cupel__slot_block(span, index, cupel__slot_align_log(word));
    size_t size = cupel__slot_size(span, word);
    finding.address = NULL;
    bool is_whole = (state != CUPEL__SLOT_LIVE || cupel__canaries_are_whole(span, index, block, size, &finding)) &&
                    (state != CUPEL__SLOT_FREED || cupel__freed_is_whole(span, index, block, &finding));
    if (is_whole || cupel__slot_load(slot) != word) {
        return;
    }
    cupel__finding_describe(span, index, &finding);
    if (state == CUPEL__SLOT_LIVE) {
        cupel__canaries_write(span, index, block, size);
    } else {
        cupel__freed_fill(span, index);
    }
    cupel__finding_tell(span->home, &finding);
    *damaged += 1;
}

uint64_t cupel__debug_check_all(struct cupel__debug *debug) {
    uint64_t damaged = 0;
    bool was_sweeping = cupel__debug_thread.is_sweeping;
    cupel__debug_lock(debug, &debug->lock);
    cupel__debug_thread.is_sweeping = true;
    cupel__debug_walk(debug, check_slot, &damaged);
    cupel__debug_thread.is_sweeping = was_sweeping;
    cupel__debug_unlock(debug, &debug->lock);
    return damaged;
}
