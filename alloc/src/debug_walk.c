/* Looking at all live blocks, and saying of one who asked for it: see cupel_debug_walk and cupel_debug_set_trace. */
#include "alloc/debug.h"

#include "alloc/src/debug_find.h"
#include "alloc/src/debug_seal.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/debug_thread.h"

struct walk {
    bool (*visit)(void *user, const struct cupel_debug_block *block);
    void *user;
    uint64_t count;
    bool is_over;
};

static void look_at_slot(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    struct walk *walk = user;
    struct cupel__block_record *slot = &span->slots[index];
    if (!walk->is_over && cupel__slot_state(word) == CUPEL__SLOT_LIVE && cupel__slot_is_sound(slot, word)) {
        struct cupel__target target = {span, index, word, slot};
        struct cupel_debug_block block;
        cupel__block_describe(&target, &block);
        walk->count++;
        walk->is_over = !walk->visit(walk->user, &block);
    }
}

uint64_t cupel_debug_walk(struct cupel_debug *debug, bool (*visit)(void *user, const struct cupel_debug_block *block),
                          void *user) {
    struct cupel__debug *state = debug->state;
    struct walk walk = {visit, user, 0, false};
    bool was_inside = cupel__debug_thread.is_inside;
    cupel__debug_lock(state, &state->lock);
    cupel__debug_thread.is_inside = true; /* requests of the visitor's must fail, or they would wait for the lock */
    cupel__debug_walk(state, look_at_slot, &walk);
    cupel__debug_thread.is_inside = was_inside;
    cupel__debug_unlock(state, &state->lock);
    return walk.count;
}

bool cupel_debug_set_trace(struct cupel_debug *debug, const void *block, cupel_trace_id trace) {
    struct cupel__debug *state = debug->state;
    struct cupel__target target;
    size_t size;
    size_t align;
    cupel__debug_unseal(state);
    bool is_set =
        cupel_debug_size(debug, block, &size, &align) && cupel__slot_locate((uintptr_t)block, &target) &&
        target.slot != NULL && cupel__slot_state(target.word) == CUPEL__SLOT_LIVE &&
        cupel__slot_claim(target.slot, target.word, cupel__slot_with(target.slot, target.word, CUPEL__SLOT_BUSY));
    if (is_set) {
        cupel__slot_set_allocated(target.slot, trace);
        cupel__slot_store(target.slot, target.word);
    }
    cupel__debug_seal(state);
    return is_set;
}
