/* What an address is that was given as a block and is none: freed already, inside a block, of another instance, on a
 * stack, in a module's data, or wild; and which block is the nearest. */
#include "alloc/src/debug_block.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"
#include "alloc/src/maps.h"

#include <string.h>

struct place {
    uintptr_t address;
    enum cupel_finding_kind kind;
    uintptr_t module_end; /* of the file's mapping just before; its zeroed data follow without a name */
};

static bool holds_a_stack(const struct cupel__mapping *mapping) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if ((here >= mapping->low && here < mapping->high) || strncmp(mapping->name, "[stack", 6) == 0) {
        return true;
    }
    enum { THREADS = 256 };
    unsigned last = cupel__debug_thread_last();
    for (unsigned i = 0; i < THREADS && i < last; i++) {
        uintptr_t other = cupel__debug_thread_stack(last - i);
        if (other >= mapping->low && other < mapping->high) {
            return true;
        }
    }
    return false;
}

static bool look_at_mapping(void *user, const struct cupel__mapping *mapping) {
    struct place *place = user;
    bool is_file = mapping->name[0] == '/';
    if (place->address >= mapping->low && place->address < mapping->high) {
        bool is_data = is_file || (mapping->name[0] == '\0' && mapping->low == place->module_end);
        place->kind = is_data                  ? CUPEL_FINDING_STATIC
                      : holds_a_stack(mapping) ? CUPEL_FINDING_STACK
                                               : CUPEL_FINDING_WILD;
        return false;
    }
    place->module_end = is_file ? mapping->high : 0;
    return true;
}

static enum cupel_finding_kind kind_of_place(uintptr_t address) {
    struct place place = {.address = address, .kind = CUPEL_FINDING_WILD};
    (void)cupel__maps_walk(look_at_mapping, &place);
    return place.kind;
}

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
    bool is_resize = strcmp(request->verb, "free") != 0;
    bool is_found = cupel__slot_locate((uintptr_t)request->block, &target);
    if (!is_found) {
        finding.kind = kind_of_place((uintptr_t)request->block);
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
