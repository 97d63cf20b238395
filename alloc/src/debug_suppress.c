/* Rules of the user's on what is not to be told: see debug_tell.h. */
#include "alloc/src/debug_tell.h"
#include "alloc/suppressions.h"

bool cupel__finding_is_suppressed(const struct cupel__debug *debug, const struct cupel_finding *finding) {
    return debug->options.suppressions != NULL && cupel_suppressions_match(debug->options.suppressions, finding);
}
