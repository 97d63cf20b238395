/* What is known of an address, and how it is said in a finding. Takes no lock. */
#ifndef ALLOC_SRC_DEBUG_FIND_H
#define ALLOC_SRC_DEBUG_FIND_H

#include "alloc/src/debug_state.h"

/* The slot in whose span an address lies, of any instance; slot NULL where its records are given up. False where it
 * lies in no span. */
bool cupel__slot_locate(uintptr_t address, struct cupel__target *target);
/* Fills what is known of the block in a slot, whose word says that there is one; its offset is 0. */
void cupel__block_describe(const struct cupel__target *target, struct cupel_debug_block *block);
/* Adds a trace to the finding; more than fit are left out. */
void cupel__finding_add_trace(struct cupel_finding *finding, const char *role, cupel_trace_id trace, unsigned thread);
/* Says of the finding which block it is about, and adds who freed and who allocated it. */
void cupel__finding_describe(const struct cupel__span *span, uint32_t index, struct cupel_finding *finding);

#endif
