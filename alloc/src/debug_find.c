/* What is known of an address: see debug_find.h. */
#include "alloc/src/debug_find.h"

#include "alloc/src/debug_map.h"
#include "alloc/src/debug_slot.h"

bool cupel__slot_locate(uintptr_t address, struct cupel__target *target) {
    struct cupel__span *span = cupel__map_find(address);
    *target = (struct cupel__target){.span = span};
    if (span == NULL || address - (uintptr_t)span->range >= span->range_bytes) {
        return false;
    }
    struct cupel__block_record *slots = __atomic_load_n(&span->slots, __ATOMIC_ACQUIRE);
    target->index = cupel__slot_index(span, address);
    if (slots != NULL && __atomic_load_n(&span->state, __ATOMIC_ACQUIRE) != CUPEL__SPAN_FORGOTTEN) {
        target->slot = &slots[target->index];
        target->word = cupel__slot_load(target->slot);
    }
    return true;
}

void cupel__finding_add_trace(struct cupel_finding *finding, const char *role, cupel_trace_id trace, unsigned thread) {
    if (finding->trace_count < CUPEL_FINDING_TRACES) {
        finding->traces[finding->trace_count++] = (struct cupel_finding_trace){role, trace, thread};
    }
}

void cupel__finding_describe(const struct cupel__span *span, uint32_t index, struct cupel_finding *finding) {
    const struct cupel__block_record *slot = &span->slots[index];
    uint32_t word = cupel__slot_load(slot);
    enum cupel__record_state state = cupel__slot_state(word);
    if (state == CUPEL__SLOT_NONE) {
        return;
    }
    bool is_live = state != CUPEL__SLOT_FREED; /* a request at work on it is not its end yet */
    finding->has_block = true;
    finding->is_live = is_live;
    finding->base = cupel__slot_block(span, index, cupel__slot_align_log(word));
    finding->size = cupel__slot_size(span, word);
    finding->align = (size_t)1 << cupel__slot_align_log(word);
    if (cupel__slot_freed(slot) != 0 || !is_live) {
        const char *role = is_live                                      ? "resized last"
                           : finding->kind == CUPEL_FINDING_DOUBLE_FREE ? "freed first"
                                                                        : "freed";
        cupel__finding_add_trace(finding, role, cupel__slot_freed(slot), cupel__slot_freeing_thread(span, index));
    }
    cupel__finding_add_trace(finding, "allocated", cupel__slot_allocated(slot), cupel__slot_allocating_thread(slot));
}

void cupel__block_describe(const struct cupel__target *target, struct cupel_debug_block *block) {
    const struct cupel__block_record *slot = target->slot;
    bool is_live = cupel__slot_state(target->word) != CUPEL__SLOT_FREED;
    unsigned align_log = cupel__slot_align_log(target->word);
    cupel_trace_id freed = cupel__slot_freed(slot);
    *block = (struct cupel_debug_block){.allocator = target->span->home->options.name,
                                        .wrappers = target->span->home->options.wrappers,
                                        .base = cupel__slot_block(target->span, target->index, align_log),
                                        .size = cupel__slot_size(target->span, target->word),
                                        .align = (size_t)1 << align_log,
                                        .family = cupel__slot_family(target->word),
                                        .is_live = is_live,
                                        .allocated = cupel__slot_allocated(slot),
                                        .resized = is_live ? freed : 0,
                                        .freed = is_live ? 0 : freed,
                                        .allocating_thread = cupel__slot_allocating_thread(slot),
                                        .freeing_thread =
                                            is_live ? 0 : cupel__slot_freeing_thread(target->span, target->index)};
}

bool cupel_debug_find(const void *address, struct cupel_debug_block *block) {
    struct cupel__target target;
    if (!cupel__slot_locate((uintptr_t)address, &target) || target.slot == NULL ||
        cupel__slot_state(target.word) == CUPEL__SLOT_NONE || !cupel__slot_is_sound(target.slot, target.word)) {
        return false;
    }
    cupel__block_describe(&target, block);
    block->offset = (ptrdiff_t)((uintptr_t)address - (uintptr_t)block->base);
    return true;
}
