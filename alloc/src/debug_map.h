/* From an address to its span: one map for the process, two levels of tables over units of 64 KiB. */
#ifndef ALLOC_SRC_DEBUG_MAP_H
#define ALLOC_SRC_DEBUG_MAP_H

#include "alloc/src/debug_state.h"

/* The span in whose range the address lies, or NULL. Takes no lock and touches nothing else: for any address, in signal
 * handlers too. Two loads. */
struct cupel__span *cupel__map_find(uintptr_t address);
/* Makes all units of the range lead to `span` (NULL: to nothing). False, with nothing changed, where a table cannot be
 * had; clearing never fails. */
bool cupel__map_set(const void *range, size_t range_bytes, struct cupel__span *span);

#endif
