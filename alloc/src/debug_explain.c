/* What an address is that was given as a block and is none: freed already, inside a block, of another instance, or
 * nowhere in spans (debug_place.c); and which block is the nearest. */
#include "alloc/src/debug_block.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/text.h"

/* The nearest slot at or below the target's that was ever handed out; false where there is none. */
static bool step_down(struct cupel__target *target) {
    const struct cupel__span *span = target->span;
    while (cupel__slot_state(target->word) == CUPEL__SLOT_NONE && target->index > 0) {
        target->index--;
        target->slot = &span->slots[target->index];
        target->word = cupel__slot_load(target->slot);
    }
    return cupel__slot_state(target->word) != CUPEL__SLOT_NONE;
}

/* Adds the block that is nearest to an address outside all spans. */
static void add_nearest(uintptr_t address, struct cupel_finding *finding) {
    enum { UNITS = 16 };
    for (uintptr_t i = 1; i <= UNITS; i++) {
        struct cupel__target target;
        uintptr_t step = i << CUPEL__UNIT_SHIFT;
        bool is_found = (address > step && cupel__slot_locate(address - step, &target)) ||
                        (address < UINTPTR_MAX - step && cupel__slot_locate(address + step, &target));
        if (is_found && target.slot != NULL && step_down(&target)) {
            cupel__finding_describe(target.span, target.index, finding);
            return;
        }
    }
}

/* The finding of an address in a span of this instance. */
static enum cupel_finding_kind kind_in_span(const struct cupel__request *request, struct cupel__target *target) {
    if (target->slot == NULL) {
        return CUPEL_FINDING_DOUBLE_FREE; /* of a span that is forgotten */
    }
    if (!cupel__span_is_sound(target->span) || !cupel__slot_is_sound(target->slot, target->word)) {
        return CUPEL_FINDING_DAMAGED;
    }
    if (cupel__slot_state(target->word) == CUPEL__SLOT_NONE) {
        (void)step_down(target);
        return CUPEL_FINDING_WILD;
    }
    uintptr_t address = (uintptr_t)request->block;
    uintptr_t base = (uintptr_t)cupel__slot_block(target->span, target->index, cupel__slot_align_log(target->word));
    if (address != base) {
        bool is_inside = address > base && address - base < cupel__slot_size(target->span, target->word);
        return is_inside ? CUPEL_FINDING_INTERIOR : CUPEL_FINDING_WILD;
    }
    return cupel__slot_state(target->word) == CUPEL__SLOT_FREED ? CUPEL_FINDING_DOUBLE_FREE : CUPEL_FINDING_RACE;
}

void cupel__block_explain(struct cupel__request *request) {
    struct cupel_finding finding = {.verb = request->verb, .address = request->block};
    struct cupel__target target;
    bool is_resize = !cupel__text_is(request->verb, "free", 4);
    bool is_found = cupel__slot_locate((uintptr_t)request->block, &target);
    if (!is_found) {
        finding.kind = cupel__kind_of_place((uintptr_t)request->block);
    } else if (target.span->home != request->debug) {
        finding.kind = CUPEL_FINDING_FOREIGN;
        finding.owner = target.span->home->options.name;
    } else {
        finding.kind = kind_in_span(request, &target);
    }
    const char *role = "given";
    if (finding.kind == CUPEL_FINDING_DOUBLE_FREE) {
        finding.kind = is_resize ? CUPEL_FINDING_RESIZE_AFTER_FREE : finding.kind;
        role = is_resize ? "resized" : "freed again";
    }
    cupel__finding_add_trace(&finding, role, request->trace, request->thread);
    if (is_found && target.slot != NULL && finding.kind != CUPEL_FINDING_DAMAGED) {
        cupel__finding_describe(target.span, target.index, &finding);
    } else if (finding.kind == CUPEL_FINDING_WILD) {
        add_nearest((uintptr_t)request->block, &finding);
    }
    cupel__finding_tell(request->debug, &finding);
}
