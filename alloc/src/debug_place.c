/* What an address outside all spans is: on a stack, in a module's data, or wild. */
#include "alloc/src/debug_block.h"
#include "alloc/src/region.h"

enum cupel_finding_kind cupel__kind_of_place(uintptr_t address) {
    struct cupel__region region;
    (void)cupel__region_find(address, &region);
    return region.kind == CUPEL__REGION_STATIC  ? CUPEL_FINDING_STATIC
           : region.kind == CUPEL__REGION_STACK ? CUPEL_FINDING_STACK
                                                : CUPEL_FINDING_WILD;
}
