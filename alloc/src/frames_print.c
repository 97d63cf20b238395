/* Call stacks as text: see frames_print.h. */
#include "alloc/src/frames_print.h"

#include "alloc/failing.h"
#include "alloc/src/symbols.h"

#include <inttypes.h>

void cupel__frames_print(FILE *out, const void *const frames[], unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        /* The call stands before the address to which it returns. */
        struct cupel__place place;
        (void)cupel__place_find((const char *)frames[i] - 1, &place);
        if (place.function[0] != '\0') {
            fprintf(out, "    #%u %s+0x%" PRIxPTR " (%s+0x%" PRIxPTR ")\n", i, place.function, place.function_offset,
                    place.module, place.offset);
        } else if (place.module[0] != '\0') {
            fprintf(out, "    #%u (%s+0x%" PRIxPTR ")\n", i, place.module, place.offset);
        } else {
            fprintf(out, "    #%u %p\n", i, frames[i]);
        }
    }
}

void cupel_failing_print(const struct cupel_failing *failing, FILE *out) {
    cupel__frames_print(out, failing->frames, failing->frame_count);
}
