/* What an address outside all spans is: on a stack, in a module's data, or wild. */
#include "alloc/src/debug_block.h"
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

enum cupel_finding_kind cupel__kind_of_place(uintptr_t address) {
    struct place place = {.address = address, .kind = CUPEL_FINDING_WILD};
    (void)cupel__maps_walk(look_at_mapping, &place);
    return place.kind;
}
