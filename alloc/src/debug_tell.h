/* Findings on their way out: counted, told once, and what is done then. */
#ifndef ALLOC_SRC_DEBUG_TELL_H
#define ALLOC_SRC_DEBUG_TELL_H

#include "alloc/src/debug_state.h"

/* Counts the finding and hands it to the sink, unless its kind is ignored or the same was told before. Stops the
 * program where the options say so. Under no lock. */
void cupel__finding_tell(struct cupel__debug *debug, struct cupel_finding *finding);
/* True where a rule of the options meets the finding. Under any lock. */
bool cupel__finding_is_suppressed(const struct cupel__debug *debug, const struct cupel_finding *finding);
/* Tells what was found under locks, which are given back by now. */
void cupel__finding_tell_pending(struct cupel__debug *debug, struct cupel__pending *pending);

#endif
